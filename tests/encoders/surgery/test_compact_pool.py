from itertools import product

import pytest
import torch
from torch import nn

from rnst.encoders.catalog import style_layers
from rnst.encoders.encoder import load_encoder
from rnst.encoders.names import find_network
from rnst.encoders.receptive_fields import receptive_fields
from rnst.encoders.surgery.compact_pool import CompactMaxPool, compact_pools

_WINDOWS = [(2, 2, 0, False), (3, 2, 1, False), (3, 2, 0, True), (3, 1, 1, False), ((2, 3), (3, 1), 1, False)]


@pytest.mark.parametrize(("kernel", "stride", "padding", "ceil"), _WINDOWS, ids=str)
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16], ids=str)
def test_values_and_gradients_are_those_of_torch(
    kernel: int, stride: int, padding: int, *, ceil: bool, precision: torch.dtype
) -> None:
    """Ties are frequent: of rounded numbers, half of which a ReLU has made zero."""
    torch.manual_seed(0)
    for size, layout in product([(8, 8), (7, 9)], [torch.contiguous_format, torch.channels_last]):
        found = []
        features = (torch.randint(-4, 5, (2, 3, *size)) / 4).relu().to(precision)
        for kind in (nn.MaxPool2d, CompactMaxPool):
            own = features.clone(memory_format=layout).requires_grad_()
            pooled = kind(kernel, stride, padding, ceil_mode=ceil)(own)
            (pooled * torch.randn(pooled.shape, generator=torch.Generator().manual_seed(1))).sum().backward()
            found.append((pooled.detach(), own.grad))
        assert torch.equal(found[0][0], found[1][0])
        assert torch.equal(found[0][1], found[1][1])  # type: ignore[arg-type]


def test_it_keeps_a_quarter_of_the_places() -> None:
    kept: dict[type[nn.Module], int] = {}
    for kind in (nn.MaxPool2d, CompactMaxPool):
        features = torch.rand(1, 4, 16, 16, requires_grad=True)
        saved: list[torch.Tensor] = []

        def note(tensor: torch.Tensor, saved: list[torch.Tensor] = saved) -> torch.Tensor:
            saved.append(tensor)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            kind(2)(features)
        kept[kind] = sum(tensor.nbytes for tensor in saved if not tensor.is_floating_point())
    assert kept == {nn.MaxPool2d: 8 * 4 * 64, CompactMaxPool: 2 * 4 * 64}


def test_where_windows_reach_too_far_for_16_bits_torch_keeps_the_places() -> None:
    features = torch.rand(1, 1, 3, 20_000, requires_grad=True)
    expected = nn.MaxPool2d(3, 1, 1)(features)
    pooled = CompactMaxPool(3, 1, 1)(features)
    assert torch.equal(pooled, expected)
    assert "MaxPool2D" in type(pooled.grad_fn).__name__


@pytest.mark.parametrize("name", ["vgg11", "resnet18"])
def test_every_encoder_has_them(name: str) -> None:
    row = find_network(name)
    encoder, _ = load_encoder(row, style_layers(row), weights="random")
    pools = [module for module in encoder.modules() if isinstance(module, nn.MaxPool2d)]
    assert pools
    assert {type(module) for module in pools} == {CompactMaxPool}
    assert receptive_fields(encoder)


def test_pools_that_give_their_places_are_left_alone() -> None:
    network = nn.Sequential(nn.MaxPool2d(2, return_indices=True), nn.AvgPool2d(2))
    compact_pools(network)
    assert [type(module) for module in network] == [nn.MaxPool2d, nn.AvgPool2d]
