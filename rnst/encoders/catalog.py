"""Which networks there are: name, how to build them, where their weights come from, which layers to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import nn

from rnst.encoders.families import IMAGENET_MEAN, family_of, is_known
from rnst.encoders.layers import default_layers
from rnst.encoders.published import PUBLISHED
from rnst.encoders.surgery.changes import initialize
from rnst.encoders.surgery.relus import out_of_place
from rnst.encoders.surgery.small_pictures import SMALL, fit_small_pictures
from rnst.encoders.timm_networks import TIMM, build_timm, check_timm_name, timm_statistics
from rnst.encoders.tiny import TINY, build_tiny
from rnst.encoders.tokens import AnySizeTransformer
from rnst.errors import UnknownNameError

_ROOT = Path(__file__).parents[2]
_BUNDLED_FOLDERS = (_ROOT / "checkpoints", _ROOT / "rnst" / "bundled" / "checkpoints")

# ResNet-50 with wider blocks, which torchvision lacks (Zagoruyko and Komodakis 2016) -> channels of the first block.
_WIDTHS = {"wide_resnet50_4": 256}

_HEADS = ("fc", "classifier", "heads", "head")
_CLASSES_OF_IMAGENET = 1000
_CLOSE_NAMES = 5


@dataclass(frozen=True)
class Network:
    """One row of the catalog.

    Attributes:
        name: what `--encoder` takes.
        architecture: torchvision's name of the network; timm/NAME for one of that library.
        source: "bundled" (a file in checkpoints/), "published" or "torchvision" (downloaded once, checked by hash), or
            "timm" (downloaded by that library).
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
        return family_of(self.architecture).style_layers or _derived_layers(self.architecture)

    @property
    def stages(self) -> tuple[str, ...]:
        """Style layers, and the stages behind them."""
        return (*self.style_layers, *family_of(self.architecture).deeper)

    @property
    def content_layers(self) -> tuple[str, ...]:
        """Layers whose features keep the content readable."""
        return family_of(self.architecture).content_layers or self.style_layers[-2:-1]


_IMAGENETTE_LICENCE = "weights MIT; trained on Imagenette, a research-only subset of ImageNet"

BUNDLED = {
    name: Network(name, architecture, "bundled", _IMAGENETTE_LICENCE, description)
    for name, architecture, description in (
        ("resnet18_robust", "resnet18", "ResNet-18, adversarially trained on Imagenette (L2 radius 3 at 224 px)"),
        ("resnet18_standard", "resnet18", "ResNet-18, ordinary training on the same photos"),
        ("resnet50_robust", "resnet50", "ResNet-50, adversarially trained on Imagenette (L2 radius 3 at 224 px)"),
        ("resnet50_standard", "resnet50", "ResNet-50, ordinary training on the same photos"),
        ("vgg16_standard", "vgg16_bn", "VGG-16 with BatchNorm, ordinary training on the same photos: the control"),
    )
}

_OTHER_TRAINING = {"robust": "standard", "standard": "robust"}
DEFAULT_ENCODER = "resnet18_robust"


def encoder_names() -> list[str]:
    """All names that `--encoder` takes, the bundled networks first; beside them, timm/NAME is for those of timm."""
    return [*BUNDLED, *PUBLISHED, *(name for name in _torchvision_names() if is_known(name))]


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
    if name.startswith(TIMM):
        check_timm_name(name)
        return Network(name, name, "timm", "see the card of the model", "weights of timm")
    if name not in encoder_names():
        raise UnknownNameError("encoder", name, _some_names(name))
    return Network(name, name, "torchvision", "BSD-3-Clause", "torchvision's ImageNet weights (IMAGENET1K_V1)")


def counterpart_of(name: str) -> str:
    """The bundled network of the same architecture whose weights were trained the other way.

    Raises:
        UnknownNameError: the network is not bundled.
    """
    shape, _, training = name.rpartition("_")
    other = f"{shape}_{_OTHER_TRAINING.get(training, '')}"
    if name in BUNDLED and other in BUNDLED:
        return other
    raise UnknownNameError("encoder with a twin", name, [*BUNDLED, "or name the other one as --compare ENCODER"])


def architectures() -> list[str]:
    """All classifiers that can be built: torchvision's, those of published weights that it lacks, tiny ones."""
    return [*_torchvision_names(), *_WIDTHS, *TINY]


