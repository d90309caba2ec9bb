from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rnst.encoders.encoder import load_encoder
from rnst.encoders.names import find_network
from rnst.encoders.receptive_fields import Field, receptive_fields
from rnst.encoders.surgery.surgery import Surgery
from rnst.image.parameters import FourierImage, ImageParameter, PixelImage
from rnst.losses.objective import Objective, Weights
from rnst.losses.perceptual import ContentLoss, GramLoss
from rnst.losses.regions import RegionalLoss
from rnst.optimization.optimizers import PixelOptimizer
from rnst.optimization.tiled_gradient import TiledObjective, Unseen
from rnst.optimization.tiles import Grid, cut, cut_by_side, whole

_WEIGHTS = Weights(2.0, 1.0, 0.1)
_TIMES_ROUNDING = 5
_NETWORKS = {
    "vgg": ("vgg19", ("relu1_1", "relu2_1", "relu3_1"), "relu2_2", "keep"),
    "resnet": ("resnet50", ("stem", "layer1", "layer2"), "layer2", "keep"),
    "repaired": ("resnet18", ("stem", "layer1", "layer2"), "layer2", "blur"),
}
_DEEP = {
    "vgg": ("vgg19", ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"), "relu4_2", "keep"),
    "resnet": ("resnet50", ("layer1", "layer2", "layer3", "layer4"), "layer3", "keep"),
    "repaired": ("resnet18", ("layer1", "layer2", "layer3", "layer4"), "layer3", "blur"),
}
_Network = tuple[str, Sequence[str], str, str]


def _encoder(network: _Network) -> nn.Module:
    name, style, content, strides = network
    layers = list(dict.fromkeys([*style, content]))
    surgery = Surgery("avg" if strides == "keep" else "keep", strides)
    return load_encoder(find_network(name), layers, weights="random", surgery=surgery)[0].double()


@torch.no_grad()
def _objective(encoder: nn.Module, network: _Network, size: tuple[int, int], dtype: torch.dtype) -> Objective:
    _, layers, content, _ = network
    style = encoder(torch.rand(1, 3, 60, 60, dtype=dtype))
    photo = encoder(torch.rand(1, 3, *size, dtype=dtype))
    terms: dict[str, nn.Module] = {layer: GramLoss(style[layer]) for layer in layers}
    side = torch.rand(1, 1, *photo[layers[-1]].shape[-2:], dtype=dtype)
    last = style[layers[-1]]
    terms[layers[-1]] = RegionalLoss([GramLoss(last), GramLoss(last.square())], [side, 1.0 - side])
    return Objective(terms, {content: ContentLoss(photo[content])}, _WEIGHTS)


def _losses(
    encoder: nn.Module, grid: Grid, objective: Objective, image: Tensor, fields: dict[str, Field] | None = None
) -> dict[str, Tensor]:
    fields = fields or receptive_fields(encoder)  # which looks through the encoder itself
    losses: dict[str, Tensor] = TiledObjective(encoder, fields, grid, objective)(Unseen()(image), image)
    return losses


def _gradient(total: Tensor, image: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(total, image)
    return gradient


def _check(network: _Network, size: tuple[int, int], sides: Sequence[int], dtype: torch.dtype, near: float) -> None:
    encoder = _encoder(network).to(dtype)
    objective = _objective(encoder, network, size, dtype)
    image = torch.rand(1, 3, *size, dtype=dtype, requires_grad=True)
    expected = objective(encoder(image), image)
    gradient = _gradient(expected["total"], image)
    fields = receptive_fields(encoder)
    allowed = near * gradient.norm()
    if (
        dtype == torch.float32
    ):  # a max pool may choose another of two nearly equal maxima, as after a change of last bits
        nearby = torch.nextafter(image.detach(), torch.ones_like(image)).requires_grad_()
        changed = _gradient(objective(encoder(nearby), nearby)["total"], nearby) - gradient
        allowed = max(allowed, _TIMES_ROUNDING * changed.norm())
    for side in sides:
        grid = cut_by_side(size, fields, side)
        assert len(grid.tiles) > 1
        found = _losses(encoder, grid, objective, image)
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, rtol=near, atol=0.0)
        difference = (_gradient(found["total"], image) - gradient).norm()
        assert difference <= allowed, (side, difference, allowed)


@pytest.mark.parametrize("name", _NETWORKS)
def test_equals_that_of_the_whole_picture(name: str) -> None:
    _check(_NETWORKS[name], (75, 101), (24, 47), torch.float64, 1e-10)


def test_float32() -> None:
    _check(_NETWORKS["vgg"], (75, 101), (40,), torch.float32, 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", _DEEP)
def test_equals_that_of_the_whole_picture__all_layers(name: str) -> None:
    _check(_DEEP[name], (131, 227), (64, 100), torch.float64, 1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("name", _DEEP)
def test_float32__all_layers(name: str) -> None:
    _check(_DEEP[name], (203, 301), (100, 160), torch.float32, 1e-4)


def test_a_grid_of_one_tile_has_one_forward_pass() -> None:
    encoder = _encoder(_NETWORKS["vgg"])
    objective = _objective(encoder, _NETWORKS["vgg"], (33, 47), torch.float64)
    image = torch.rand(1, 3, 33, 47, dtype=torch.float64, requires_grad=True)
    looks = 0

    def count(*_: object) -> None:
        nonlocal looks
        looks += 1

    handle = encoder.register_forward_pre_hook(count)
    fields = receptive_fields(encoder)
    looks = 0
    _losses(encoder, whole((33, 47)), objective, image, fields)["total"].backward()
    assert looks == 1
    looks = 0
    _losses(encoder, cut((33, 47), fields, 2, 2), objective, image, fields)["total"].backward()
    assert looks == 4 + 3
    handle.remove()


def test_without_gradients_each_tile_has_one_forward_pass() -> None:
    encoder = _encoder(_NETWORKS["vgg"])
    objective = _objective(encoder, _NETWORKS["vgg"], (33, 47), torch.float64)
    fields = receptive_fields(encoder)
    image = torch.rand(1, 3, 33, 47, dtype=torch.float64)
    with torch.no_grad():
        found = _losses(encoder, cut((33, 47), fields, 2, 1), objective, image)
        torch.testing.assert_close(found, objective(encoder(image), image))
    assert not found["total"].requires_grad


def test_mixed_precision__the_second_forward_pass_equals_the_first() -> None:
    encoder = _encoder(_NETWORKS["vgg"]).float()
    objective = _objective(encoder, _NETWORKS["vgg"], (75, 101), torch.float32)
    image = torch.rand(1, 3, 75, 101, requires_grad=True)
    fields, seen = receptive_fields(encoder), set()
    encoder.register_forward_hook(lambda _, __, features: seen.add(features["relu2_2"].dtype))
    gradients = []
    for grid in (whole((75, 101)), cut((75, 101), fields, 2, 2)):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            total = _losses(encoder, grid, objective, image, fields)["total"]
        gradients.append(_gradient(total, image))
    assert seen == {torch.bfloat16}
    assert (gradients[0] - gradients[1]).norm() < 0.02 * gradients[0].norm()


def _stylized(image: ImageParameter, tiled: TiledObjective, settings: PixelOptimizer, precision: torch.dtype) -> Tensor:
    optimizer: Any = settings.build(image.parameters())

    def closure() -> Tensor:
        optimizer.zero_grad()
        picture = image().to(precision)
        total: Tensor = tiled(Unseen()(picture), picture)["total"]
        total.backward()
        return total

    for _ in range(8):
        optimizer.step(closure)
    finished: Tensor = image()
    return finished.detach()


@pytest.mark.parametrize(
    ("parameters", "optimizer", "precision"),
    [
        (PixelImage.from_image, PixelOptimizer(), torch.float32),
        (partial(FourierImage.from_image, decay=0.25), PixelOptimizer(), torch.float32),
        (PixelImage.from_image, PixelOptimizer("adam", 0.05), torch.float32),
        # In float32 a max pool may choose another of two nearly equal maxima, and Adam makes whole steps of it: on some
        # machines the same picture comes out, on others not.
        (partial(FourierImage.from_image, decay=0.5), PixelOptimizer("adam", 0.05), torch.float64),
    ],
)
def test_a_finished_picture_is_the_same_to_the_eye(
    parameters: Callable[[Tensor], ImageParameter], optimizer: PixelOptimizer, precision: torch.dtype
) -> None:
    network, size = _NETWORKS["repaired"], (75, 101)
    encoder = _encoder(network).to(precision)
    objective = _objective(encoder, network, size, precision)
    start = torch.rand(1, 3, *size)
    fields = receptive_fields(encoder)
    pictures = [
        _stylized(parameters(start), TiledObjective(encoder, fields, grid, objective), optimizer, precision)
        for grid in (whole(size), cut(size, fields, 2, 2))
    ]
    assert (pictures[0] - start).abs().mean() > 0.01, "nothing was stylized, so this shows nothing"
    near = ((pictures[0] - pictures[1]).abs() <= 1 / 255).float().mean()
    assert near >= 0.999


def test_where_rounding_enters__the_networks_arithmetic_and_not_the_sums_of_tiles() -> None:
    """In float64 eight steps of L-BFGS agree; in float32 tiles differ as much as a start whose last bits differ."""
    network, size = _NETWORKS["repaired"], (75, 101)
    start = torch.rand(1, 3, *size)
    last_bits = start * (1.0 + torch.finfo(torch.float32).eps * torch.randint(-1, 2, start.shape))
    pictures, gradients = {}, {}
    for precision in (torch.float64, torch.float32):
        encoder = _encoder(network).to(precision)
        torch.manual_seed(1)
        objective, fields = _objective(encoder, network, size, precision), receptive_fields(encoder)
        for name, grid, first in (
            ("whole", whole(size), start),
            ("tiles", cut(size, fields, 2, 2), start),
            ("last bits", whole(size), last_bits),
        ):
            image = first.to(precision).requires_grad_()
            (gradients[name],) = torch.autograd.grad(_losses(encoder, grid, objective, image, fields)["total"], image)
            if precision == torch.float64 and name != "last bits":
                parameters = PixelImage.from_image(first).double()
                tiled = TiledObjective(encoder, fields, grid, objective)
                pictures[name] = _stylized(parameters, tiled, PixelOptimizer(), precision)
    assert (pictures["whole"] - start).abs().mean() > 0.01, "nothing was stylized, so this shows nothing"
    torch.testing.assert_close(pictures["tiles"], pictures["whole"], rtol=0.0, atol=1e-9)
    tiles, unstable = ((gradients[name] - gradients["whole"]).norm() for name in ("tiles", "last bits"))
    assert tiles < 5 * unstable
