"""Every family of networks, with random weights: default layers, shapes, gradients at the pixels."""

import pytest
import torch

from rnst.encoders.catalog import build_classifier, build_headless, content_layers, style_layers
from rnst.encoders.encoder import TooSmallError, load_encoder
from rnst.encoders.families import FAMILIES, is_of_head
from rnst.encoders.layers import LayerShapeError, UnknownLayerError, friendly_layers
from rnst.encoders.names import encoder_names, find_network

# The smallest of each family, with the size that its layers need; the first ones are fast enough for every run.
_FAST = {"vgg11": 64, "resnet18": 64, "alexnet": 64, "squeezenet1_0": 64, "googlenet": 64, "vit_b_32": 64}
_SLOW = {
    "vgg11_bn": 64,
    "resnet50": 64,
    "resnext50_32x4d": 64,
    "wide_resnet50_2": 64,
    "densenet121": 64,
    "inception_v3": 96,
    "squeezenet1_1": 64,
    "mobilenet_v2": 64,
    "mobilenet_v3_small": 64,
    "mnasnet0_5": 64,
    "shufflenet_v2_x0_5": 64,
    "efficientnet_b0": 64,
    "convnext_tiny": 64,
    "swin_t": 64,
}
_MEMBERS = {**_FAST, **_SLOW}
_ALL = [*_FAST, *(pytest.param(name, marks=pytest.mark.slow) for name in _SLOW)]


def _layers(name: str) -> list[str]:
    network = find_network(name)
    return list(dict.fromkeys([*style_layers(network), *content_layers(network)]))


def test_every_family_has_a_member_here_and_in_the_catalog() -> None:
    for family in FAMILIES:
        assert any(name.startswith(family.prefixes) for name in _MEMBERS), family.title
    assert set(_MEMBERS) <= set(encoder_names())


@pytest.mark.parametrize("name", _ALL)
def test_default_layers__two_to_five_maps_with_gradients_everywhere(name: str) -> None:
    network, side = find_network(name), _MEMBERS[name]
    assert 2 <= len(style_layers(network)) <= 5
    assert 1 <= len(content_layers(network)) <= 2
    encoder, _ = load_encoder(network, _layers(name), weights="random")
    images = torch.rand(2, 3, side, side + 13, requires_grad=True)
    features = encoder(images)
    assert list(features) == _layers(name)
    for layer, found in features.items():
        assert found.dim() == 4, layer
        assert found.shape[0] == 2
        assert found.shape[2] <= found.shape[3] <= side + 13, layer
        assert found.isfinite().all()
        assert found.std() > 0
    (gradient,) = torch.autograd.grad(sum(found.square().mean() for found in features.values()), images)
    assert gradient.isfinite().all()
    assert (gradient.abs().sum(1) > 0).double().mean() > 0.9


@pytest.mark.parametrize(
    "name",
    [
        "googlenet",
        "vit_b_32",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("densenet121", "mobilenet_v2", "efficientnet_b0", "swin_t")
        ),
    ],
)
def test_features__each_layer_is_the_same_whatever_else_is_asked_for(name: str) -> None:
    """In-place additions and activations of these networks would change features that were read before."""
    images = torch.rand(1, 3, 70, 64)
    few = list(friendly_layers(build_headless(name)))[1:6]
    together = load_encoder(find_network(name), few, weights="random")[0](images)
    alone = load_encoder(find_network(name), few[:1], weights="random")[0](images)
    torch.testing.assert_close(together[few[0]], alone[few[0]])
    again = load_encoder(find_network(name), few, weights="random")[0](images)
    for layer in few:
        assert torch.equal(together[layer], again[layer]), "the seed decides"


@pytest.mark.parametrize(
    ("name", "layer"), [("resnet18", "avgpool"), ("vgg11", "avgpool"), ("efficientnet_b0", "avgpool")]
)
def test_layers_without_places_are_refused(name: str, layer: str) -> None:
    with pytest.raises(LayerShapeError, match=rf"layer '{layer}' cannot be used.*earlier"):
        load_encoder(find_network(name), [layer], weights="random")


def test_a_squeeze_inside_of_a_block_is_refused() -> None:
    with pytest.raises(LayerShapeError):
        load_encoder(find_network("efficientnet_b0"), ["features.1.0.block.1.avgpool"], weights="random")


def test_unknown_layer__a_short_list() -> None:
    with pytest.raises(UnknownLayerError, match=r"'relu9_9'; .*valid: conv1_1, relu1_1.*\.\.\..*pool5") as caught:
        load_encoder(find_network("vgg19"), ["relu9_9"], weights="random")
    assert len(str(caught.value)) < 250


