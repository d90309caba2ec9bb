"""RAFT, a network for optical flow (Teed and Deng 2020), from torchvision; its weights are never downloaded here."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnst.encoders.weights.downloads import kept_by_torch
from rnst.encoders.weights.files import load_into, read_weights
from rnst.errors import MissingPathError

_LEAST, _MULTIPLE = 128, 8  # pixels: four halvings, and a correlation pyramid of four levels
_ADVICE = (
    "Fetch them once: python -c 'from torchvision.models.optical_flow import *; raft_small(weights=\"DEFAULT\")'. "
    "Or give --flow tvl1, which needs none."
)


def at_hand() -> Path | None:
    """The weight file in the cache of torch.hub; None if it is not there."""
    from torchvision.models.optical_flow import Raft_Small_Weights  # half a second, for sequences alone

    return kept_by_torch(Raft_Small_Weights.C_T_V2.url)


def raft_flow(frame: Tensor, other: Tensor) -> Tensor:
    """Flow (1, 2, H, W) in pixels, right and down, from a frame (1, 3, H, W) in [0, 1] to another.

    Raises:
        MissingPathError: the weights are not at hand.
    """
    path = at_hand()
    if path is None:
        raise MissingPathError("raft_small", "weights of the optical flow", _ADVICE)
    return run(_network(path), frame, other)


@torch.no_grad()
def run(network: nn.Module, frame: Tensor, other: Tensor) -> Tensor:
    """The flow by a RAFT, whose input needs a least size and multiples of 8: the border is repeated."""
    height, width = frame.shape[-2:]
    below, right = (max(_LEAST, -(-side // _MULTIPLE) * _MULTIPLE) - side for side in (height, width))
    padded = [F.pad(2.0 * picture - 1.0, (0, right, 0, below), mode="replicate") for picture in (frame, other)]
    flows: list[Tensor] = network(*padded)
    return flows[-1][..., :height, :width]


@lru_cache(maxsize=1)
def _network(path: Path) -> nn.Module:
    from torchvision.models.optical_flow import raft_small

    network: Any = raft_small(weights=None)
    load_into(network, read_weights(path)[0], path)
    return network.eval().requires_grad_(requires_grad=False)  # type: ignore[no-any-return]
