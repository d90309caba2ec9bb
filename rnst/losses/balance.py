"""Gradients of one size: how much each layer must count so that all pull alike."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn


def balance(losses: Mapping[str, nn.Module], features: Mapping[str, Tensor]) -> dict[str, float]:
    """How large the gradient of each loss is, as its L1 norm at the layer.

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
    """Weights that give all layers of all groups gradients of one L1 norm, the geometric mean of those they have.

    neural-style divides every gradient by its norm at every step. What it follows then is no gradient of anything, and
    a line search has nothing to search; here the norms are measured once, at one picture, and stay.

    Args:
        groups: layer -> norm of the gradient; a layer without any gradient keeps weight 1.
    """
    known = [math.log(norm) for group in groups for norm in group.values() if norm > 0]
    common = math.exp(sum(known) / len(known)) if known else 1.0
    return [{layer: common / norm if norm > 0 else 1.0 for layer, norm in group.items()} for group in groups]
