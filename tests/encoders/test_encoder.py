from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from rnst.encoders.catalog import build_classifier, build_headless, style_layers
from rnst.encoders.encoder import Encoder, load_encoder
from rnst.encoders.layers import friendly_layers
from rnst.encoders.names import find_network
from rnst.encoders.surgery.changes import initialize
from rnst.encoders.surgery.surgery import Surgery
from rnst.encoders.weights.files import WeightsMismatchError, write_weights
from rnst.errors import MissingPathError, UnknownNameError
from rnst.normalization import IMAGENET_MEAN, IMAGENET_STD

_UNTOUCHED = Surgery("keep", "keep")
_MEAN, _STD = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)


def _network(architecture: str) -> nn.Module:
    """Without a head, which takes seconds; with statistics that are not those of a fresh network."""
    network = build_headless(architecture).to_empty(device="cpu").eval()
    initialize(network, torch.Generator().manual_seed(0))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None and module.running_var is not None:
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2.0)
    return network


def _random(name: str, layers: list[str], seed: int = 0, surgery: Surgery = _UNTOUCHED) -> Encoder:
    return load_encoder(find_network(name), layers, weights="random", seed=seed, surgery=surgery)[0]


def _plain_resnet(network: nn.Module, images: Tensor) -> dict[str, Tensor]:
    found = {}
    for name, child in network.named_children():
        if name in {"avgpool", "fc"}:
            break
        images = child(images)
        found["stem" if name == "relu" else name] = images.clone()
    return found


def _plain_vgg(network: nn.Module, images: Tensor) -> dict[str, Tensor]:
    found = {}
    paths = {path: name for name, path in friendly_layers(network).items()}
    for index, child in enumerate(network.get_submodule("features").children()):
        images = child(images)
        found[paths[f"features.{index}"]] = images.clone()
    return found


@pytest.mark.parametrize(
    ("architecture", "layers", "plain"),
    [
        ("resnet18", ["layer3", "stem", "layer1"], _plain_resnet),
        ("vgg11", ["relu3_1", "conv3_1", "relu1_1", "pool2"], _plain_vgg),
    ],
)
def test_features__those_of_the_plain_network(
    architecture: str, layers: list[str], plain: Callable[[nn.Module, Tensor], dict[str, Tensor]], tmp_path: Path
) -> None:
    network = _network(architecture)
    facts = {"mean": _MEAN, "std": _STD, "radius": 3.0}
    write_weights(tmp_path / "net.safetensors", network.state_dict(), facts)
    encoder, read = load_encoder(
        find_network(architecture), layers, weights=str(tmp_path / "net.safetensors"), surgery=_UNTOUCHED
    )
    assert read["radius"] == 3.0
    images = torch.rand(2, 3, 45, 64)
    features = encoder(images)
    assert list(features) == layers
    with torch.no_grad():
        expected = plain(network, (images - torch.tensor(_MEAN).view(3, 1, 1)) / torch.tensor(_STD).view(3, 1, 1))
    for layer in layers:
        torch.testing.assert_close(features[layer], expected[layer], rtol=1e-4, atol=1e-5)


def test_statistics__imagenet_where_the_file_has_none(tmp_path: Path) -> None:
    write_weights(tmp_path / "net.safetensors", _network("vgg11").state_dict(), {})
    encoder, _ = load_encoder(find_network("vgg11"), ["relu1_1"], weights=str(tmp_path / "net.safetensors"))
    torch.testing.assert_close(encoder.mean.flatten(), torch.tensor(IMAGENET_MEAN))
    torch.testing.assert_close(encoder.std.flatten(), torch.tensor(IMAGENET_STD))


def test_stops_early__what_is_behind_is_not_loaded(tmp_path: Path) -> None:
    state = build_classifier("resnet18", 10).state_dict()
    front = {
        name: tensor for name, tensor in state.items() if not name.startswith(("layer2", "layer3", "layer4", "fc"))
    }
    path = tmp_path / "net.safetensors"
    write_weights(path, front, {})
    encoder, _ = load_encoder(find_network("resnet18"), ["layer1"], weights=str(path))
    assert encoder(torch.rand(1, 3, 32, 32))["layer1"].shape == (1, 64, 8, 8)
    loaded = {name.removeprefix("network.").split(".")[0] for name, _ in encoder.named_parameters()}
    assert loaded == {"conv1", "layer1"}  # bn1 has become a part of conv1
    with pytest.raises(WeightsMismatchError, match=r"layer2"):
        load_encoder(find_network("resnet18"), ["layer2"], weights=str(path))


def test_stops_early__what_is_behind_never_runs() -> None:
    encoder = _random("resnet18", ["layer1"])

    def must_not_run(*_: object) -> None:
        raise AssertionError("this module is behind the deepest layer")

    for name in ("layer2", "layer4", "avgpool", "fc"):
        encoder.network.get_submodule(name).register_forward_hook(must_not_run)
    encoder(torch.rand(1, 3, 32, 32))


