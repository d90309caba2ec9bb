"""Layer weights that give the gradients of all layers the same norm."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn


def balance(losses: Mapping[str, nn.Module], features: Mapping[str, Tensor]) -> dict[str, float]:
    """L1 norm of the gradient of each loss with respect to the features of its layer.

    Args:
        losses: layer -> loss.
        features: layer -> (1, C, H, W) of one image.

    Returns:
        Layer -> norm.
    """
    norms = {}
    with torch.enable_grad():
        for layer, loss in losses.items():
            leaf = features[layer].detach().requires_grad_()
            (gradient,) = torch.autograd.grad(loss(leaf), leaf)
            norms[layer] = gradient.float().abs().sum().item()
    return norms


def evened(*groups: Mapping[str, float]) -> list[dict[str, float]]:
    """Weights that give all layers of all groups the same L1 gradient norm: the geometric mean of the given norms.

    neural-style divides every gradient by its norm at every step. The result is not the gradient of any function, so
    a line search cannot use it. Here the norms are measured once, at one image, and stay fixed.

    Args:
        groups: layer -> norm of the gradient; a layer with gradient 0 keeps weight 1.
    """
    known = [math.log(norm) for group in groups for norm in group.values() if norm > 0]
    common = math.exp(sum(known) / len(known)) if known else 1.0
    return [{layer: common / norm if norm > 0 else 1.0 for layer, norm in group.items()} for group in groups]
