"""Gradient steps in other coordinates than pixels: the geometry of Fourier and decorrelated parameters for PGD."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from rnst.attacks.ball import Ball, L2Ball
from rnst.image.parameters import frequency_scale


@dataclass(frozen=True, eq=False)
class PriorBall(Ball):
    """All perturbations A p with a Euclidean norm of p of at most `radius`.

    A draws a picture from its parameters: colors from decorrelated channels, and channels from a scaled spectrum. It is
    linear, so a step of normalized gradient descent on p is a step A A^T g / ||A^T g|| of the pixels: steepest ascent
    under another norm, which is what a ball is asked for. PGD so moves Fourier parameters without knowing of them.

    Args:
        radius: of the parameters; the spectrum's scale has a mean square of 1, so that white noise keeps its norm.
        decay: exponent of `frequency_scale`; None leaves the spectrum alone.
        colors: (3, 3) from channels to RGB; None leaves the colors alone.
    """

    norm = "prior l2"
    decay: float | None = None
    colors: Tensor | None = None

    def scaled(self, factor: float) -> Self:
        """As an L2 ball."""
        return type(self)(self.radius * factor, self.decay, self.colors)

    def project(self, delta: Tensor) -> Tensor:
        """Shrink each sample of `delta`, (N, 3, H, W), whose parameters are longer than `radius`."""
        parameters = self._colored(self._smoothed(delta, -1.0), self._matrix(delta, inverse=True))
        inside = L2Ball(self.radius).project(parameters)
        return self._drawn(inside)

    def random_start(self, like: Tensor) -> Tensor:
        """Drawn from parameters that are uniform in their ball."""
        return self._drawn(L2Ball(self.radius).random_start(like))

    def steepest(self, gradient: Tensor) -> Tensor:
        """Of all perturbations whose parameters have norm 1, the one that gains most along `gradient`."""
        matrix = self._matrix(gradient)
        pulled = self._smoothed(self._colored(gradient, None if matrix is None else matrix.T), 1.0)
        return self._drawn(L2Ball(self.radius).steepest(pulled))

    def _drawn(self, parameters: Tensor) -> Tensor:
        """A p."""
        return self._colored(self._smoothed(parameters, 1.0), self._matrix(parameters))

    def _matrix(self, like: Tensor, *, inverse: bool = False) -> Tensor | None:
        if self.colors is None:
            return None
        matrix = self.colors.to(like)
        return torch.linalg.inv(matrix) if inverse else matrix

    def _colored(self, channels: Tensor, matrix: Tensor | None) -> Tensor:
        return channels if matrix is None else torch.einsum("ij,njhw->nihw", matrix, channels)

    def _smoothed(self, channels: Tensor, power: float) -> Tensor:
        """Multiply the spectrum by a power of its scale: symmetric, and commutes with the colors."""
        if self.decay is None:
            return channels
        size = (channels.shape[-2], channels.shape[-1])
        scale = frequency_scale(size, self.decay).squeeze(-1).to(channels) ** power
        smoothed: Tensor = torch.fft.irfft2(torch.fft.rfft2(channels) * scale, s=size)
        return smoothed
