"""Which networks there are: name, how to build them, where their weights come from, which layers to look at."""

from dataclasses import dataclass
from pathlib import Path

import torch
import torchvision
from torch import nn

from rnst.encoders.published import PUBLISHED
from rnst.errors import UnknownNameError

_ROOT = Path(__file__).parents[2]
_BUNDLED_FOLDERS = (_ROOT / "checkpoints", _ROOT / "rnst" / "bundled" / "checkpoints")

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# ResNet-50 with wider blocks, which torchvision lacks (Zagoruyko and Komodakis 2016) -> channels of the first block.
_WIDTHS = {"wide_resnet50_4": 256}

_RESNET_STYLE = ("layer1", "layer2", "layer3", "layer4")
_RESNET_CONTENT = ("layer3",)
_VGG_STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
_VGG_CONTENT = ("relu4_2",)
# Style layers of the other published architectures, one for each resolution; the last but one keeps the content.
_OTHER_LAYERS = {
    "densenet161": ("features.relu0", *(f"features.denseblock{number}" for number in (1, 2, 3, 4))),
    "mnasnet1_0": ("layers.7", "layers.8", "layers.9", "layers.11", "layers.13"),
    "mobilenet_v2": ("features.1", "features.3", "features.6", "features.13", "features.17"),
    "shufflenet_v2_x1_0": ("conv1", "stage2", "stage3", "stage4"),
}


@dataclass(frozen=True)
class Network:
    """One row of the catalog.

    Attributes:
        name: what `--encoder` takes.
        architecture: torchvision's name of the network.
        source: "bundled" (a file in checkpoints/), "published" or "torchvision" (downloaded once, checked by hash).
        licence: of the weights.
        description: one line for `rnst models`.
    """

    name: str
    architecture: str
    source: str
    licence: str
    description: str

    @property
    def bundled_file(self) -> Path | None:
        """The weight file that comes with the project, or None."""
        if self.source != "bundled":
            return None
        candidates = [folder / f"{self.name}.safetensors" for folder in _BUNDLED_FOLDERS]
        return next((path for path in candidates if path.is_file()), candidates[0])

    @property
    def style_layers(self) -> tuple[str, ...]:
        """Layers whose statistics make a good style."""
        if self.architecture in _OTHER_LAYERS:
            return _OTHER_LAYERS[self.architecture]
        return _RESNET_STYLE if _is_resnet(self.architecture) else _VGG_STYLE

    @property
    def content_layers(self) -> tuple[str, ...]:
        """Layers whose features keep the content readable."""
        if self.architecture in _OTHER_LAYERS:
            return _OTHER_LAYERS[self.architecture][-2:-1]
        return _RESNET_CONTENT if _is_resnet(self.architecture) else _VGG_CONTENT


_IMAGENETTE_LICENCE = "weights MIT; trained on Imagenette, a research-only subset of ImageNet"

BUNDLED = {
    network.name: network
    for network in (
        Network(
            "resnet18_robust",
            "resnet18",
            "bundled",
            _IMAGENETTE_LICENCE,
            "ResNet-18, adversarially trained on Imagenette (L2 radius 1.8 at 128 px)",
        ),
        Network(
            "resnet18_standard",
            "resnet18",
            "bundled",
            _IMAGENETTE_LICENCE,
            "ResNet-18, ordinary training on the same photos",
        ),
    )
}

DEFAULT_ENCODER = "resnet18_robust"


def encoder_names() -> list[str]:
    """All names that `--encoder` takes, the bundled networks first."""
    return [*BUNDLED, *PUBLISHED, *(name for name in _torchvision_names() if _is_resnet(name) or _is_vgg(name))]


def find_network(name: str) -> Network:
    """The catalog's row of `name`.

    Raises:
        UnknownNameError: no such network.
    """
    if name in BUNDLED:
        return BUNDLED[name]
    if name in PUBLISHED:
        row = PUBLISHED[name]
        return Network(name, row.architecture, "published", row.licence, row.description)
    if name not in encoder_names():
        others = [other for other in encoder_names() if other not in PUBLISHED]
        raise UnknownNameError("encoder", name, [*others, "or a published one as resnet50_l2_eps3 (see rnst models)"])
    return Network(name, name, "torchvision", "BSD-3-Clause", "torchvision's ImageNet weights (IMAGENET1K_V1)")


def architectures() -> list[str]:
    """Names of all classifiers that can be built: torchvision's, and those of published weights that it lacks."""
    return [*_torchvision_names(), *_WIDTHS]


def build_classifier(architecture: str, classes: int) -> nn.Module:
    """A torchvision classifier with fresh random weights.

    Args:
        architecture: torchvision's name.
        classes: number of logits.

    Raises:
        UnknownNameError: torchvision has no such classifier.
    """
    if architecture not in architectures():
        raise UnknownNameError("architecture", architecture, architectures())
    options = {"weights": None, "num_classes": classes}
    if architecture in _WIDTHS:
        options["width_per_group"] = _WIDTHS[architecture]
        architecture = "resnet50"
    network: nn.Module = torchvision.models.get_model(architecture, **options)
    return network


def build_headless(architecture: str) -> nn.Module:
    """A classifier without its head and without memory: its parameters are on the meta device."""
    with torch.device("meta"):
        network = build_classifier(architecture, 1)
    for head in ("fc", "classifier"):
        if hasattr(network, head):
            setattr(network, head, nn.Identity())
    return network


def weights_address(network: Network) -> tuple[str, str]:
    """Where to fetch the weights of a network that is not bundled, and their sha256 ("" where it is not known).

    Of torchvision's weights the first ImageNet ones are meant, those that the article used. The name of such a file
    carries the first digits of its hash.
    """
    if network.name in PUBLISHED:
        return PUBLISHED[network.name].url, PUBLISHED[network.name].sha256
    url: str = torchvision.models.get_model_weights(network.architecture)["IMAGENET1K_V1"].url
    return url, ""


def _torchvision_names() -> list[str]:
    names: list[str] = torchvision.models.list_models(module=torchvision.models)
    return names


def _is_resnet(name: str) -> bool:
    return name.startswith(("resnet", "wide_resnet", "resnext"))


def _is_vgg(name: str) -> bool:
    return name.startswith("vgg")
