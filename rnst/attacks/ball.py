"""Threat models: sets of allowed perturbations. A norm ball has three operations, all of them per sample."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch
from torch import Tensor

from rnst.errors import InvalidValueError

_TINY = 1e-10  # the reference library adds the same value to a gradient's norm


@dataclass(frozen=True)
class Ball(ABC):
    """A set of allowed perturbations around zero.

    Args:
        radius: in units of pixels in [0, 1] at the resolution of the attacked images. Only `scaled` rescales it.
    """

    norm: ClassVar[str]
    radius: float

    def __post_init__(self) -> None:
        """Refuse a radius that is negative, infinite or NaN."""
        if not 0 <= self.radius < math.inf:
            raise InvalidValueError("ball.radius", self.radius, "a number, 0 or more")

    def check(self, side: int) -> None:  # noqa: B027 - most balls have nothing to refuse
        """Refuse a radius that is meaningless for images with a side of `side` pixels.

        Raises:
            InvalidValueError: the ball around any image contains all other images.
        """

    @abstractmethod
    def scaled(self, factor: float) -> Self:
        """The ball of the same strength per pixel for images whose side is `factor` times as long."""

    @abstractmethod
    def project(self, delta: Tensor) -> Tensor:
        """Project each sample of `delta`, (N, ...), to the nearest point of the ball."""

    @abstractmethod
    def random_start(self, like: Tensor) -> Tensor:
        """A point drawn uniformly from the ball for each sample of `like`, (N, ...)."""

    @abstractmethod
    def steepest(self, gradient: Tensor) -> Tensor:
        """The direction of unit norm with the largest increase along `gradient`, for each sample, (N, ...)."""


@dataclass(frozen=True)
class L2Ball(Ball):
    """All perturbations whose Euclidean norm is at most `radius`."""

    norm = "l2"

    def check(self, side: int) -> None:
        """See `Ball.check`."""
        diameter = math.sqrt(3 * side**2)
        if self.radius >= diameter:
            wanted = f"less than {diameter:.4g}, the diameter of {side}-pixel images; published ones are 0.5 to 5"
            raise InvalidValueError("ball.radius", self.radius, wanted)

    def scaled(self, factor: float) -> Self:
        """A norm over all pixels grows with the side of the image, so the radius is multiplied by `factor`."""
        return replace(self, radius=self.radius * factor)

    def project(self, delta: Tensor) -> Tensor:
        """Shrink each sample of `delta`, (N, ...), to norm `radius` where it is longer."""
        return delta * (self.radius / _norms(delta).clamp_min(_TINY)).clamp_max(1.0)

    def random_start(self, like: Tensor) -> Tensor:
        """Uniform in the ball: a uniform direction, and a length whose `d`-th power is uniform."""
        direction = self.steepest(torch.randn_like(like))
        uniform = torch.rand(_column(like), device=like.device, dtype=like.dtype)
        return direction * (self.radius * uniform ** (1.0 / math.prod(like.shape[1:])))

    def steepest(self, gradient: Tensor) -> Tensor:
        """Each sample of `gradient`, (N, ...), divided by its norm."""
        return gradient / (_norms(gradient) + _TINY)


@dataclass(frozen=True)
class LinfBall(Ball):
    """All perturbations that change no value by more than `radius`."""

    norm = "linf"

    def __post_init__(self) -> None:
        """Refuse a radius larger than the range of a pixel, which is surely a mistake.

        Raises:
            InvalidValueError: the message names the radius that was probably intended.
        """
        super().__post_init__()
        if self.radius > 1:
            meant = f"at most 1, as pixels are in [0, 1]; {self.radius:g} of 255 levels is {self.radius / 255:.6f}"
            raise InvalidValueError("ball.radius", self.radius, meant)

    def scaled(self, factor: float) -> Self:  # noqa: ARG002 - this ball knows no image size
        """The ball itself: the radius is per pixel and does not depend on the image size."""
        return self

    def project(self, delta: Tensor) -> Tensor:
        """Clamp every value of `delta`, (N, ...), to [-radius, radius]."""
        return delta.clamp(-self.radius, self.radius)

    def random_start(self, like: Tensor) -> Tensor:
        """Uniform in the cube."""
        return (torch.rand_like(like) * 2.0 - 1.0) * self.radius

    def steepest(self, gradient: Tensor) -> Tensor:
        """The sign of every value of `gradient`, (N, ...)."""
        return gradient.sign()


def _column(tensor: Tensor) -> tuple[int, ...]:
    """Shape (N, 1, 1, ...) that broadcasts one number per sample over `tensor`."""
    return (tensor.shape[0], *(1 for _ in tensor.shape[1:]))


def _norms(tensor: Tensor) -> Tensor:
    """Euclidean norm of each sample, (N, 1, 1, ...); works for any memory format."""
    norms: Tensor = torch.linalg.vector_norm(tensor, dim=tuple(range(1, tensor.dim())), keepdim=True)
    return norms
