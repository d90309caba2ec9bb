"""Weight conventions: how papers and programs normalize their losses, and the weights that they use.

All losses are quadratic in the difference of mean Gram matrices, G = F F^T / M with N channels at M positions, and in
the difference of features. The conventions differ only by constant factors, which decide the scale of a weight.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from rnst.errors import UnknownNameError


@dataclass(frozen=True)
class Convention:
    """Factors and default weights of one convention.

    Attributes:
        style_factor: target's Gram matrix (N, N) -> factor of the sum of squared differences.
        content_factor: target's features (1, N, H, W) -> factor of the sum of squared differences.
        adds_layers: the losses of layers are added; else averaged.
        style_weight: default weight of the style loss.
        content_weight: default weight of the content loss.
        tv_weight: default weight of total variation.
        absolute_variation: total variation is the sum of absolute differences of pixels in [0, 255]; else the mean of
            squared differences in [0, 1].
    """

    style_factor: Callable[[Tensor], Tensor]
    content_factor: Callable[[Tensor], Tensor]
    adds_layers: bool
    style_weight: float
    content_weight: float
    tv_weight: float = 0.0
    absolute_variation: bool = False


def relative_factor(target: Tensor) -> Tensor:
    """1 / ||target||^2: the loss is 0 at the target and 1 for features of 0, for every layer and network."""
    precise = target if target.dtype == torch.float64 else target.float()
    return precise.square().sum().clamp_min(torch.finfo(precise.dtype).tiny).reciprocal()


def _constant(of: Tensor, value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64 if of.dtype == torch.float64 else torch.float32, device=of.device)


def _mean_over_positions(target: Tensor) -> Tensor:
    return _constant(target, 1 / target.numel())


def _by_fourth_power(gram: Tensor) -> Tensor:
    """Mean over N x N entries of the square of G / N."""
    return _constant(gram, float(len(gram)) ** -4)


CONVENTIONS = {
    "relative": Convention(
        relative_factor, relative_factor, adds_layers=False, style_weight=15.0, content_weight=1.0, tv_weight=5.0
    ),
    # Nakano 2019, same factors as PyTorch's tutorial; the weight is for the robust ResNet-50.
    "nakano": Convention(
        _by_fourth_power, _mean_over_positions, adds_layers=True, style_weight=1e9, content_weight=1.0
    ),
    # Gatys et al. 2015 and 2016, equations 1, 4 and 5: 1 / (4 N^2 M^2), a fifth for each of five layers, and 1 / 2.
    "gatys2015": Convention(
        lambda gram: _constant(gram, 0.25 / len(gram) ** 2),
        lambda target: _constant(target, 0.5),
        adds_layers=False,
        style_weight=1e3,
        content_weight=1.0,
    ),
    # Johnson's neural-style and its successor in PyTorch.
    "neural-style": Convention(
        _by_fourth_power,
        _mean_over_positions,
        adds_layers=True,
        style_weight=100.0,
        content_weight=5.0,
        tv_weight=1e-3,
        absolute_variation=True,
    ),
    # Gatys' release for PyTorch: mean square of G, weight 1000 / N^2 for each layer.
    "gatys-torch": Convention(
        lambda gram: 1e3 * _by_fourth_power(gram),
        _mean_over_positions,
        adds_layers=True,
        style_weight=1.0,
        content_weight=1.0,
    ),
}


def find_convention(name: str) -> Convention:
    """The convention with this name.

    Raises:
        UnknownNameError: no convention has this name.
    """
    if name not in CONVENTIONS:
        raise UnknownNameError("convention", name, CONVENTIONS)
    return CONVENTIONS[name]
