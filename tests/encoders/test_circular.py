import pytest
import torch
from torch import Tensor, nn

from rnst.encoders.circular import STRIDE_PERIOD, CircularConv2d, CircularWindows, circular
from rnst.encoders.encoder import Encoder, load_encoder
from rnst.encoders.surgery.changes import Blur
from rnst.encoders.surgery.surgery import Surgery
from rnst.image.periodic import Wraps

_BOTH: Wraps = (True, True)
_LAYERS = ["stem", "layer1", "layer2"]


def _encoder(**surgery: str) -> Encoder:
    return load_encoder("resnet18", _LAYERS, weights="random", surgery=Surgery(**surgery))[0]


def _tiled(image: Tensor, wraps: Wraps) -> Tensor:
    image = torch.cat([image] * 3, -2) if wraps[0] else image
    return torch.cat([image] * 3, -1) if wraps[1] else image


@pytest.mark.parametrize("wraps", [_BOTH, (True, False), (False, True)], ids=str)
@pytest.mark.parametrize(
    "surgery", [{}, {"strides": "keep"}, {"pooling": "l2", "padding": "all"}, {"pool_kernel": "even"}], ids=str
)
def test_features__are_those_in_the_middle_of_a_repetition(surgery: dict[str, str], wraps: Wraps) -> None:
    plain = _encoder(**surgery)
    found = circular(plain, wraps)
    assert found is not None
    image = torch.rand(1, 3, 64, 96)
    middle, features = plain(_tiled(image, wraps)), found(image)
    for layer in _LAYERS:
        rows, columns = features[layer].shape[-2:]
        top, left = rows * wraps[0], columns * wraps[1]
        expected = middle[layer][..., top : top + rows, left : left + columns]
        torch.testing.assert_close(features[layer], expected, rtol=1e-3, atol=1e-4)


def test_weights__are_shared_and_the_encoder_is_unchanged() -> None:
    plain = _encoder()
    before = plain(image := torch.rand(1, 3, 64, 64))
    found = circular(plain, _BOTH)
    assert found is not None
    assert {id(parameter) for parameter in found.parameters()} == {id(parameter) for parameter in plain.parameters()}
    assert all(torch.equal(before[layer], plain(image)[layer]) for layer in _LAYERS)


class _Places(nn.Module):
    """Adds a number to each column, as an embedding of positions does."""

    def forward(self, features: Tensor) -> Tensor:
        return features + torch.arange(features.shape[-1], dtype=features.dtype)


@pytest.mark.parametrize(
    "module", [_Places(), nn.ZeroPad2d(2), nn.ReflectionPad2d(1)], ids=lambda module: type(module).__name__
)
def test_a_network_that_knows_positions__is_none(module: nn.Module) -> None:
    network = nn.Sequential(module, nn.Conv2d(3, 4, 3, padding=1))
    encoder = Encoder(network, {"last": "1"}, [0.5] * 3, [0.2] * 3)
    assert circular(encoder, _BOTH) is None


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(3, 2, 1), (7, 2, 3), (1, 2, 0), (3, 1, 0), (11, 4, 2), (4, 4, 0)]
)
def test_convolution__one_period_of_the_output(kernel: int, stride: int, padding: int) -> None:
    conv = nn.Conv2d(2, 3, kernel, stride, padding)
    image = torch.rand(1, 2, STRIDE_PERIOD, STRIDE_PERIOD)
    expected = conv(_tiled(image, _BOTH))
    conv.__class__ = CircularConv2d
    conv.wraps = _BOTH  # type: ignore[assignment]
    found, side = conv(image), STRIDE_PERIOD // stride
    assert found.shape[-2:] == (side, side)
    torch.testing.assert_close(found, expected[..., side : 2 * side, side : 2 * side])


@pytest.mark.parametrize(
    ("module", "stride", "reach"),
    [(nn.MaxPool2d(3, 2, 1), 2, 4), (nn.AvgPool2d(3, 2, ceil_mode=True), 2, 4), (Blur((1.0, 3.0, 3.0, 1.0), 2), 2, 4)],
    ids=["max", "mean", "blur"],
)
def test_windows__one_period_of_the_output(module: nn.Module, stride: int, reach: int) -> None:
    image = torch.rand(1, 2, 8, 12)
    expected = module(_tiled(image, _BOTH))
    found = CircularWindows(module, stride, reach, _BOTH)(image)
    torch.testing.assert_close(found, expected[..., 4:8, 6:12])
