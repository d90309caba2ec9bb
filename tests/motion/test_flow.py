from pathlib import Path

import pytest
import torch

from rnst.errors import MissingPathError
from rnst.image.files import read_image, resize
from rnst.image.samples import find_picture
from rnst.motion import raft
from rnst.motion.flow import TVL1, flow_between, usual_flow
from rnst.motion.warping import visible
from tests.motion.moving_scenes import pan, rotating


@pytest.fixture(scope="module")
def photo() -> torch.Tensor:
    return resize(read_image(find_picture("chelsea")), (150, 226))


def _errors(frames: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """Length in pixels of the error of the flow, where the point is visible."""
    (last, _, _), (now, true, seen) = frames
    error = (flow_between(now, last, TVL1) - true).square().sum(1, keepdim=True).sqrt()
    return error[seen > 0]


def test_tvl1__finds_a_pan_and_a_rotation(photo: torch.Tensor) -> None:
    assert _errors(pan(photo, (96, 128), (3, 2), 2)).median() < 0.3
    other = resize(read_image(find_picture("coffee")), (150, 226))
    assert _errors(rotating(photo, other, 4.0, 2)).median() < 0.5


def test_visible__knows_what_came_into_the_picture(photo: torch.Tensor) -> None:
    (last, _, _), (now, _, seen) = pan(photo, (96, 128), (6, 0), 2)
    found = visible(flow_between(now, last, TVL1), flow_between(last, now, TVL1))
    assert found[seen > 0].mean() > 0.9
    assert found[seen == 0].mean() < 0.3


def test_without_weights__the_classical_method_and_no_download(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    picture = torch.rand(1, 3, 16, 16)
    assert usual_flow() == TVL1
    with pytest.raises(MissingPathError, match="--flow tvl1"):
        flow_between(picture, picture, "raft")
    kept = tmp_path / "hub" / "checkpoints" / "raft_small_C_T_V2-01064c6d.pth"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"cut off")
    assert raft.at_hand() is None
    assert list(tmp_path.rglob("*.pth")) == [kept]


@pytest.mark.filterwarnings("ignore:torch.meshgrid")
def test_raft__takes_pictures_of_any_size() -> None:
    from torchvision.models.optical_flow import raft_small

    network = raft_small(weights=None).eval()
    flow = raft.run(network, torch.rand(1, 3, 50, 131), torch.rand(1, 3, 50, 131))
    assert flow.shape == (1, 2, 50, 131)
    assert not flow.requires_grad
