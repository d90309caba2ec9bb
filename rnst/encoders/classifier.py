"""A whole classifier from a name or a weight file, with its own normalization: images in [0, 1] to logits."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from rnst.encoders.catalog import build_classifier, input_statistics
from rnst.encoders.encoder import weights_file
from rnst.encoders.names import ARCHITECTURES, TIMM, Network, encoder_names, find_network
from rnst.encoders.timm_networks import build_timm, check_timm_name, timm_statistics
from rnst.encoders.weights.efficientnet_names import timm_names
from rnst.encoders.weights.files import WeightsMismatchError, load_into, read_weights
from rnst.encoders.weights.layouts import Facts, State
from rnst.errors import InvalidValueError, MissingPathError

HEADS = ("fc.", "classifier.", "heads.", "head.")  # how the names of a head's parameters begin
_FILE_ENDINGS = (".safetensors", ".pt", ".pth", ".ckpt", ".best", ".latest")


class Classifier(nn.Module):
    """A network behind the normalization that its weights were trained with.

    Args:
        network: normalized images (N, 3, H, W) to logits (N, K).
        mean: of each channel of images in [0, 1].
        std: of each channel.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, K) of images (N, 3, H, W) in [0, 1]."""
        logits: Tensor = self.network((images - self.mean) / self.std)
        return logits


def weight_file(name: str) -> Path:
    """The file that a name of the catalog, or a path, stands for; downloaded once where it is not here.

    Raises:
        MissingPathError: it looks like a file, and is not there.
        UnknownNameError: it looks like a name, and there is none such.
        DownloadError: it cannot be fetched.
    """
    path = Path(name)
    if path.is_file():
        return path
    if name not in encoder_names() and (path.suffix in _FILE_ENDINGS or path.name != name):
        raise MissingPathError(path, "weight file", "Give a file, or a name that rnst models lists.")
    network = find_network(name)
    if network.source == "timm":
        raise InvalidValueError("the network", name, "one of torchvision's, or a weight file")
    return weights_file(network)


def load_classifier(name: str, *, architecture: str | None = None) -> tuple[Classifier, Facts]:
    """Build and load a classifier in eval mode, channels last.

    Args:
        name: of the catalog, or a weight file.
        architecture: of a file that does not say it.

    Returns:
        The classifier, and the facts of its file, completed by `architecture`, `mean`, `std` and `logits`.

    Raises:
        InvalidValueError: the file does not say its architecture, and nobody else does.
        MissingPathError, UnknownNameError, UnreadableFileError, WeightsMismatchError, DownloadError: see above.
    """
    if name.startswith(TIMM):
        return _timm_classifier(name)
    path = weight_file(name)
    state, facts = read_weights(path)
    known = architecture or facts.get("architecture")
    if known is None and name in encoder_names():
        known = find_network(name).architecture
    if known is None:
        wanted = f"given: {path} does not say which network it is; one of {', '.join(ARCHITECTURES)}"
        raise InvalidValueError("--architecture", architecture, wanted)
    with torch.device("meta"):
        state = timm_names(state, build_classifier(known, 1).state_dict())
    logits = _logits(known, state)
    if logits is None:
        raise WeightsMismatchError(path, f"it has no head of {known}")
    network = build_classifier(known, logits)
    refuse_left_over(network.state_dict(), state, path)
    load_into(network, state, path)
    mean, std = input_statistics(_row(name, known))
    return _with_facts(
        network, {"mean": list(mean), "std": list(std), **facts, "architecture": known, "logits": logits}
    )


def _timm_classifier(name: str) -> tuple[Classifier, Facts]:
    """A network of timm with the weights and the head that timm fetches for it."""
    check_timm_name(name)
    network = build_timm(name, pretrained=True, classes=None)
    mean, std = timm_statistics(name)
    logits = network.get_classifier().out_features  # type: ignore[operator] # every classifier of timm has this method
    return _with_facts(network, {"mean": list(mean), "std": list(std), "architecture": name, "logits": logits})


def _with_facts(network: nn.Module, facts: Facts) -> tuple[Classifier, Facts]:
    classifier = Classifier(network, facts["mean"], facts["std"])
    return classifier.eval().to(memory_format=torch.channels_last), facts


def refuse_left_over(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor], path: Path) -> None:
    """Refuse the weights of a deeper network of the same family, whose first blocks alone would fit.

    Args:
        wanted: parameter name -> tensor of the whole classifier.
        state: parameter name -> tensor of the file; parts that the classifier does not have at all may be there.
        path: of the file.

    Raises:
        WeightsMismatchError: it is another architecture, as a ResNet-34 is for a ResNet-18.
    """
    parts = {name.partition(".")[0] for name in wanted}
    for name in state:
        if name not in wanted and name.partition(".")[0] in parts and not name.startswith(HEADS):
            raise WeightsMismatchError(path, f"the network has no {name}")


def _row(name: str, architecture: str) -> Network:
    """The catalog's row of a name; of a file, one that says no more than its architecture."""
    return find_network(name) if name in encoder_names() else Network(name, architecture, "file", "", "")


def _logits(architecture: str, state: State) -> int | None:
    """How many classes the head in `state` tells apart; with 1000 a network may have another head than with few."""
    for classes in (1000, 2):
        with torch.device("meta"):
            one, other = (build_classifier(architecture, number).state_dict() for number in (classes, classes + 1))
        head = [name for name in one if name not in other or one[name].shape != other[name].shape][-1]
        if head in state and (classes == len(state[head]) or classes == 2):  # noqa: PLR2004 - any small number
            return len(state[head])
    return None
