"""How long do the default settings take to reach the quality of 300 plain L-BFGS steps?

    OMP_WAIT_POLICY=passive python benchmarks/time_to_quality.py [--size 512] [--steps 300] [--our_steps 20]

The size is the one that is optimized: --size 1024 is what `stylize --size 512 --supersample 2` does.

The plain loop: fp32, pixels as the parameter, full size from the start, torch's L-BFGS with history 10 and without a
line search, pixels clamped after each step. Ours: `stylize` with its defaults. Both start from the sample photo and
minimize the same objective, for the picture with its margin, aligned with the network's grid of strides; ours
translates the picture against the grid half of the time. Each is judged by this objective in fp32, untimed.

The output is the trace of both in processor time (all threads; other jobs disturb it least); for both pictures the
style distance (under random features) and the mean loss at 15 other positions against the grid; the time at which ours
first reached the plain loop's best loss, and the time at which the plain loop first reached ours.
"""

import argparse
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from rnst.encoders.encoder import Encoder, load_encoder
from rnst.encoders.names import find_network
from rnst.image.files import fit_long_side, read_image, resize, write_image
from rnst.image.samples import DEFAULT_PAINTING, DEFAULT_PHOTO, find_picture
from rnst.metrics.style_distance import StyleReference
from rnst.stylization.image_optimization import STEPS_OF_AN_AUGMENTATION, AugmentedObjective, ImageOptimization
from rnst.stylization.inputs import Inputs
from rnst.stylization.job import resolve
from rnst.stylization.regions import Region, Source
from rnst.stylization.scale_runner import ScaleRunner
from rnst.stylization.scales import Scale
from rnst.stylization.settings import StylizationSettings

_STEPS_BETWEEN_MEASUREMENTS = 15
_MARGIN = 16


@dataclass(eq=False)
class Judge(pl.Callback):
    """A stopwatch that is paused while the loss in fp32 is measured.

    Args:
        encoder: encoder of the objective.
        view: the objective, for untranslated pictures of `size`.
        size: height and width of the picture with its margin; smaller ones are not judged.
        trace: seconds and loss of each measurement.
        seen: the picture at the last measurement.
    """

    encoder: Encoder
    view: AugmentedObjective
    size: tuple[int, int]
    trace: list[tuple[float, float]] = field(default_factory=list)
    seconds: float = 0.0
    _began: float = 0.0
    seen: Tensor = field(default_factory=lambda: torch.empty(0))

    def go(self) -> None:
        """Start or resume the stopwatch."""
        self._began = time.process_time()

    def stop(self) -> None:
        """Hold."""
        self.seconds += time.process_time() - self._began

    @torch.no_grad()
    def measure(self, image: Tensor) -> None:
        """Measure the loss of a picture with its margin, with the stopwatch paused."""
        self.stop()
        if tuple(image.shape[-2:]) == self.size:
            self.seen = image.clone()
            loss = self.mean_loss([self.view])
            self.trace.append((self.seconds, loss))
            print(f"  {self.seconds:7.1f} s  {loss:.4f}", flush=True)
        self.go()

    @torch.no_grad()
    def mean_loss(self, views: Sequence[AugmentedObjective]) -> float:
        """Mean loss over views of the last measured picture."""
        with torch.autocast("cpu", enabled=False):
            losses = [view.losses(self.encoder, self.seen)["total"].item() for view in views]
        return sum(losses) / len(losses)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *arguments: Any) -> None:  # noqa: ARG002
        """Measure from time to time."""
        if (arguments[-1] + 1) % _STEPS_BETWEEN_MEASUREMENTS == 0:
            self.measure(pl_module.image())


class _Borrowed(Exception):  # noqa: N818 - no error
    """Ends a run before its first step."""


class _Borrow(pl.Callback):
    """Collects the views of a task."""

    views: Sequence[AugmentedObjective]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        if isinstance(pl_module, ImageOptimization):
            self.views = pl_module.views
        raise _Borrowed


