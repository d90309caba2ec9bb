"""Families of networks: properties that all members share and that the network itself does not contain."""

from dataclasses import dataclass, field
from typing import Any

from rnst.normalization import IMAGENET_MEAN, IMAGENET_STD

HEADS = ("fc", "classifier", "heads", "head")  # names of the head module of a classifier
# Normalizations for weights that need another than their architecture's. The last is that of MadryLab's Restricted
# ImageNet weights.
NORMALIZATIONS = {
    "imagenet": (IMAGENET_MEAN, IMAGENET_STD),
    "restricted_imagenet": ((0.4717, 0.4499, 0.3837), (0.2600, 0.2516, 0.2575)),
}
_HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Family:
    """Networks of one design.

    Attributes:
        title: name in tables.
        prefixes: of the architectures' names.
        style_layers: default style layers; empty means one for each resolution.
        content_layers: default content layers; empty means the last but one of the style layers.
        mean: of each channel of the normalization for torchvision's weights.
        std: of each channel of the normalization for torchvision's weights.
        options: for torchvision's constructor.
        wide_head: the classifier has more parameters than all layers before it.
        stem_pools: pools of the stem that are removed for images of 32 pixels; None if unknown.
        deeper: stages after the style layers, which experiments use, too.
        style_layer_weights: of the default style layers where there is a content; empty means 1 for each.
    """

    title: str
    prefixes: tuple[str, ...]
    style_layers: tuple[str, ...] = ()
    content_layers: tuple[str, ...] = ()
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    options: dict[str, Any] = field(default_factory=dict)
    wide_head: bool = False
    stem_pools: tuple[str, ...] | None = None
    deeper: tuple[str, ...] = ()
    style_layer_weights: tuple[float, ...] = ()


# No auxiliary classifiers, and no initialization, which takes torchvision a minute.
_PLAIN_INCEPTION = {"aux_logits": False, "init_weights": False}
_OTHER = Family("others", ())

FAMILIES = (
    Family(
        "VGG",
        ("vgg",),
        ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),
        ("relu4_2",),
        wide_head=True,
        stem_pools=(),
    ),
    Family(
        "ResNet, Wide ResNet, ResNeXt",
        ("resnet", "wide_resnet", "resnext"),
        ("layer1", "layer2", "layer3"),
        # Chosen over eight pairs: deep layers take edges of the photo for little style.
        style_layer_weights=(3.0, 1.0, 0.3),
        deeper=("layer4",),
        stem_pools=("maxpool",),
    ),
    Family("DenseNet", ("densenet",), stem_pools=("features.pool0",)),
    # The layers of lucid's notebook on style transfer, and conv3 before them.
    Family(
        "GoogLeNet",
        ("googlenet",),
        ("conv3", "inception3a", "inception4a", "inception4b", "inception4c"),
        ("inception3b",),
        _HALF,
        _HALF,
        _PLAIN_INCEPTION,
        stem_pools=("maxpool1",),
    ),
    Family(
        "Inception v3",
        ("inception_v3",),
        mean=_HALF,
        std=_HALF,
        options=_PLAIN_INCEPTION,
        stem_pools=("maxpool1", "maxpool2"),
    ),
    Family(
        "AlexNet",
        ("alexnet",),
        ("relu1_1", "relu2_1", "relu3_1", "relu3_2", "relu3_3"),
        ("relu3_2",),
        wide_head=True,
        stem_pools=(),
    ),
    Family("SqueezeNet", ("squeezenet",)),
    Family("MobileNet", ("mobilenet",)),
    Family("MNASNet", ("mnasnet",)),
    Family("ShuffleNet", ("shufflenet",)),
    Family("EfficientNet", ("efficientnet",)),
    Family("ConvNeXt", ("convnext",)),
    Family("Vision transformer", ("vit_",)),
    Family("Swin transformer", ("swin",)),
)


def family_of(architecture: str) -> Family:
    """The family of an architecture; a family of defaults if no prefix matches."""
    return next((family for family in FAMILIES if architecture.startswith(family.prefixes)), _OTHER)


def is_known(architecture: str) -> bool:
    """Whether the architecture belongs to a family of the table."""
    return family_of(architecture) is not _OTHER


def is_of_head(parameter: str) -> bool:
    """Whether the name of a parameter belongs to a head."""
    head, dot, _ = parameter.partition(".")
    return head in HEADS and dot == "."
