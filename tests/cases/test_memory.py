"""Finding 8 of the review: what is held is what was budgeted."""

import pytest
import torch

from rnst.encoders.encoder import load_encoder
from rnst.encoders.names import find_network
from rnst.optimization.tiling import Limits, Tiling

_SIDE = 64


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_content_targets__are_budgeted_as_they_are_held(precision: str) -> None:
    """An image that is not cut keeps its targets in full precision, whatever that of the network is."""
    encoder, _ = load_encoder(find_network("resnet18"), ["layer1"], weights="random")
    limits = Limits(tile=0, precision=precision)  # type: ignore[arg-type] # one of two texts
    tiling = Tiling(encoder, limits, ["layer1"])
    held = tiling.features(torch.rand(1, 3, _SIDE, _SIDE), ["layer1"])["layer1"]
    assert tiling._needs[1] == pytest.approx(held.numel() * held.itemsize / _SIDE**2)