@pytest.mark.parametrize("name", ["resnet18", "vgg11_bn"])
def test_frozen__parameters_stay_and_pixels_get_gradients(name: str) -> None:
    encoder = _random(name, ["stem" if name == "resnet18" else "relu2_1"])
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    images = torch.rand(1, 3, 32, 32, requires_grad=True)
    next(iter(encoder(images).values())).sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_train__stays_in_eval_mode() -> None:
    encoder = _random("resnet18", ["layer1"])
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    wrapped = nn.Sequential(encoder)
    wrapped.train()
    assert not any(module.training for module in encoder.modules())
    encoder(torch.rand(2, 3, 32, 32))
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@pytest.mark.parametrize(
    ("name", "layers"),
    [("vgg11", ["conv1_1", "conv2_1", "relu2_1"]), ("resnet18", ["conv1", "bn1", "layer1.0.conv1", "layer2"])],
)
def test_convolution__not_overwritten_by_its_relu(name: str, layers: list[str]) -> None:
    features = _random(name, layers)(torch.rand(1, 3, 48, 48))
    assert all(features[layer].min() < 0 for layer in layers[:-1])
    if name == "vgg11":
        torch.testing.assert_close(features["conv2_1"].relu(), features["relu2_1"])


@pytest.mark.parametrize("layer", ["layer1.0.relu", "layer1.0.bn2", "conv1", "bn1"])
def test_module_path__the_same_features_whatever_else_is_asked_for(layer: str) -> None:
    images = torch.rand(1, 3, 48, 48)
    alone = _random("resnet18", [layer])(images)[layer]
    among_others = _random("resnet18", ["stem", layer, "layer2"])(images)
    torch.testing.assert_close(among_others[layer], alone)
    torch.testing.assert_close(among_others["layer2"], _random("resnet18", ["layer2"])(images)["layer2"])


def test_hooks_are_gone_after_an_error() -> None:
    encoder = _random("vgg11", ["relu1_1"])
    with pytest.raises(RuntimeError):
        encoder(torch.rand(1, 4, 32, 32))
    assert not any(module._forward_hooks for module in encoder.modules())


def test_batch_equals_singles() -> None:
    encoder, images = _random("resnet18", ["layer2"], surgery=Surgery()), torch.rand(3, 3, 40, 40)
    together = encoder(images)["layer2"]
    for index in range(3):
        torch.testing.assert_close(together[[index]], encoder(images[[index]])["layer2"], rtol=1e-4, atol=1e-5)


def test_random__reproducible_by_seed() -> None:
    images = torch.rand(1, 3, 32, 32)
    first, again, other = (_random("resnet18", ["layer1"], seed)(images)["layer1"] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert first.isfinite().all()


def test_wrong_architecture(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    state = _network("vgg11").state_dict()
    write_weights(path, state, {})
    with pytest.raises(WeightsMismatchError, match=r"net\.safetensors.*tensors are missing.*--encoder"):
        load_encoder(find_network("resnet18"), ["layer1"], weights=str(path))
    write_weights(path, {**state, "features.3.weight": torch.zeros(2, 3)}, {})
    with pytest.raises(WeightsMismatchError, match=r"features\.3\.weight is \(2, 3\), the network wants \(128, 64"):
        load_encoder(find_network("vgg11"), ["relu2_1"], weights=str(path))


def test_unknown_layer_and_missing_file() -> None:
    with pytest.raises(UnknownNameError, match="layer9"):
        load_encoder(find_network("resnet18"), ["layer9"], weights="random")
    with pytest.raises(MissingPathError, match=r"nowhere\.pth"):
        load_encoder(find_network("resnet18"), ["layer1"], weights="nowhere.pth")


@pytest.mark.parametrize(("normalization", "red"), [("own", 0.485), ("restricted_imagenet", 0.4717)])
def test_normalization__others_than_the_networks_own(normalization: str, red: float) -> None:
    encoder, _ = load_encoder(find_network("vgg11"), ["relu1_1"], weights="random", normalization=normalization)
    assert encoder.mean[0, 0, 0, 0].item() == pytest.approx(red)
    image = torch.rand(1, 3, 8, 8)
    same, _ = load_encoder(find_network("vgg11"), ["relu1_1"], weights="random")
    seen = (image - encoder.mean) / encoder.std
    torch.testing.assert_close(encoder(image)["relu1_1"], same(seen * same.std + same.mean)["relu1_1"])


@pytest.mark.parametrize("name", ["vgg11", "resnet18"])
def test_keep__of_other_layers_the_shape_alone(name: str) -> None:
    layers = list(style_layers(find_network(name)))
    encoder, _ = load_encoder(find_network(name), layers, weights="random")
    image = torch.rand(1, 3, 64, 48)
    whole, some = encoder(image), encoder(image, layers[1:2])
    assert [features.is_meta for features in some.values()] == [layer != layers[1] for layer in layers]
    assert torch.equal(some[layers[1]], whole[layers[1]])
    assert {layer: one.shape for layer, one in some.items()} == {layer: one.shape for layer, one in whole.items()}


@pytest.mark.parametrize("layers", [["stem"], ["layer1", "layer3"]])
def test_weights_of_another_depth__are_refused(tmp_path: Path, layers: list[str]) -> None:
    """Whether the blocks that are used would fit or not."""
    path = tmp_path / "net.safetensors"
    write_weights(path, _network("resnet34").state_dict(), {})
    with pytest.raises(WeightsMismatchError, match=r"the network has no layer1\.2"):
        load_encoder("resnet18", layers, weights=str(path))
    write_weights(path, _network("resnet18").state_dict(), {"architecture": "resnet18"})
    with pytest.raises(WeightsMismatchError, match="they are of resnet18, and the network is resnet34"):
        load_encoder("resnet34", ["stem"], weights=str(path))
