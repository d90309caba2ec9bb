"""The picture in progress as pages show it: written by the optimizing thread, read by those that serve."""

import math
from collections.abc import Mapping, Sequence
from threading import Event, Lock
from typing import Any

import torch
from torch import Tensor
from torchvision.io import encode_jpeg

from rnst.image.files import fit_long_side, resize
from rnst.stylization.pace import Pace
from rnst.stylization.scales import Scale

_QUALITY = 90
_MOST_POINTS = 2000  # of the curves that are sent


class LiveState:
    """A picture in progress. Call it after each step, as `on_step` of `stylize`.

    Args:
        scales: plan of the picture; none leaves progress and time unknown.

    Attributes:
        stop: set by the user who wants no more steps.
    """

    def __init__(self, scales: Sequence[Scale] = ()) -> None:
        self.stop = Event()
        self._lock = Lock()
        self._pace = Pace(scales)
        self._step = 0
        self._reached: dict[str, Any] = {}
        self._pixels: Tensor | None = None
        self._losses: dict[str, list[tuple[int, float]]] = {}

    def __call__(self, step: int, image: Tensor, losses: Mapping[str, float]) -> None:
        """Take over the picture (1, 3, H, W) in [0, 1] and the losses after a step.

        Raises:
            KeyboardInterrupt: `stop` is set; the best picture so far is kept, as with Ctrl-C.
        """
        self.update(step, image, losses)
        if self.stop.is_set():
            raise KeyboardInterrupt

    def update(self, step: int, image: Tensor, losses: Mapping[str, float]) -> None:
        """Take over the picture and the losses after a step; a smaller number of a step begins another picture."""
        pixels = image.detach()[0].clamp(0.0, 1.0).mul(255.0).round().to("cpu", torch.uint8)
        with self._lock:
            if step <= self._step:
                self._losses.clear()
            self._step, self._pixels = step, pixels
            reached = self._pace.at(step)
            if reached is not None:
                left = reached.seconds_left
                self._reached = {"share": reached.share, "seconds": left, "progress": str(reached)}
            for name, value in losses.items():
                if math.isfinite(value):  # JSON knows nothing else
                    self._losses.setdefault(name, []).append((step, value))

    def picture(self, long_side: int | None = None) -> bytes | None:
        """JPEG of the picture now, or None before the first step.

        Args:
            long_side: to which a larger picture is reduced; None reduces nothing.
        """
        pixels = self._pixels
        if pixels is None or long_side is None or max(pixels.shape) <= long_side:
            return None if pixels is None else _jpeg(pixels)
        return preview(pixels[None].float() / 255.0, long_side)

    def summary(self) -> dict[str, Any]:
        """Step, size, progress and curves, thinned out, as JSON has them."""
        with self._lock:
            curves = {name: points[:: 1 + len(points) // _MOST_POINTS] for name, points in self._losses.items()}
            size = [] if self._pixels is None else [self._pixels.shape[-1], self._pixels.shape[-2]]
            return {
                "step": self._step,
                "size": size,
                "losses": curves,
                "stopping": self.stop.is_set(),
                **self._reached,
            }


def preview(image: Tensor, long_side: int) -> bytes:
    """JPEG of a picture (1, 3, H, W) in [0, 1], reduced where it is longer than `long_side` pixels."""
    size = (image.shape[-2], image.shape[-1])
    fitted = fit_long_side(size, min(max(size), long_side))
    return _jpeg(resize(image, fitted)[0].mul(255.0).round().to(torch.uint8))


def _jpeg(pixels: Tensor) -> bytes:
    content: bytes = encode_jpeg(pixels.contiguous(), quality=_QUALITY).numpy().tobytes()
    return content
