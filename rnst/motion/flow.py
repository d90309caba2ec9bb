"""Optical flow between two frames, by a network where its weights are at hand, else by a classical method."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from rnst.image.files import fit_long_side, resize
from rnst.motion import raft

RAFT, TVL1, NO_FLOW = "raft", "tvl1", "still"
_LONGEST = 512  # pixels at which the flow is measured; finer motion is far below a pixel of a smooth flow
_GRAY = (0.299, 0.587, 0.114)
_ATTACHMENT = 50.0  # weight of the data against smoothness; the default of 15 slows what rotates
_WARPS, _ITERATIONS = 10, 20


def usual_flow() -> str:
    """The best method that needs no download."""
    return RAFT if raft.at_hand() is not None else TVL1


def flow_between(frame: Tensor, other: Tensor, method: str) -> Tensor:
    """Displacement of each pixel of a frame to its place in another frame.

    Args:
        frame: (1, 3, H, W) in [0, 1].
        other: of the same shape.
        method: "raft" (Teed and Deng 2020) or "tvl1" (Zach, Pock and Bischof 2007).

    Returns:
        (1, 2, H, W) in pixels, right and down.

    Raises:
        MissingPathError: the weights of RAFT are not at hand.
    """
    size = frame.shape[-2], frame.shape[-1]
    small = fit_long_side(size, _LONGEST) if max(size) > _LONGEST else size
    measure = raft.raft_flow if method == RAFT else _tvl1
    flow = measure(resize(frame, small), resize(other, small)).to(frame)
    factors = flow.new_tensor([size[1] / small[1], size[0] / small[0]]).view(1, 2, 1, 1)
    return flow * factors if small == size else F.interpolate(flow, size=size, mode="bilinear") * factors


def _tvl1(frame: Tensor, other: Tensor) -> Tensor:
    from skimage.registration import optical_flow_tvl1  # a second, for those alone who need it

    weights = torch.tensor(_GRAY).view(3, 1, 1)
    first, second = ((picture[0].cpu().float() * weights).sum(0).numpy() for picture in (frame, other))
    measure: Any = optical_flow_tvl1  # without types
    rows, columns = measure(first, second, attachment=_ATTACHMENT, num_warp=_WARPS, num_iter=_ITERATIONS)
    return torch.stack([torch.from_numpy(columns), torch.from_numpy(rows)]).unsqueeze(0).float()
