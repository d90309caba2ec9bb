"""A classifier from a name or a weight file, including its normalization: images in [0, 1] to logits."""

from collections.abc import Sequence
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
from rnst.encoders.weights.left_over import refuse_left_over
from rnst.errors import InvalidValueError, MissingPathError

_FILE_ENDINGS = (".safetensors", ".pt", ".pth", ".ckpt", ".best", ".latest")


class Classifier(nn.Module):
    """A network preceded by the normalization that its weights were trained with.

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
    """The weight file of a catalog name or a path; a missing file of the catalog is downloaded once.

    Raises:
        MissingPathError: `name` is a path without a file.
        UnknownNameError: `name` is not in the catalog.
        InvalidValueError: `name` is a network of timm.
        DownloadError: the download failed.
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
        name: catalog name, or a weight file.
        architecture: of a file that does not contain it.

    Returns:
        The classifier, and the facts of its file, completed by `architecture`, `mean`, `std` and `logits`.

    Raises:
        InvalidValueError: the architecture is neither given nor in the file.
        UnreadableFileError: the file is not a weight file.
        WeightsMismatchError: the weights are of another architecture.
        MissingPathError, UnknownNameError, DownloadError: see `weight_file`.
    """
    if name.startswith(TIMM):
        return _timm_classifier(name)
    path = weight_file(name)
    state, facts = read_weights(path)
    known = architecture or facts.get("architecture")
    if known is None and name in encoder_names():
        known = find_network(name).architecture
    if known is None:
        wanted = f"given: {path} does not contain it; one of {', '.join(ARCHITECTURES)}"
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
    """A network of timm with the weights and the head that timm downloads."""
    check_timm_name(name)
    network = build_timm(name, pretrained=True, classes=None)
    mean, std = timm_statistics(name)
    logits = network.get_classifier().out_features  # type: ignore[operator] # every classifier of timm has this method
    return _with_facts(network, {"mean": list(mean), "std": list(std), "architecture": name, "logits": logits})


def _with_facts(network: nn.Module, facts: Facts) -> tuple[Classifier, Facts]:
    classifier = Classifier(network, facts["mean"], facts["std"])
    return classifier.eval().to(memory_format=torch.channels_last), facts


def _row(name: str, architecture: str) -> Network:
    """The catalog entry of a name; for a file, an entry with only its architecture."""
    return find_network(name) if name in encoder_names() else Network(name, architecture, "file", "", "")


def _logits(architecture: str, state: State) -> int | None:
    """Number of classes of the head in `state`; a network may have a different head for 1000 classes than for few."""
    for classes in (1000, 2):
        with torch.device("meta"):
            one, other = (build_classifier(architecture, number).state_dict() for number in (classes, classes + 1))
        head = [name for name in one if name not in other or one[name].shape != other[name].shape][-1]
        if head in state and (classes == len(state[head]) or classes == 2):  # noqa: PLR2004 - any small number
            return len(state[head])
    return None
