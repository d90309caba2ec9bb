"""`stylize.py` and `rnst stylize`."""

import sys

from rnst.commands.parsing import OneLineErrors, gathered, quiet_lightning
from rnst.experiments import stylization
from rnst.experiments.stylization_settings import StylizationSettings


def run(arguments: list[str]) -> None:
    """Paint one picture."""
    parser = OneLineErrors(
        usage="stylize.py [--content C] [--style S] [--output PICTURE] [--OPTION VALUE ...]",
        description="Paint a photo in the style of a painting.",
    )
    parser.add_argument("--config", action="config", help="YAML file with any of the options below.")
    parser.add_class_arguments(StylizationSettings, as_group=False)
    options = parser.parse_args(gathered(arguments, {"--style_layers", "--content_layers"})).as_dict()
    options.pop("config", None)
    quiet_lightning()
    result = stylization.stylize(StylizationSettings(**options)).result
    width, height = result.size
    sys.stdout.write(f"{result.image}: {width} x {height} pixels, {result.seconds:.0f} s\n")
