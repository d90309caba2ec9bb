"""Changes to a network: each does what it says, leaves the weights alone, and says so where there is nothing to do."""

from dataclasses import fields

import pytest
import torch
from torch import nn

from rnst.encoders.encoder import Encoder, load_encoder
from rnst.encoders.names import find_network
from rnst.encoders.surgery.changes import blur_strides
from rnst.encoders.surgery.pools import DensePool, L2Pool, even_like, is_uneven, l2_scale, max_like, reducing_pools
from rnst.encoders.surgery.relus import RedirectedReLU, out_of_place
from rnst.encoders.surgery.surgery import NothingToChangeError, Surgery

_OTHERS = {
    "pooling": ["avg", "max", "l2"],
    "strides": ["blur"],
    "pool_kernel": ["even"],
    "stem": ["dense"],
    "padding": ["first", "all"],
    "relu": ["fake_last", "redirected", "leaky", "softplus"],
}


def _encoder(name: str, layers: list[str], **changes: str) -> Encoder:
    return load_encoder(
        find_network(name), layers, weights="random", surgery=Surgery(**{"strides": "keep", **changes})
    )[0]


def test_every_change_is_tested() -> None:
    assert [entry.name for entry in fields(Surgery)] == list(_OTHERS)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in _OTHERS.items() for value in values])
def test_it_changes_features_or_gradients_and_keeps_all_weights(name: str, value: str) -> None:
    images = torch.rand(1, 3, 64, 64, requires_grad=True)
    plain, changed = _encoder("resnet18", ["layer1"]), _encoder("resnet18", ["layer1"], **{name: value})
    assert len(list(changed.parameters())) == len(list(plain.parameters()))
    assert all(torch.equal(one, other) for one, other in zip(plain.parameters(), changed.parameters(), strict=True))
    found = [encoder(images)["layer1"] for encoder in (plain, changed)]
    gradients = [torch.autograd.grad(features.sum(), images)[0] for features in found]
    pairs = (found, gradients)
    same = found[0].shape == found[1].shape and all(torch.allclose(one, other) for one, other in pairs)
    assert same == (value == "max"), "the pool of a ResNet is a max pool already"


@pytest.mark.parametrize("value", ["avg", "max", "l2"])
def test_all_at_once(value: str) -> None:
    changes = {"pooling": value, "pool_kernel": "even", "strides": "blur", "stem": "dense", "padding": "all"}
    encoder = _encoder("resnet18", ["layer1", "layer2"], relu="fake_last", **changes)
    images = torch.rand(1, 3, 33, 47, requires_grad=True)
    features = encoder(images)
    assert features["layer1"].shape[-2:] == (17, 24), "the stem no longer halves"
    (gradient,) = torch.autograd.grad(features["layer2"].sum(), images)
    assert gradient.isfinite().all()


@pytest.mark.parametrize(
    ("encoder", "layer", "option", "value"),
    [
        ("convnext_tiny", "stage1", "relu", "redirected"),
        ("convnext_tiny", "stage1", "stem", "dense"),
        ("convnext_tiny", "stem", "padding", "all"),
        ("convnext_tiny", "stage1", "pool_kernel", "even"),
        ("vgg11", "relu2_1", "stem", "dense"),
        ("resnet18", "layer1.0.bn1", "relu", "fake_last"),
    ],
)
def test_nothing_to_change__one_line(encoder: str, layer: str, option: str, value: str) -> None:
    with pytest.raises(NothingToChangeError, match=rf"--{option} {value} changes nothing in this encoder") as caught:
        _encoder(encoder, [layer], **{option: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "alexnet", "squeezenet1_0", "vgg11"])
@pytest.mark.parametrize("pooling", ["keep", "avg", "l2"])
def test_blur__sizes_stay(name: str, pooling: str) -> None:
    layers = {"resnet18": ["layer1"], "googlenet": ["inception3a", "inception4a"], "vgg11": ["relu3_1"]}
    layers |= {"alexnet": ["relu3_1"], "squeezenet1_0": ["fire4", "fire5"]}
    for size in ((64, 83), (75, 70)):
        shapes = [
            [
                tuple(found.shape)
                for found in _encoder(name, layers[name], strides=strides, pooling=pooling)(
                    torch.rand(1, 3, *size)
                ).values()
            ]
            for strides in ("keep", "blur")
        ]
        assert shapes[0] == shapes[1]


@pytest.mark.parametrize(
    "pool", [nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(3, 2, ceil_mode=True), nn.AvgPool2d(3, 2)], ids=str
)
@pytest.mark.parametrize("size", [(12, 13), (15, 14)], ids=str)
def test_dense_pool__size_of_the_pool_and_no_checkerboard(pool: nn.Module, size: tuple[int, int]) -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 1), pool)
    blur_strides(network)
    assert isinstance(network[1], DensePool)
    features = torch.rand(2, 3, *size)
    assert network[1](features).shape == pool(features).shape
    flat = torch.full((1, 3, *size), 0.3)
    torch.testing.assert_close(network[1](flat), pool(flat))


def test_even_like__each_position_once() -> None:
    for pool in (nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(3, 2), nn.MaxPool2d(3, 2, ceil_mode=True)):
        assert is_uneven(pool)
        assert not is_uneven(even_like(pool))
        assert even_like(pool)(torch.rand(1, 1, 16, 16)).shape[-1] == 8


