"""Estimated time and memory of a picture, from a small sample of the work, before it starts."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from rnst.encoders.encoder import Encoder
from rnst.errors import RnstError
from rnst.losses.statistics import moments
from rnst.optimization.memory import appetite, available_bytes, constant_bytes, held_bytes, image_bytes, layer_bytes
from rnst.optimization.process_group import gathered
from rnst.optimization.tiles import whole
from rnst.optimization.tiling import Limits, Tiling
from rnst.stylization.job import Job
from rnst.stylization.pace import duration
from rnst.stylization.scales import Scale

_SAMPLE_SIDE, _LARGER_SIDE = 160, 480  # pixels
_SAMPLES = 2  # after one that warms up
_MEAN_SHIFT = 16  # pixels that a view adds on average
_EVALUATIONS = {"adam": 1.0, "lbfgs": 1.2}  # for each step; the line search and new views take the rest
_FORWARD = 0.35  # share of the forward pass in an evaluation: targets need no backward pass
_GIGA = 1e9


class TooLargeError(RnstError):
    """The picture does not fit into memory."""

    def __init__(self, size: tuple[int, int], needed: float, free: float, fitting: int) -> None:
        super().__init__(
            f"{size[1]} x {size[0]} pixels need about {needed / _GIGA:.1f} GB more, and {free / _GIGA:.1f} GB are "
            f"free. Lower --size to {fitting} or less, or --supersample, or compute it in tiles, without --tile 0"
        )


@dataclass(frozen=True)
class Estimate:
    """Expected time and memory of a picture.

    Attributes:
        seconds: of the whole picture.
        needed: bytes beside what the process holds now.
        held: bytes that it holds now.
        available: bytes that may be taken.
        tiles: of the largest size.
    """

    seconds: float
    needed: float
    held: float
    available: float
    tiles: int = 1

    def check(self, size: tuple[int, int], chosen: int) -> None:
        """Refuse a picture that does not fit.

        Args:
            size: height and width in pixels of the finished picture.
            chosen: what --size is.

        Raises:
            TooLargeError: advises a size that does.
        """
        if self.needed > self.available:
            fitting = int(chosen * (self.available / self.needed) ** 0.5)
            raise TooLargeError(size, self.needed, self.available, fitting)

    def __str__(self) -> str:
        tiles = f", in {self.tiles} tiles" if self.tiles > 1 else ""
        return f"about {duration(self.seconds)} and {(self.held + self.needed) / _GIGA:.1f} GB{tiles}"


def estimate(job: Job, encoder: Encoder, plan: Sequence[Scale], device: torch.device, tiling: Tiling) -> Estimate:
    """Measure a few evaluations of a small picture and scale them to the plan.

    Time is proportional to the number of pixels that the network computes; that of the optimizer itself is omitted, as
    it is small. Overlapping tiles compute some pixels twice; several devices wait for the one with the most work.

    Args:
        job: optimizer, limits and augmentations.
        encoder: the network, on any device.
        plan: sizes and steps.
        device: where it will run.
        tiling: of the pictures.
    """
    encoder.to(device)
    with torch.autocast(device.type, torch.bfloat16, enabled=job.limits.precision == "bf16"):
        per_pixel, constant = appetite(encoder), constant_bytes(encoder)
        fixed, seconds = _line(encoder, device)
    total, margin = 0.0, job.parametrization.margin
    for scale in plan:
        views = -(-scale.steps // job.augmentations.hold) + 1
        evaluations = (scale.steps - scale.done) * _EVALUATIONS[job.optimizer.name] + _FORWARD * views
        most = _seen(margin, scale, 2 * _MEAN_SHIFT)
        grid = tiling.grid(most)
        work = grid.cost(job.limits.devices) / whole(most).cost(1)
        launched = fixed * max(len(share) for share in grid.shares(job.limits.devices))
        pixels = math.prod(_seen(margin, scale, _MEAN_SHIFT))
        total += job.augmentations.shifts_per_step * evaluations * (launched + seconds * work * pixels)
    largest = max((_seen(margin, scale, 2 * _MEAN_SHIFT) for scale in plan), key=math.prod)
    grid = tiling.grid(largest)
    targets = job.augmentations.shifts_per_step * layer_bytes(encoder, job.look.content_layers, torch.float32)
    needed = image_bytes(math.prod(largest), tiling.history) + targets * math.prod(largest) + per_pixel * grid.largest
    available = min(gathered(available_bytes(device)))  # all processes must come to the same verdict
    return Estimate(total, needed + constant, held_bytes(device), available, len(grid.tiles))


def summary(
    limits: Limits, size: tuple[int, int], plan: Sequence[Scale], expected: Estimate, device: torch.device
) -> str:
    """One line for the user about a picture whose finished `size` is height and width in pixels."""
    height, width = size
    optimized = "" if plan[-1].size == size else f"optimized at {plan[-1].size[1]} x {plan[-1].size[0]}, "
    scales = f"{len(plan)} scales of {plan[-1].steps} steps" if len(plan) > 1 else f"{plan[-1].steps} steps"
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} CPU threads"
    return f"{width} x {height} pixels, {optimized}{scales} on {name} in {limits.precision}: {expected}"


def _line(encoder: Encoder, device: torch.device) -> tuple[float, float]:
    """Seconds of one evaluation, forward and back, that do not depend on the size, and those of each pixel.

    A fast device spends most of a small evaluation on launching operations. Two sizes and the line through them tell
    that from the work; on a CPU, where it is nothing, a single small size does.
    """
    sides = (_SAMPLE_SIDE,) if device.type == "cpu" else (_SAMPLE_SIDE, _LARGER_SIDE)
    return line_through([(side**2, _seconds(encoder, device, side)) for side in sides])


def line_through(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Intercept and slope, 0 or more, of the line through one point and 0, or through two points.

    Args:
        points: (pixels, seconds), one or two, pixels rising.
    """
    pixels, seconds = points[-1]
    if len(points) > 1:
        slope = (seconds - points[0][1]) / (pixels - points[0][0])
        intercept = seconds - slope * pixels
        if slope > 0 and intercept > 0:
            return intercept, slope
    return 0.0, seconds / pixels


def _seconds(encoder: Encoder, device: torch.device, side: int) -> float:
    """Of one evaluation of a square sample, forward and back."""
    sample = torch.rand(1, 3, side, side, device=device, requires_grad=True)
    taken = []
    for _ in range(1 + _SAMPLES):
        began = time.perf_counter()
        losses = [moments(features).gram.square().mean() for features in encoder(sample).values()]
        torch.stack(losses).sum().backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - began)
    return min(taken[1:])


def _seen(margin: int, scale: Scale, shift: int) -> tuple[int, int]:
    """Height and width of what the network sees, with margin and shift."""
    more = 2 * margin + shift
    return scale.size[0] + more, scale.size[1] + more