def build_classifier(architecture: str, classes: int) -> nn.Module:
    """A torchvision classifier with fresh random weights.

    With 1000 classes it is torchvision's own, so that published weights fit. With any other number, a VGG or an AlexNet
    gets a small head, the mean over positions and one linear layer: theirs, made for 1000 classes, has 120 million
    weights, eight times as many as all before it.

    A name that ends in _32px, as resnet18_32px, is the same network for pictures of 32 pixels: its stem is a 3x3
    convolution of stride 1, without the pool behind it.

    Args:
        architecture: torchvision's name, another one of `architectures`, or timm/NAME.
        classes: number of logits.

    Raises:
        UnknownNameError: there is no such classifier.
        InvalidValueError: there is, but nobody knows its stem.
    """
    if architecture.startswith(TIMM):
        check_timm_name(architecture)
        return build_timm(architecture, classes=classes)
    plain = architecture.removesuffix(SMALL)
    if plain not in architectures():
        raise UnknownNameError("architecture", architecture, architectures())
    network = build_tiny(plain, classes) if plain in TINY else _build(plain, classes)
    if plain != architecture:
        fit_small_pictures(network, architecture, family_of(plain).stem_pools)
    return network


def _build(architecture: str, classes: int) -> nn.Module:
    """A network of torchvision."""
    family = family_of(architecture)
    options = {"weights": None, "num_classes": classes, **family.options}
    if architecture in _WIDTHS:
        options["width_per_group"] = _WIDTHS[architecture]
        architecture = "resnet50"
    if not family.wide_head or classes == _CLASSES_OF_IMAGENET:
        whole: nn.Module = torchvision.models.get_model(architecture, **options)
        return whole
    with torch.device("meta"):  # the large head takes no time and no memory
        network: nn.Module = torchvision.models.get_model(architecture, **options)
    *_, last = (module for module in network.get_submodule("features").modules() if isinstance(module, nn.Conv2d))
    network.avgpool = nn.AdaptiveAvgPool2d(1)
    network.classifier = nn.Linear(last.out_channels, classes)
    if torch.get_default_device().type != "meta":
        initialize(network.to_empty(device=torch.get_default_device()))
    return network


def build_headless(architecture: str, device: str = "meta") -> nn.Module:
    """A classifier without its head, which can look at pictures of any size.

    Args:
        architecture: torchvision's name, or timm/NAME.
        device: "meta" is without memory; elsewhere the parameters are fresh and random.
    """
    with torch.device(device):
        network = build_timm(architecture) if architecture.startswith(TIMM) else build_classifier(architecture, 1)
    for head in _HEADS:
        if hasattr(network, head):
            setattr(network, head, nn.Identity())
    if isinstance(network, torchvision.models.VisionTransformer):
        network = AnySizeTransformer(network)
    out_of_place(network)
    return network.eval()


def input_statistics(network: Network) -> tuple[Sequence[float], Sequence[float]]:
    """Mean and standard deviation of each channel of the images that the catalog's weights were trained with."""
    if network.architecture.startswith(TIMM):
        return timm_statistics(network.architecture)
    family = family_of(network.architecture)
    if network.source != "torchvision" or family.mean != IMAGENET_MEAN:
        return family.mean, family.std
    preset = _torchvision_weights(network.architecture).transforms()
    return preset.mean, preset.std


def weights_address(network: Network) -> tuple[str, str]:
    """Where to fetch the weights of a network that is not bundled, and their sha256 ("" where it is not known).

    Of torchvision's weights the first ImageNet ones are meant, those that the article used. The name of such a file
    carries the first digits of its hash.
    """
    if network.name in PUBLISHED:
        return PUBLISHED[network.name].url, PUBLISHED[network.name].sha256
    url: str = _torchvision_weights(network.architecture).url
    return url, ""


def _torchvision_names() -> list[str]:
    names: list[str] = torchvision.models.list_models(module=torchvision.models)
    return names


def _torchvision_weights(architecture: str) -> Any:
    """The first ImageNet weights; where only fine-tuned ones exist, those for the usual size of pictures."""
    known = torchvision.models.get_model_weights(architecture)
    names = [weights.name for weights in known]
    return known["IMAGENET1K_V1" if "IMAGENET1K_V1" in names else next(name for name in names if "LINEAR" in name)]


@cache
def _derived_layers(architecture: str) -> tuple[str, ...]:
    return default_layers(build_headless(architecture))


def _some_names(name: str) -> list[str]:
    """What to say instead of a hundred names: the bundled ones, and those most like it."""
    close = get_close_matches(name, [*encoder_names(), *architectures()], _CLOSE_NAMES, cutoff=0.4)
    return [*dict.fromkeys([*BUNDLED, *close]), "timm/NAME; `rnst models` lists all"]
