"""`stylize.py` and `rnst stylize`."""

import logging
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnst.commands.options import ShortHelp, add_options, list_options
from rnst.commands.parsing import OneLineErrors, gathered, quiet_lightning, with_found_configs
from rnst.encoders.names import RANDOM, counterpart_of, find_network
from rnst.errors import MissingPathError
from rnst.image.samples import find_picture
from rnst.results import Result
from rnst.stylization.settings import NO_CONTENT, StylizationSettings

if TYPE_CHECKING:
    from rnst.stylization.live_page import LivePage

_GROUPS = {
    "Pictures": ("content", "style", "output", "size", "side"),
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
    "Textures and sequences": ("aspect", "sequence", "sequence_weight"),
    "Files and records": ("resume", "quality", "save_every", "scores", "lpips", "seed", "tracking"),
}
_TWIN = "twin"
_MORE: dict[str, dict[str, Any]] = {
    "--compare": {
        "nargs": "?",
        "const": _TWIN,
        "metavar": "ENCODER",
        "help": "paint with this encoder too, and write a page with a slider between both; without a name: the bundled "
        "network of the same shape that was trained the other way",
    },
    "--view": {"action": "store_true", "help": "show the picture in progress in a browser on this machine"},
    "--view_port": {"type": int, "default": 0, "metavar": "N", "help": "port of the view; 0 takes a free one [0]"},
}
_DESCRIPTION = """
Paint a photo in the style of a painting. Without options: a sample photo, a sample painting, and the robust network
that comes with rnst. In brackets: what an option is where you do not name it.
"""


def run(arguments: list[str]) -> None:
    """Paint one picture, or a folder of them."""
    parser = OneLineErrors(
        usage="stylize.py [--content PHOTO] [--style PAINTING ...] [--output PICTURE] [--OPTION VALUE ...]",
        description=_DESCRIPTION,
        formatter_class=ShortHelp,
    )
    parser.add_argument("--config", action="config", help="preset (draft, print, ...) or YAML file of options")
    add_options(parser, StylizationSettings, _GROUPS)
    for name, explanation in _MORE.items():
        parser.add_argument(name, **explanation)
    arguments = with_found_configs(arguments, "stylize")
    options = parser.parse_args(gathered(arguments, list_options(StylizationSettings))).as_dict()
    options.pop("config", None)
    view, port, compare = options.pop("view"), options.pop("view_port"), options.pop("compare")
    settings = StylizationSettings(**options)
    both = [settings] if compare is None else [settings, _compared(settings, compare)]
    for one in both:
        _check_files(one)
    _run(both, port, view=view)


def _check_files(settings: StylizationSettings) -> None:
    """Refuse what is missing before torch is imported, which takes ten seconds."""
    find_network(settings.encoder)
    pictures = [*settings.styles, *(settings.content_mask or []), *(settings.style_mask or [])]
    if settings.content != NO_CONTENT and not settings.has_folder:
        pictures.append(settings.content)
    for name in pictures:
        find_picture(name)
    if settings.weights not in {None, RANDOM} and not Path(settings.weights or "").is_file():
        raise MissingPathError(settings.weights or "", "weight file", "Correct --weights, or leave it away.")


def _run(settings: list[StylizationSettings], port: int, *, view: bool) -> None:
    from rnst.optimization.devices import is_first
    from rnst.reporting.gallery.page import write_gallery

    quiet_lightning()
    if not is_first():
        logging.getLogger("rnst").setLevel(logging.ERROR)
    results = [result for one in settings for result in _stylized(one, port if view and is_first() else None)]
    if len(settings) > 1 and is_first():
        page = write_gallery(results, settings[0].output.with_suffix(".html"), embed=True)
        sys.stdout.write(f"{page}: a slider between both; open it in a browser\n")


def _stylized(settings: StylizationSettings, port: int | None) -> list[Result]:
    """Stylize, show the picture in progress where a port is given, report what came out."""
    from rnst.optimization.devices import is_first
    from rnst.stylization.folder import stylize_folder
    from rnst.stylization.stylize import stylize

    with nullcontext() if port is None else _live_page(port) as watcher:
        if settings.has_folder:
            results = stylize_folder(settings, on_step=watcher)
        else:
            results = [stylize(settings, on_step=watcher).result]
    for result in results if is_first() else ():
        width, height = result.size
        sys.stdout.write(f"{result.image}: {width} x {height} pixels, {result.seconds:.0f} s\n")
    return results


def _live_page(port: int) -> "LivePage":
    from rnst.stylization.live_page import LivePage

    page = LivePage(port)
    sys.stderr.write(f"live view: {page.address}\n")
    return page


def _compared(settings: StylizationSettings, encoder: str) -> StylizationSettings:
    """The same picture by another network, written beside it."""
    other = counterpart_of(settings.encoder) if encoder == _TWIN else find_network(encoder).name
    output = settings.output.with_stem(f"{settings.output.stem}_{other.replace('/', '-')}")
    return settings.replaced(encoder=other, output=output, weights=None, style_layers=None, content_layers=None)
