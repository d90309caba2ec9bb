"""A picture of an experiment that is there already is not painted again."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from rich.console import Console
from torch import Tensor

from rnst.results import Result
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.stylize import stylize
from rnst.sweeps.plan import SweepRun


def painted_once(settings: StylizationSettings, score: Callable[[Tensor], Mapping[str, float]] | None = None) -> Result:
    """Paint, measure and write down; or read what an earlier run with the very same settings left.

    Args:
        settings: of the picture.
        score: picture (1, 3, H, W) in [0, 1] to further scores by name.

    Raises:
        KeyboardInterrupt: it was stopped.
        RnstError: it cannot be painted.
    """
    there = SweepRun(settings, {}).finished()
    if there is not None:
        return there
    image, result = stylize(settings, console=Console(quiet=True))
    if not result.finished:
        raise KeyboardInterrupt("stopped; the same command goes on with what is missing")
    if score is not None:
        result = replace(result, scores={**result.scores, **score(image)})
        result.write()
    return result
