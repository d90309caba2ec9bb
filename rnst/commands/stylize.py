"""`stylize.py` and `rnst stylize`."""

import sys

from rnst.commands.options import ShortHelp, add_options, list_options
from rnst.commands.parsing import OneLineErrors, gathered, quiet_lightning
from rnst.experiments.series import stylize_folder
from rnst.experiments.stylization import stylize
from rnst.experiments.stylization_settings import StylizationSettings

_GROUPS = {
    "Pictures": ("content", "style", "output", "size", "side"),
    "How it looks": ("style_weight", "content_weight", "tv_weight", "style_scale", "colors", "init"),
    "Network": ("encoder", "weights", "style_layers", "content_layers", "pooling", "strides"),
    "Several styles and regions": ("style_weights", "style_mask", "content_mask"),
    "Effort": ("steps", "scales", "optimizer", "learning_rate", "history", "line_search", "precision"),
    "Parametrization": ("parameters", "fourier_decay", "shifts"),
    "Textures and sequences": ("aspect", "sequence", "sequence_weight"),
    "Files and records": ("quality", "save_every", "scores", "seed", "tracking"),
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
    parser.add_argument("--config", action="config", help="YAML file with any of the options below")
    add_options(parser, StylizationSettings, _GROUPS)
    options = parser.parse_args(gathered(arguments, list_options(StylizationSettings))).as_dict()
    options.pop("config", None)
    settings = StylizationSettings(**options)
    quiet_lightning()
    for result in stylize_folder(settings) if settings.has_folder else [stylize(settings).result]:
        width, height = result.size
        sys.stdout.write(f"{result.image}: {width} x {height} pixels, {result.seconds:.0f} s\n")
