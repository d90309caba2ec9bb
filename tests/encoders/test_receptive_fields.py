from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

from rnst.encoders.encoder import Encoder, load_encoder
from rnst.encoders.names import find_network
from rnst.encoders.receptive_fields import CannotTileError, Field, Reach, common_stride, receptive_fields
from rnst.encoders.surgery.surgery import Surgery


class _Named(nn.Module):
    """A network whose only layer is called "layer"."""

    def __init__(self, network: nn.Module | Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.network = network
        self.requires_grad_(requires_grad=False)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"layer": self.network(images)}


def _measured(network: nn.Module, position: tuple[int, int], side: int) -> tuple[list[int], list[int]]:
    """First and last row, and first and last column, whose pixels the feature at `position` depends on."""
    for parameter in network.parameters():
        parameter.data = torch.rand_like(parameter) + 0.1  # positive: nothing cancels
    image = (torch.rand(1, 3, side, side) + 0.1).requires_grad_()
    (gradient,) = torch.autograd.grad(network(image)["layer"][0, :, *position].sum(), image)
    rows, columns = gradient[0].sum(0).nonzero().T.tolist()
    return [min(rows), max(rows)], [min(columns), max(columns)]


_NETWORKS: dict[str, nn.Module] = {
    "stride": nn.Sequential(nn.Conv2d(3, 2, 3, padding=1), nn.Conv2d(2, 2, (5, 3), stride=2, padding=(2, 1))),
    "no padding": nn.Sequential(nn.Conv2d(3, 2, 4), nn.AvgPool2d(3, 2), nn.Conv2d(2, 2, 3)),
    "dilation": nn.Sequential(nn.Conv2d(3, 2, 3, padding=2, dilation=2), nn.AvgPool2d(2), nn.Conv2d(2, 2, 1)),
    "padded pool": nn.Sequential(nn.AvgPool2d(3, 2, 1), nn.Conv2d(3, 2, 3, padding=1), nn.AvgPool2d(3, 2, 1)),
    "replicated": nn.Sequential(nn.ReplicationPad2d((1, 2, 1, 2)), nn.Conv2d(3, 2, 4, stride=2)),
}


@pytest.mark.parametrize("name", _NETWORKS)
def test_as_autograd_sees_it(name: str) -> None:
    network = _Named(_NETWORKS[name])
    field = receptive_fields(network)["layer"]
    rows, columns = _measured(network, (4, 3), 40)
    assert [4 * field.rows.stride - field.rows.before, 4 * field.rows.stride + field.rows.after] == rows
    assert [3 * field.columns.stride - field.columns.before, 3 * field.columns.stride + field.columns.after] == columns


def test_vgg__known_fields() -> None:
    encoder, _ = load_encoder(find_network("vgg19"), ["relu1_1", "relu3_1", "relu5_1"], weights="random")
    fields = receptive_fields(encoder)
    assert fields["relu1_1"] == Field(Reach(1, 1, 1), Reach(1, 1, 1))
    deepest = fields["relu5_1"].rows
    assert (deepest.stride, deepest.before + deepest.after + 1) == (16, 156)
    assert common_stride(fields) == 16


@pytest.mark.parametrize(("strides", "before"), [("keep", 49), ("blur_stem", 52), ("blur", 56)])
def test_resnet__branches_and_blurs(strides: str, before: int) -> None:
    encoder, _ = load_encoder(
        find_network("resnet18"), ["stem", "layer1", "layer2"], weights="random", surgery=Surgery(strides=strides)
    )
    fields = receptive_fields(encoder)
    assert [field.rows.stride for field in fields.values()] == [2, 4, 8]
    assert fields["layer2"].rows.before == before


@pytest.mark.parametrize(
    ("architecture", "layer"),
    [
        ("densenet121", "features.denseblock2"),
        ("mobilenet_v2", "features.7"),
        ("squeezenet1_1", "features.8"),
        ("shufflenet_v2_x1_0", "stage2"),
    ],
)
def test_other_families(architecture: str, layer: str) -> None:
    with torch.device("meta"):
        network = torchvision.models.get_model(architecture, weights=None)
    fields = receptive_fields(Encoder(network, {"layer": layer}, (0.0,) * 3, (1.0,) * 3))
    assert fields["layer"].rows.stride in {8, 16}


@pytest.mark.parametrize(
    ("architecture", "layer"),
    [
        ("vit_b_16", "encoder.layers.encoder_layer_0"),
        ("efficientnet_b0", "features.2"),
        ("mobilenet_v3_small", "features.2"),
    ],
)
def test_networks_that_look_everywhere_are_refused_in_one_line(architecture: str, layer: str) -> None:
    with torch.device("meta"):
        network = torchvision.models.get_model(architecture, weights=None)
    with pytest.raises(CannotTileError, match="cannot be cut into tiles") as caught:
        receptive_fields(Encoder(network, {"layer": layer}, (0.0,) * 3, (1.0,) * 3))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "network",
    [
        lambda image: image.flip(-1),
        lambda image: image.transpose(-1, -2),
        lambda image: image - image.mean((2, 3), keepdim=True),
        lambda image: F.softmax(image, dim=3),
        lambda image: F.interpolate(image, scale_factor=2.0),
        lambda image: image + F.avg_pool2d(image, 3, 1, 1)[..., :1, :1],
        lambda image: F.conv_transpose2d(image, torch.ones(3, 3, 2, 2, device="meta"), stride=2),
        lambda image: image[..., 2:, :],
        lambda image: image.flatten(2),
        nn.InstanceNorm2d(3),
    ],
)
def test_operations_that_move_pixels_are_refused(network: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(CannotTileError):
        receptive_fields(_Named(network))


@pytest.mark.parametrize(
    "network",
    [
        lambda image: F.softmax(image, dim=1),
        lambda image: torch.cat([image[:, :1], image.relu()], dim=1),
        lambda image: torch.cat(image.chunk(3, dim=1)[::-1], dim=1),
        lambda image: image * torch.ones(1, 3, 1, 1, device="meta"),
    ],
)
def test_operations_on_each_pixel_are_not(network: Callable[[Tensor], Tensor]) -> None:
    assert receptive_fields(_Named(network))["layer"] == Field()


def test_nothing_is_computed() -> None:
    convolution = nn.Conv2d(3, 2, 3)
    weight = convolution.weight
    receptive_fields(_Named(convolution))
    assert convolution.weight is weight