def test_pools_that_do_not_reduce_stay() -> None:
    network = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1))
    assert list(reducing_pools(network)) == ["1"]


@pytest.mark.parametrize("count", [4, 9])
def test_l2__scale_by_drawing(count: int) -> None:
    drawn = torch.randn(400_000, count).relu()
    expected = drawn.max(1).values.mean() / drawn.square().mean(1).sqrt().mean()
    assert l2_scale(count) == pytest.approx(expected.item(), rel=0.01)


def test_l2__keeps_the_mean_of_the_max_pool() -> None:
    features = torch.randn(1, 16, 64, 64).relu()
    pool = nn.MaxPool2d(2)
    assert L2Pool(pool)(features).mean().item() == pytest.approx(pool(features).mean().item(), rel=0.02)


def test_l2__gradient_at_every_position() -> None:
    features = torch.rand(1, 2, 8, 8, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(L2Pool(nn.MaxPool2d(2)), [features])
    black = torch.zeros(1, 1, 4, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(L2Pool(nn.MaxPool2d(2))(black).sum(), black)
    assert gradient.isfinite().all()


def test_max_like__largest() -> None:
    assert max_like(nn.AvgPool2d(2))(torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])).item() == 6.0


def test_padding__no_dark_frame() -> None:
    """A flat picture has flat features up to the border."""
    flat = torch.full((1, 3, 48, 48), 0.8)
    for value, even in (("keep", False), ("all", True)):
        features = _encoder("vgg11", ["relu2_1"], padding=value)(flat)["relu2_1"]
        spread = (features - features[..., 12:13, 12:13]).abs().amax((1, 2, 3)) / features.abs().max()
        assert bool(spread < 1e-5) == even, value
    first = _encoder("vgg11", ["relu1_1"], padding="first")(flat)["relu1_1"]
    torch.testing.assert_close(first, first[..., 20:21, 20:21].expand_as(first))


def test_dense_stem__no_uneven_gradient() -> None:
    """With windows of pools that are even too, the checkerboard of period 2 is gone; each alone does not do it."""
    energies = {}
    for stem in ("keep", "dense"):
        encoder = _encoder("resnet18", ["layer1"], stem=stem, pool_kernel="even", pooling="avg")
        images = torch.rand(8, 3, 48, 48, requires_grad=True)
        features = encoder(images)["layer1"]
        (gradient,) = torch.autograd.grad(features, images, torch.randn_like(features))
        inner = gradient[..., 8:-8, 8:-8].square()
        phases = torch.stack([inner[..., i::2, j::2].mean() for i in range(2) for j in range(2)])
        energies[stem] = float(phases.std(correction=0) / phases.mean())
    assert energies["dense"] < 0.5 * energies["keep"]


def test_fake_last__same_features_straight_gradient() -> None:
    images = torch.rand(1, 3, 32, 32, requires_grad=True)
    plain, straight = (_encoder("vgg11", ["relu1_1", "relu2_1"], relu=value) for value in ("keep", "fake_last"))
    before, after = plain(images), straight(images)
    for layer in before:
        torch.testing.assert_close(before[layer], after[layer])
    convolution = _encoder("vgg11", ["conv2_1"])
    gradients = [
        torch.autograd.grad(features.sum(), images)[0]
        for features in (after["relu2_1"], convolution(images)["conv2_1"], before["relu2_1"])
    ]
    torch.testing.assert_close(gradients[0], gradients[1])
    assert not torch.allclose(gradients[0], gradients[2])


def test_fake_last__a_residual_stage_whose_relu_runs_twice() -> None:
    """The gradient at the sum of both branches is that at the output, dead units included."""
    encoder = _encoder("resnet18", ["layer1", "layer2"], relu="fake_last")
    images = torch.rand(1, 3, 64, 64, requires_grad=True)
    for _ in range(2):  # nothing is left over from the run before
        features = encoder(images)
        torch.testing.assert_close(features["layer2"], _encoder("resnet18", ["layer2"])(images)["layer2"])
        dead = features["layer2"] == 0
        assert dead.double().mean() > 0.1
        (gradient,) = torch.autograd.grad((features["layer2"] * dead).sum(), images)
        assert gradient.abs().sum() > 0, "only dead units were asked for"


def test_redirected__wakes_dead_units() -> None:
    features = torch.tensor([-2.0, -1.0, 3.0, 4.0], requires_grad=True)
    (gradient,) = torch.autograd.grad(RedirectedReLU()(features), features, torch.tensor([-1.0, 1.0, -1.0, 1.0]))
    assert RedirectedReLU()(features).tolist() == [0.0, 0.0, 3.0, 4.0]
    assert gradient.tolist() == [-1.0, 0.0, -1.0, 1.0], "descent would make the first one larger"


def test_out_of_place__activations_of_every_kind() -> None:
    network = nn.Sequential(nn.ReLU6(inplace=True), nn.SiLU(inplace=True), nn.Hardswish(inplace=True))
    out_of_place(network)
    for module in network:
        features = torch.tensor([-1.0, 2.0])
        module(features)
        assert features.tolist() == [-1.0, 2.0]
