"""A perturbation set for PGD in Fourier and decorrelated color parameters instead of pixels."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from rnst.attacks.ball import Ball, L2Ball
from rnst.image.parameters import frequency_scale


@dataclass(frozen=True, eq=False)
class PriorBall(Ball):
    """All perturbations A p with a Euclidean norm of p of at most `radius`.

    A maps parameters to an image: colors from decorrelated channels, and channels from a scaled spectrum. A is linear,
    so a step of normalized gradient ascent on p is a step A A^T g / ||A^T g|| of the pixels, which is steepest ascent
    under another norm, as `Ball.steepest` requires. PGD thus updates Fourier parameters without a change of its code.

    Args:
        radius: of the parameters; the spectrum's scale has a mean square of 1, so that white noise keeps its norm.
        decay: exponent of `frequency_scale`; None leaves the spectrum unchanged.
        colors: (3, 3) from channels to RGB; None leaves the colors unchanged.
    """

    norm = "prior l2"
    decay: float | None = None
    colors: Tensor | None = None

    def scaled(self, factor: float) -> Self:
        """The ball with its radius multiplied by `factor`."""
        return type(self)(self.radius * factor, self.decay, self.colors)

    def project(self, delta: Tensor) -> Tensor:
        """Scale down each sample of `delta`, (N, 3, H, W), whose parameters have a norm above `radius`."""
        parameters = self._colored(self._smoothed(delta, -1.0), self._matrix(delta, inverse=True))
        inside = L2Ball(self.radius).project(parameters)
        return self._drawn(inside)

    def random_start(self, like: Tensor) -> Tensor:
        """Perturbations whose parameters are drawn uniformly from their L2 ball."""
        return self._drawn(L2Ball(self.radius).random_start(like))

    def steepest(self, gradient: Tensor) -> Tensor:
        """The perturbation with parameters of norm 1 that has the largest inner product with `gradient`."""
        matrix = self._matrix(gradient)
        pulled = self._smoothed(self._colored(gradient, None if matrix is None else matrix.T), 1.0)
        return self._drawn(L2Ball(self.radius).steepest(pulled))

    def _drawn(self, parameters: Tensor) -> Tensor:
        """The perturbation A p."""
        return self._colored(self._smoothed(parameters, 1.0), self._matrix(parameters))

    def _matrix(self, like: Tensor, *, inverse: bool = False) -> Tensor | None:
        if self.colors is None:
            return None
        matrix = self.colors.to(like)
        return torch.linalg.inv(matrix) if inverse else matrix

    def _colored(self, channels: Tensor, matrix: Tensor | None) -> Tensor:
        return channels if matrix is None else torch.einsum("ij,njhw->nihw", matrix, channels)

    def _smoothed(self, channels: Tensor, power: float) -> Tensor:
        """Multiply the spectrum by a power of its scale: symmetric, and commutes with the color matrix."""
        if self.decay is None:
            return channels
        size = (channels.shape[-2], channels.shape[-1])
        scale = frequency_scale(size, self.decay).squeeze(-1).to(channels) ** power
        smoothed: Tensor = torch.fft.irfft2(torch.fft.rfft2(channels) * scale, s=size)
        return smoothed