def test_paths_inside_of_friendly_layers() -> None:
    layers = ["transition1.relu", "features.transition1.relu", "denseblock1"]
    features = load_encoder(find_network("densenet121"), layers, weights="random")[0](torch.rand(1, 3, 32, 32))
    assert torch.equal(features[layers[0]], features[layers[1]])


def test_before_and_after_the_relu_of_an_inception_block() -> None:
    layers = ["conv2.bn", "conv2"]
    before, after = load_encoder(find_network("googlenet"), layers, weights="random")[0](
        torch.rand(1, 3, 32, 32)
    ).values()
    assert before.min() < 0
    torch.testing.assert_close(before.relu(), after)


def test_picture_too_small__says_what_would_do() -> None:
    encoder, _ = load_encoder(find_network("alexnet"), ["relu3_3"], weights="random")
    with pytest.raises(TooSmallError, match=r"40 x 16 pixels is too small.*need (\d+) on") as caught:
        encoder(torch.rand(1, 3, 16, 40))
    enough = int(str(caught.value).split("need ")[1].split()[0])
    assert encoder(torch.rand(1, 3, enough, enough))["relu3_3"].shape[1] == 256
    with pytest.raises(TooSmallError):
        encoder(torch.rand(1, 3, enough - 1, enough - 1))


def test_an_error_that_is_not_for_the_size_stays_itself() -> None:
    encoder, _ = load_encoder(find_network("resnet18"), ["layer1"], weights="random")
    with pytest.raises(RuntimeError, match=r"channels|size of tensor"):
        encoder(torch.rand(1, 4, 64, 64))


@pytest.mark.parametrize("size", [(224, 224), (64, 96), (70, 33)], ids=str)
def test_transformer__tokens_lie_where_the_picture_is(size: tuple[int, int]) -> None:
    """A bright square moves the features of its own patch most."""
    encoder, _ = load_encoder(find_network("vit_b_32"), ["block1"], weights="random")
    images = torch.full((1, 3, *size), 0.4)
    marked = images.clone()
    marked[..., 32:64, :32] = 1.0
    change = (encoder(marked)["block1"] - encoder(images)["block1"]).square().sum(1)[0]
    assert change.shape == (-(-size[0] // 32), -(-size[1] // 32))
    assert divmod(int(change.argmax()), change.shape[1]) == (1, 0)


def test_transformer__at_its_own_size_as_torchvision() -> None:
    torch.manual_seed(0)
    reference = build_classifier("vit_b_32", 7).eval()
    wrapped = build_headless("vit_b_32", "cpu")
    wrapped.load_state_dict({key: value for key, value in reference.state_dict().items() if "heads" not in key})
    images = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(reference.heads(wrapped(images)[:, 0]), reference(images))  # type: ignore[operator]


@pytest.mark.parametrize("architecture", ["vgg11_bn", "alexnet"])
def test_small_head__only_where_classes_are_not_those_of_imagenet(architecture: str) -> None:
    small = build_classifier(architecture, 9)
    head = sum(parameter.numel() for name, parameter in small.named_parameters() if name.startswith("classifier"))
    assert head < 10_000
    assert small(torch.rand(2, 3, 64, 64)).shape == (2, 9)
    assert all(parameter.isfinite().all() for parameter in small.parameters())
    with torch.device("meta"):
        full = build_classifier(architecture, 1000)
    assert sum(p.numel() for name, p in full.named_parameters() if name.startswith("classifier")) > 50e6


def test_statistics__of_the_weights() -> None:
    """torchvision feeds two networks values from -1 to 1."""
    for name, mean in (("googlenet", 0.5), ("inception_v3", 0.5), ("efficientnet_v2_l", 0.5), ("resnet50", 0.485)):
        encoder, _ = load_encoder(
            find_network(name), [next(iter(friendly_layers(build_headless(name))))], weights="random"
        )
        assert encoder.mean.flatten()[0].item() == pytest.approx(mean), name


@pytest.mark.parametrize("name", [*_FAST, "densenet121", "convnext_tiny", "swin_t", "resnet18_32px", "tiny_vgg"])
def test_parameters_of_the_head__those_that_a_headless_network_lacks(name: str) -> None:
    with torch.device("meta"):
        whole, body = build_classifier(name, 10).state_dict(), build_headless(name).state_dict()
        other = build_classifier(name, 11).state_dict()
    assert all(is_of_head(key) for key, tensor in whole.items() if tensor.shape != other[key].shape)
    assert {key for key in whole if is_of_head(key)} == whole.keys() - body.keys()
    assert not any(is_of_head(key) for key in body)
    assert not is_of_head("fcn.weight")
    assert not is_of_head("features.head.weight")
