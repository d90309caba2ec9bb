import gc
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from rnst.encoders.receptive_fields import Field, Reach
from rnst.errors import InvalidValueError
from rnst.optimization.limits import parse_memory
from rnst.optimization.memory import (
    NotEnoughMemoryError,
    appetite,
    available_bytes,
    check_image,
    constant_bytes,
    plan,
)
from rnst.optimization.tiles import whole
from rnst.optimization.tiling import Limits, Tiling

_FIELDS = {"layer": Field(Reach(16, 70, 85), Reach(16, 70, 85))}


@pytest.mark.parametrize(
    ("text", "expected"), [("8GB", 8e9), ("500 MB", 5e8), ("1.5g", 1.5e9), ("2e9", 2e9), ("8GiB", 8 * 2**30)]
)
def test_parse(text: str, expected: float) -> None:
    assert parse_memory(text) == expected


@pytest.mark.parametrize("text", ["", "many", "-1GB", "0", "8 apples"])
def test_parse__what_is_no_size(text: str) -> None:
    with pytest.raises(InvalidValueError, match="--memory"):
        parse_memory(text)


class _Maps(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1), nn.ReLU())

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"layer": self.network(images)}


def test_appetite__grows_with_what_is_saved_for_the_backward_pass() -> None:
    small, large = appetite(_Maps(8)), appetite(_Maps(32))
    assert small >= 8 * 4
    assert 2 < large / small < 5


def test_standing__matrices_and_with_autocast_copies_of_the_kernels() -> None:
    plain = constant_bytes(_Maps(32))
    assert plain >= 32 * 32 * 4
    with torch.autocast("cpu", torch.bfloat16):
        assert constant_bytes(_Maps(32)) - plain == 2 * (32 * 3 * 9 + 32)


def test_plan__less_memory_first_more_tiles_then_less_history() -> None:
    size = (1536, 2048)
    budgets = (9e9, 3e9, 1.6e9)
    rich, poor, poorer = (plan(size, _FIELDS, 1500.0, budget, history=10) for budget in budgets)
    assert rich.grid == whole(size)
    assert len(poor.grid.tiles) > 1
    assert poor.history == 10
    assert poorer.history < 10
    for found, budget in zip((rich, poor, poorer), budgets, strict=True):
        assert found.predicted <= budget


def test_plan__nothing_fits() -> None:
    with pytest.raises(NotEnoughMemoryError, match="2048 x 1536"):
        plan((1536, 2048), _FIELDS, 1500.0, 1e8, history=10)


def test_available__something_is() -> None:
    assert available_bytes(torch.device("cpu")) > 1e6


def _container(folder: Path, monkeypatch: pytest.MonkeyPatch, **figures: str) -> None:
    for name, text in figures.items():
        (folder / f"memory.{name}").write_text(f"{text}\n")
    monkeypatch.setattr("rnst.optimization.memory._CGROUP", folder)


@pytest.mark.parametrize(
    ("figures", "free"),
    [
        ({"max": "900000", "current": "800000", "stat": "anon 100000\ninactive_file 600000\nactive_file 9"}, 700_000),
        ({"max": "900000", "current": "800000"}, 100_000),
    ],
)
def test_available__files_that_a_container_caches_are_free(
    figures: dict[str, str], free: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _container(tmp_path, monkeypatch, **figures)
    assert available_bytes(torch.device("cpu")) == pytest.approx(0.7 * free)


def test_available__a_container_without_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = available_bytes(torch.device("cpu"))
    _container(tmp_path, monkeypatch, max="max", current="800000", stat="inactive_file 0")
    assert available_bytes(torch.device("cpu")) == pytest.approx(before, rel=0.3)


def test_the_memory_that_a_user_allows_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _container(tmp_path, monkeypatch, max="900000", current="800000")
    with pytest.raises(NotEnoughMemoryError, match="raise --memory"):
        check_image((768, 1024), torch.device("cpu"))
    check_image((768, 1024), torch.device("cpu"), "1GB")
    with pytest.raises(NotEnoughMemoryError):
        check_image((768, 1024), torch.device("cpu"), "100MB")
    assert Tiling(nn.Identity(), Limits(tile=0, memory="1GB")).grid((768, 1024)) == whole((768, 1024))


def test_appetite__leaves_nothing_behind() -> None:
    encoder = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3))

    class _Encoder(nn.Module):
        def forward(self, images: Tensor) -> dict[str, Tensor]:
            return {"last": encoder(images)}

    def tensors() -> int:
        gc.collect()
        return sum(type(thing) is Tensor for thing in gc.get_objects())

    appetite(_Encoder())
    before = tensors()
    for _ in range(3):
        appetite(_Encoder())
    assert tensors() == before
