"""The real network and loader; the weights are random, where a user's are downloaded."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torchvision.models import alexnet

from rnst.metrics.lpips import NoLpipsError, lpips, lpips_network


@pytest.fixture(autouse=True)
def _forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there: no test leaves this machine
    lpips_network.cache_clear()
    yield
    lpips_network.cache_clear()


def test_without_its_weights__says_what_is_missing() -> None:
    with pytest.raises(NoLpipsError, match="AlexNet"):
        lpips_network()


@pytest.mark.slow
def test_equal_is_zero_and_further_is_more(tmp_path: Path) -> None:
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(alexnet().state_dict(), folder / "alexnet-owt-7be5be79.pth")
    photo = torch.rand(1, 3, 96, 96)
    little, much = ((photo + strength * torch.randn_like(photo)).clamp(0, 1) for strength in (0.02, 0.3))
    assert lpips(photo, photo) == pytest.approx(0.0, abs=1e-6)
    assert 0.0 < lpips(little, photo) < lpips(much, photo)
    assert lpips(photo, torch.rand(1, 3, 50, 70)) > 0.0