def main() -> None:
    """Run both and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--steps", type=int, default=300, help="of the plain loop")
    parser.add_argument("--our_steps", type=int, default=StylizationSettings.steps, help="ours at each size")
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    parser.add_argument("--output", type=Path, default=Path("outputs/time_to_quality"))
    options = parser.parse_args()
    sizes: dict[str, Any] = {"size": options.size, "supersample": 1.0, "steps": options.our_steps}
    base = StylizationSettings(**sizes, precision=options.precision, tracking="off")
    job = resolve(base)
    encoder, _ = load_encoder(find_network(base.encoder), job.look.layers)
    content, style = (read_image(find_picture(name)) for name in (DEFAULT_PHOTO, DEFAULT_PAINTING))
    inputs = Inputs(None, content, (Region((Source(style, 1.0),)),), content)
    job = job.at(inputs.size)
    runner, plan = ScaleRunner(job, encoder, inputs), list(job.scales)
    *translated, view = _views(runner, plan[-1], content)
    framed = tuple(side + 2 * _MARGIN for side in plan[-1].size)
    reference = StyleReference(resize(style, fit_long_side((style.shape[-2], style.shape[-1]), options.size)))
    judges, pictures = {}, {}
    for name in ("plain", "ours"):
        print(name)
        judges[name] = judge = Judge(encoder, view, (framed[0], framed[1]))
        judge.go()
        if name == "plain":
            pictures[name] = _plain(encoder, view, resize(content, plan[-1].size), options.steps, judge)
        else:
            pictures[name] = _ours(runner, plan, content, judge)
        judge.stop()
        write_image(pictures[name], options.output / f"{name}.png")
        distance, elsewhere = reference.distance(pictures[name]), judge.mean_loss(translated)
        print(f"  style distance {distance:.4f}, mean loss at other positions {elsewhere:.4f}", flush=True)
    whole = judges["plain"].seconds
    for name, other in (("plain", "ours"), ("ours", "plain")):
        goal = min(loss for _, loss in judges[name].trace)
        reached = next((seconds for seconds, loss in judges[other].trace if loss <= goal), None)
        when = "not reached" if reached is None else f"reached after {reached / whole:.2f}"
        print(
            f"{name}: {goal:.4f} after {judges[name].seconds / whole:.2f} of the plain loop's time, {when} by {other}"
        )


def _views(runner: ScaleRunner, scale: Scale, content: Tensor) -> Sequence[AugmentedObjective]:
    """The objective at 15 positions against the grid of strides, and at the untranslated one."""
    borrow = _Borrow()
    with contextlib.suppress(_Borrowed):
        runner.optimize(replace(scale, steps=30 * STEPS_OF_AN_AUGMENTATION), content, [borrow], [])
    return borrow.views


def _plain(encoder: Encoder, view: AugmentedObjective, content: Tensor, steps: int, judge: Judge) -> Tensor:
    framed = torch.nn.functional.pad(content, (_MARGIN,) * 4, mode="replicate")
    pixels = framed.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([pixels], max_iter=1, history_size=10, tolerance_grad=0.0, tolerance_change=0.0)

    def closure() -> Tensor:
        optimizer.zero_grad()
        total: Tensor = view.objective(encoder(pixels), pixels)["total"]
        torch.autograd.backward(total)
        return total

    for step in range(1, steps + 1):
        optimizer.step(closure)
        with torch.no_grad():
            pixels.clamp_(0.0, 1.0)
        if step % _STEPS_BETWEEN_MEASUREMENTS == 0:
            judge.measure(pixels.detach())
    return pixels.detach()[..., _MARGIN:-_MARGIN, _MARGIN:-_MARGIN]


def _ours(runner: ScaleRunner, plan: list[Scale], start: Tensor, judge: Judge) -> Tensor:
    image = start
    for scale in plan:
        image = runner.optimize(scale, image, [judge], []).image
    return image


if __name__ == "__main__":
    main()
