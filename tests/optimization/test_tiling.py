import pytest
import torch
from torch import Tensor, nn

from rnst.losses.statistics import Moments, moments
from rnst.optimization.tiling import Limits, Tiling


class _Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1))

    def forward(self, images: Tensor, _keep: object = None) -> dict[str, Tensor]:
        return {"last": self.layers(images)}


@pytest.mark.parametrize("ambient", [False, True])
def test_targets_are_as_precise_in_tiles_as_whole(ambient: bool) -> None:  # noqa: FBT001 - a parameter
    network, image = _Network(), torch.rand(1, 3, 96, 96)

    def measure(features: dict[str, Tensor], _windows: object) -> list[Moments]:
        return [moments(features["last"])]

    found = []
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=ambient):
        for tile in (0, 32):
            tiling = Tiling(network, Limits(tile=tile, precision="bf16"), ["last"])
            assert (len(tiling.grid((96, 96)).tiles) > 1) == (tile > 0)
            (statistics,) = tiling.statistics(image, measure)  # type: ignore[arg-type] # reads no windows
            found.append((tiling.features(image, ["last"])["last"], statistics.outer))
    for whole, tiled in zip(*found, strict=True):
        torch.testing.assert_close(tiled, whole, rtol=1e-5, atol=1e-5)
