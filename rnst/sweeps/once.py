"""A picture of an experiment that exists is not made again."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from rich.console import Console
from torch import Tensor

from rnst.results import Result
from rnst.signals import Stopped
from rnst.stylization.job import Job
from rnst.stylization.picture import stylize_job
from rnst.stylization.record import finished
from rnst.stylization.resuming import with_state


def stylized_once(job: Job, score: Callable[[Tensor], Mapping[str, float]] | None = None) -> Result:
    """Stylize, score and record one picture; or read the result of an earlier run of the same job.

    Args:
        job: the picture, resolved.
        score: picture (1, 3, H, W) in [0, 1] to further scores by name.

    Raises:
        KeyboardInterrupt: it was stopped.
        RnstError: it cannot be stylized.
    """
    there = finished(job)
    if there is not None and (score is None or there.scores):
        return there
    image, result = stylize_job(with_state(job), console=Console(quiet=True))
    if not result.finished:
        raise Stopped("stopped; the same command goes on with what is missing")
    if score is not None:
        result = replace(result, scores={**result.scores, **score(image)})
        result.write()
    return result
