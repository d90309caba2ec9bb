"""What is kept of a run: its best picture, the parameters of that picture, and the first losses."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from rnst.image.parameters import ImageParameter
from rnst.image.transforms import Size
from rnst.optimization.averaging import RunningMean


class BestSoFar:
    """The picture of lowest loss, or, where the optimizer averages, the running mean of all pictures.

    Args:
        parameters: of the picture; a copy of the best is kept for a restart.
        mean: of the pictures; None keeps the one of lowest loss.

    Attributes:
        image: (1, 3, H, W) in [0, 1] without the margin; None before there is one with a finite loss.
        losses: of that picture by name; with a mean, of the last picture that it took in.
        first_losses: of the picture at the first step.
    """

    def __init__(self, parameters: ImageParameter, mean: RunningMean | None = None) -> None:
        self.image: Tensor | None = None
        self.losses: dict[str, float] = {"total": math.inf}
        self.first_losses: dict[str, float] = {}
        self._mean = mean
        self._lowest = math.inf
        self._parameters = _copies(parameters)

    @property
    def mean(self) -> Tensor | None:
        """The running mean with its margin; None where nothing is averaged, or nothing has been yet."""
        return None if self._mean is None else self._mean.picture

    def add(self, losses: dict[str, float], parameters: ImageParameter, image: Tensor, margin: Size) -> None:
        """Add a picture (1, 3, H, W) with its margin, its parameters, and its losses."""
        self.first_losses = self.first_losses or losses
        total = losses["total"]
        if total < self._lowest:
            self._lowest, self._parameters = total, _copies(parameters)
        if self._mean is not None and math.isfinite(total):
            self.losses, self.image = losses, without_margin(self._mean.add(image), margin)
        if self._mean is None and total < self.losses["total"]:
            self.losses, self.image = losses, without_margin(image, margin)

    @torch.no_grad()
    def restore(self, parameters: ImageParameter) -> None:
        """Set the parameters to those of the lowest loss; a mean starts again from there."""
        for parameter, best in zip(parameters.parameters(), self._parameters, strict=True):
            parameter.copy_(best)
        if self._mean is not None:
            self._mean.begin_anew()

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` takes."""
        return {
            "image": self.image,
            "losses": dict(self.losses),
            "first_losses": dict(self.first_losses),
            "lowest": self._lowest,
            "parameters": self._parameters,
            "mean": None if self._mean is None else self._mean.state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load a state onto the device of the parameters."""
        like = self._parameters[0]
        self.image = None if state["image"] is None else state["image"].to(like.device)
        self.losses, self.first_losses = dict(state["losses"]), dict(state["first_losses"])
        self._lowest = state["lowest"]
        self._parameters = [parameter.to(like.device) for parameter in state["parameters"]]
        if self._mean is not None:
            self._mean.restore(state["mean"], like)


def without_margin(image: Tensor, margin: Size) -> Tensor:
    """A picture without its margin, given in pixels: above and below, and left and right."""
    rows, columns = (slice(cut, side - cut) for cut, side in zip(margin, image.shape[-2:], strict=True))
    return image[..., rows, columns].detach()


def _copies(image: ImageParameter) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in image.parameters()]
