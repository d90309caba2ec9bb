"""Patterns of strides in gradients: the energy by position on the grid of the stride."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.grad import conv2d_input

from rnst.encoders.encoder import Encoder
from rnst.metrics.artifacts import overlap_cv, phase_cv

# Kernel and stride of common first convolutions, pools and shortcuts, and of kernels that their stride divides.
KERNELS = ((7, 2), (3, 2), (1, 2), (11, 4), (8, 2), (4, 2), (2, 2))
_PAIRS = 4096  # random pairs of kernel and cotangent; they determine energies to 2 %
_POSITIONS = 8
_MARGIN = 16  # pixels left out on each side: zero padding has a pattern of its own; a multiple of both periods


@dataclass(frozen=True)
class Overlap:
    """One convolution alone.

    Attributes:
        kernel: taps along one axis.
        stride: of both axes.
        expected: coefficient of variation of the energy over positions, in closed form.
        measured: the same coefficient for random gradients through random kernels.
    """

    kernel: int
    stride: int
    expected: float
    measured: float


@dataclass(frozen=True)
class Phases:
    """The gradient of one layer of a whole network.

    Attributes:
        period_two: coefficient of variation of the energy over the four positions of a 2x2 grid.
        period_four: additional variation over the sixteen positions of a 4x4 grid: root of the difference of squares.
    """

    period_two: float
    period_four: float


def overlaps(seed: int = 0) -> list[Overlap]:
    """Compare the closed form with autograd, for each of KERNELS."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for kernel, stride in KERNELS:
        cotangents = torch.randn(1, _PAIRS, _POSITIONS, _POSITIONS, generator=generator)
        kernels = torch.randn(_PAIRS, 1, kernel, kernel, generator=generator)
        side = (_POSITIONS - 1) * stride + kernel
        gradient = conv2d_input((1, _PAIRS, side, side), kernels, cotangents, stride, groups=_PAIRS)
        edge = -(-kernel // stride) * stride  # whole cells; beyond this edge all taps reach each position
        inner = gradient[..., edge : side - kernel, edge : side - kernel]
        found.append(Overlap(kernel, stride, overlap_cv(kernel, stride), phase_cv(inner.double().numpy(), stride)))
    return found


def gradient_phases(encoder: Encoder, crops: Tensor, cotangents: int, seed: int = 0) -> dict[str, Phases]:
    """Backpropagate random gradients from each layer to the pixels.

    Args:
        encoder: its layers are measured.
        crops: (N, 3, H, W) in [0, 1], sides at least 64 px.
        cotangents: draws for each crop and layer.
        seed: seed of the draws.
    """
    generator = torch.Generator(crops.device).manual_seed(seed)
    images = crops.detach().clone().requires_grad_()
    found = {}
    for layer, features in encoder(images).items():
        energies = []
        for _ in range(cotangents):
            cotangent = torch.randn(features.shape, generator=generator, device=features.device)
            (gradient,) = torch.autograd.grad(features, images, cotangent, retain_graph=True)
            energies.append(gradient[..., _MARGIN:-_MARGIN, _MARGIN:-_MARGIN].double().cpu().numpy())
        whole = np.concatenate(energies)
        two, four = phase_cv(whole, 2), phase_cv(whole, 4)
        found[layer] = Phases(two, max(0.0, four**2 - two**2) ** 0.5)
    return found


def random_crops(photo: Tensor, size: int, count: int, seed: int = 0) -> Tensor:
    """Random square crops of a photo (1, 3, H, W): (count, 3, size, size)."""
    generator = torch.Generator().manual_seed(seed)
    height, width = photo.shape[-2:]
    places = [
        (
            int(torch.randint(height - size + 1, (), generator=generator)),
            int(torch.randint(width - size + 1, (), generator=generator)),
        )
        for _ in range(count)
    ]
    return torch.cat([photo[..., top : top + size, left : left + size] for top, left in places])
