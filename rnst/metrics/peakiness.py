"""Spread of a layer's activation over its units: even, or concentrated in a few peaks."""

import math

from torch import Tensor


def softmax_entropy(features: Tensor) -> Tensor:
    r"""Entropy of the softmax over all values of a layer, relative to that of an even spread.

    .. math:: - \sum_i p_i \log p_i / \log n, \quad p = softmax(F)

    from Wang, Li and Vasconcelos 2021 (SWAG), who find low values in layers that end a residual block. We divide by the
    largest possible value, so that layers of any size are comparable. The entropy falls with the scale of the features:
    see `peak` for a scale-invariant measure.

    Args:
        features: (N, C, H, W).

    Returns:
        (N,) in [0, 1]; 1 is an even spread, 0 a single spike.
    """
    values = features.flatten(1).double()
    logarithms = values.log_softmax(dim=1)
    entropy: Tensor = -(logarithms.exp() * logarithms).sum(dim=1) / math.log(max(2, values.shape[1]))
    return entropy


def peak(features: Tensor) -> Tensor:
    """Largest absolute activation over the mean one, (N,) of (N, C, H, W); invariant to scale.

    At least 1; 0 for a dead layer, whose activations are all 0.
    """
    sizes = features.flatten(1).double().abs()
    return sizes.amax(dim=1) / sizes.mean(dim=1).clamp_min(1e-12)
