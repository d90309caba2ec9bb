"""The weights that a training starts from: those of a file, with a new head where the classes are others."""

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from rnst.encoders.classifier import weight_file
from rnst.encoders.weights.files import WeightsMismatchError, load_into, read_weights
from rnst.encoders.weights.layouts import Facts, State

_HEADS = ("fc.", "classifier.", "heads.", "head.")


def start_from(network: nn.Module, name: str, classes: Sequence[str]) -> Facts:
    """Load the weights of a file or of a catalog name into `network`.

    The head is loaded where it has this shape and was trained for these classes in this order; else the fresh one
    stays.

    Args:
        network: a classifier with fresh weights.
        name: a weight file, or a name that `rnst models` lists.
        classes: what the logits of `network` stand for.

    Returns:
        The facts of the file.

    Raises:
        MissingPathError, UnknownNameError, DownloadError: there is no such file.
        UnreadableFileError: it is no weight file.
        WeightsMismatchError: it is of another architecture.
    """
    path = weight_file(name)
    state, facts = read_weights(path)
    fresh = network.state_dict()
    _refuse_deeper(fresh, state, path)
    head = {key: tensor for key, tensor in fresh.items() if key.startswith(_HEADS)}
    fits = all(key in state and state[key].shape == tensor.shape for key, tensor in head.items())
    if not fits or tuple(facts.get("classes") or classes) != tuple(classes):
        state = {**{key: tensor for key, tensor in state.items() if not key.startswith(_HEADS)}, **head}
    load_into(network, state, path)
    return facts


def _refuse_deeper(fresh: State, state: State, path: Path) -> None:
    """Refuse a deeper network of the same family, whose first blocks alone would fit: a ResNet-34 for a ResNet-18."""
    parts = {key.partition(".")[0] for key in fresh}
    left_over = [
        key for key in state if key not in fresh and key.partition(".")[0] in parts and not key.startswith(_HEADS)
    ]
    if left_over:
        raise WeightsMismatchError(path, f"the network has no {left_over[0]}")
