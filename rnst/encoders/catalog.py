"""How the networks of the catalog are built, where their weights are fetched, which layers they are used at."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
import torchvision
from torch import nn

from rnst.encoders.families import HEADS, family_of
from rnst.encoders.layers import default_layers
from rnst.encoders.names import ARCHITECTURES, SMALL, TIMM, WIDE_RESNETS, Network
from rnst.encoders.published import PUBLISHED
from rnst.encoders.surgery.changes import initialize
from rnst.encoders.surgery.relus import out_of_place
from rnst.encoders.surgery.small_pictures import fit_small_pictures
from rnst.encoders.timm_networks import build_timm, timm_statistics
from rnst.encoders.tiny import TINY, build_tiny
from rnst.encoders.tokens import AnySizeTransformer
from rnst.errors import UnknownNameError
from rnst.normalization import IMAGENET_MEAN

_CLASSES_OF_IMAGENET = 1000


def style_layers(network: Network) -> tuple[str, ...]:
    """Layers whose statistics make a good style."""
    return family_of(network.architecture).style_layers or _derived_layers(network.architecture)


def style_layer_weights(network: Network) -> tuple[float, ...]:
    """Weights of `style_layers` in the mean that spare the edges of a content."""
    return family_of(network.architecture).style_layer_weights or (1.0,) * len(style_layers(network))


def stages(network: Network) -> tuple[str, ...]:
    """Style layers, and the stages behind them."""
    return (*style_layers(network), *family_of(network.architecture).deeper)


def content_layers(network: Network) -> tuple[str, ...]:
    """Layers whose features keep the content readable."""
    return family_of(network.architecture).content_layers or style_layers(network)[-2:-1]


def build_classifier(architecture: str, classes: int) -> nn.Module:
    """A torchvision classifier with fresh random weights.

    With 1000 classes it is torchvision's own, so that published weights fit. With any other number, a VGG or an AlexNet
    gets a small head, the mean over positions and one linear layer: theirs, made for 1000 classes, has 120 million
    weights, eight times as many as all before it.

    A name that ends in _32px, as resnet18_32px, is the same network for pictures of 32 pixels: its stem is a 3x3
    convolution of stride 1, without the pool behind it.

    Args:
        architecture: torchvision's name, another one of ARCHITECTURES, or timm/NAME.
        classes: number of logits.

    Raises:
        UnknownNameError: there is no such classifier.
        InvalidValueError: there is, but nobody knows its stem.
    """
    if architecture.startswith(TIMM):
        return build_timm(architecture, classes=classes)
    plain = architecture.removesuffix(SMALL)
    if plain not in ARCHITECTURES:
        raise UnknownNameError("architecture", architecture, ARCHITECTURES)
    network = build_tiny(plain, classes) if plain in TINY else _build(plain, classes)
    if plain != architecture:
        fit_small_pictures(network, architecture, family_of(plain).stem_pools)
    return network


def _build(architecture: str, classes: int) -> nn.Module:
    """A network of torchvision."""
    family = family_of(architecture)
    options = {"weights": None, "num_classes": classes, **family.options}
    if architecture in WIDE_RESNETS:
        options["width_per_group"] = WIDE_RESNETS[architecture]
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
    """A classifier without its head, for pictures of any size.

    Args:
        architecture: torchvision's name, or timm/NAME.
        device: "meta" is without memory; elsewhere the parameters are fresh and random.
    """
    with torch.device(device):
        network = build_timm(architecture) if architecture.startswith(TIMM) else build_classifier(architecture, 1)
    for head in HEADS:
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


def _torchvision_weights(architecture: str) -> Any:
    """The first ImageNet weights; where only fine-tuned ones exist, those for the usual size of pictures."""
    known = torchvision.models.get_model_weights(architecture)
    names = [weights.name for weights in known]
    return known["IMAGENET1K_V1" if "IMAGENET1K_V1" in names else next(name for name in names if "LINEAR" in name)]


@cache
def _derived_layers(architecture: str) -> tuple[str, ...]:
    return default_layers(build_headless(architecture))
