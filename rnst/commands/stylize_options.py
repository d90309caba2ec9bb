"""The options of `stylize.py`: their groups, their order, and what --help shows of them."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from rnst.commands.options import CommandParser
from rnst.commands.view import add_view
from rnst.stylization.settings import StylizationSettings

GROUPS = {
    "Pictures": ("content", "style", "output", "size", "print", "side", "supersample"),
    "How it looks": ("style_weight", "content_weight", "tv_weight", "style_scale", "colors", "init"),
    "Network": ("encoder", "weights", "style_layers", "content_layers"),
    "Losses": (
        "convention",
        "style_loss",
        "style_layer_weights",
        "content_layer_weights",
        "normalize_gradients",
        "smoothing",
    ),
    "Changes to the network": ("pooling", "pool_kernel", "strides", "stem", "padding", "relu", "normalization"),
    "Several styles and regions": ("style_weights", "style_mask", "content_mask"),
    "Effort": ("steps", "scales", "optimizer", "learning_rate", "history", "line_search", "averaging", "precision"),
    "Large pictures and several devices": ("tile", "memory", "devices"),
    "Parametrization": ("parameters", "fourier_decay", "color_basis", "margin"),
    "Against stride patterns": ("shifts", "shifts_per_step", "transforms"),
    "Textures and sequences": ("aspect", "seamless", "sequence", "sequence_weight", "flow", "key_frames"),
    "Files and records": (
        "resume",
        "quality",
        "depth",
        "dpi",
        "metadata",
        "save_every",
        "scores",
        "lpips",
        "seed",
        "tracking",
        "tracking_folder",
    ),
}
_COMMON = (
    "content",
    "style",
    "output",
    "size",
    "supersample",
    "style_weight",
    "style_scale",
    "colors",
    "encoder",
    "seed",
    "resume",
)
_SETTINGS = {entry.name for entry in fields(StylizationSettings)}
COUNTERPART = "counterpart"
_EXAMPLES = (
    "stylize.py                                       a sample photo in the style of a sample painting",
    "stylize.py photo.jpg painting.jpg --size 768     your own",
    "stylize.py photo.jpg painting.jpg --style-weight 30 --colors luminance",
    "stylize.py photo.jpg one.jpg two.jpg             two styles, mixed",
    "stylize.py photos/ painting.jpg                  a folder of photos",
    "stylize.py clip.mp4 painting.jpg --output new.mp4",
    "stylize.py photo.jpg painting.jpg --grid style_weight=3,10,30 style_scale=0.5,1",
    "stylize.py --config draft                        a preset; --config picture.png repeats a picture",
)


def stylize_parser() -> CommandParser:
    """The parser, with what is no setting of a picture: the page, the sheet, the comparison."""
    parser = CommandParser(
        "stylize.py [PHOTO PAINTING ...] [--output PICTURE] [--OPTION VALUE ...]",
        "Stylize a photo by a painting, with the features of a network. In brackets: the default.",
        _EXAMPLES,
    )
    parser.add_config("stylize/", pictures=True)
    parser.add_settings(StylizationSettings, GROUPS, _COMMON)
    parser.hints |= {"compare": str}
    text = "contact sheet of drafts: NAME=VALUE,VALUE ... for rows, then columns; a page gives the full commands"
    parser.add_option("grid", list[str] | None, None, text)
    text = "stylize with this encoder too, and write a page with a slider; without a name: the bundled counterpart"
    parser.add_argument("--compare", nargs="?", const=COUNTERPART, metavar="ENCODER", help=text)
    add_view(parser)
    return parser


def options_in(words: Sequence[str]) -> dict[str, Any]:
    """Options of `StylizationSettings` in the words of a command line, presets included.

    Raises:
        UsageError: something is wrong with them.
    """
    parser = stylize_parser()
    options = parser.parse(words)
    return {name: options[name] for name in parser.hints if name in _SETTINGS}
