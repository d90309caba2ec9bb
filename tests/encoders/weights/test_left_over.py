from pathlib import Path

import pytest
import torch

from rnst.encoders.weights.files import WeightsMismatchError
from rnst.encoders.weights.left_over import refuse_left_over

_WANTED = ["layers.0.weight", "norm.weight"]


@pytest.mark.parametrize("name", ["head.fc.weight", "fc.weight", "auxiliary.conv.weight", "layers.0.attn_mask"])
def test_allowed(name: str) -> None:
    refuse_left_over(_WANTED, {name: torch.zeros(1)}, Path("net.pt"))


def test_refused() -> None:
    with pytest.raises(WeightsMismatchError, match=r"net\.pt .*the network has no layers\.1\.weight"):
        refuse_left_over(_WANTED, {"layers.1.weight": torch.zeros(1)}, Path("net.pt"))
