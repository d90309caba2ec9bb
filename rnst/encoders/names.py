"""Which networks there are: names, where their weights come from, in words. Imports no torch, so that help is quick."""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from rnst.encoders.families import is_known
from rnst.encoders.published import PUBLISHED
from rnst.errors import UnknownNameError
from rnst.files import shipped_folders

TIMM = "timm/"
OWN = "own"  # weights that belong to the encoder
RANDOM = "random"  # weights of an encoder that is not trained
SMALL = "_32px"  # ending of the name of a network for pictures of 32 pixels

_BUNDLED_FOLDERS = shipped_folders("checkpoints")
_CLOSE_NAMES = 5

# What torchvision.models.list_models(module=torchvision.models) returns; a test compares both.
_TORCHVISION = """
alexnet convnext_base convnext_large convnext_small convnext_tiny densenet121 densenet161 densenet169 densenet201
efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_b5 efficientnet_b6
efficientnet_b7 efficientnet_v2_l efficientnet_v2_m efficientnet_v2_s googlenet inception_v3 maxvit_t mnasnet0_5
mnasnet0_75 mnasnet1_0 mnasnet1_3 mobilenet_v2 mobilenet_v3_large mobilenet_v3_small regnet_x_16gf regnet_x_1_6gf
regnet_x_32gf regnet_x_3_2gf regnet_x_400mf regnet_x_800mf regnet_x_8gf regnet_y_128gf regnet_y_16gf regnet_y_1_6gf
regnet_y_32gf regnet_y_3_2gf regnet_y_400mf regnet_y_800mf regnet_y_8gf resnet101 resnet152 resnet18 resnet34
resnet50 resnext101_32x8d resnext101_64x4d resnext50_32x4d shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5
shufflenet_v2_x2_0 squeezenet1_0 squeezenet1_1 swin_b swin_s swin_t swin_v2_b swin_v2_s swin_v2_t vgg11 vgg11_bn
vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn vit_b_16 vit_b_32 vit_h_14 vit_l_16 vit_l_32 wide_resnet101_2
wide_resnet50_2
"""
TORCHVISION_NAMES = tuple(_TORCHVISION.split())
# ResNet-50 with wider blocks, which torchvision lacks (Zagoruyko and Komodakis 2016) -> channels of the first block.
WIDE_RESNETS = {"wide_resnet50_4": 256}
TINY_NAMES = ("tiny_resnet", "tiny_vgg", "tiny_vgg_bn")
ARCHITECTURES = (*TORCHVISION_NAMES, *WIDE_RESNETS, *TINY_NAMES)
"""All classifiers that can be built: torchvision's, those of published weights that it lacks, tiny ones."""


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


_BUNDLED_LICENCE = "weights MIT; trained on photos for research use, Imagenette among them"

BUNDLED = {
    name: Network(name, architecture, "bundled", _BUNDLED_LICENCE, description)
    for name, architecture, description in (
        ("resnet18_robust", "resnet18", "ResNet-18 of 1000 classes, adversarially trained (L2 radius 3 at 224 px)"),
        ("resnet18_standard", "resnet18", "ResNet-18 of 1000 classes, standard training on the same photos"),
        ("resnet50_robust", "resnet50", "ResNet-50, adversarially trained on Imagenette (L2 radius 3 at 224 px)"),
        ("resnet50_standard", "resnet50", "ResNet-50, standard training on Imagenette"),
        ("vgg16_standard", "vgg16_bn", "VGG-16 with BatchNorm, standard training on Imagenette: the control"),
    )
}

_OTHER_TRAINING = {"robust": "standard", "standard": "robust"}
DEFAULT_ENCODER = "resnet18_robust"


def encoder_names() -> list[str]:
    """All names that `--encoder` takes, the bundled networks first; beside them, timm/NAME is for those of timm."""
    return [*BUNDLED, *PUBLISHED, *(name for name in TORCHVISION_NAMES if is_known(name))]


def find_network(name: str) -> Network:
    """The catalog's row of `name`. A name of timm is checked where that network is built.

    Raises:
        UnknownNameError: no such network.
    """
    if name in BUNDLED:
        return BUNDLED[name]
    if name in PUBLISHED:
        row = PUBLISHED[name]
        return Network(name, row.architecture, "published", row.licence, row.description)
    if name.startswith(TIMM):
        return Network(name, name, "timm", "see the card of the model", "weights of timm")
    if name not in encoder_names():
        raise UnknownNameError("encoder", name, _some_names(name))
    return Network(name, name, "torchvision", "BSD-3-Clause", "torchvision's ImageNet weights (IMAGENET1K_V1)")


def counterpart_of(name: str) -> str:
    """The counterpart of a bundled network: standard for robust, robust for standard, of the same architecture.

    Raises:
        UnknownNameError: the network is not bundled.
    """
    shape, _, training = name.rpartition("_")
    other = f"{shape}_{_OTHER_TRAINING.get(training, '')}"
    if name in BUNDLED and other in BUNDLED:
        return other
    raise UnknownNameError("encoder with a counterpart", name, [*BUNDLED, "or name the other one as --compare ENCODER"])


def _some_names(name: str) -> list[str]:
    """Suggestions instead of a hundred names: the bundled ones, and the nearest."""
    close = get_close_matches(name, [*encoder_names(), *ARCHITECTURES], _CLOSE_NAMES, cutoff=0.4)
    return [*dict.fromkeys([*BUNDLED, *close]), "timm/NAME; `rnst models` lists all"]
