"""The weights that a training starts from: those of a file, with a new head where the classes are others."""

from collections.abc import Sequence

from torch import nn

from rnst.encoders.catalog import input_statistics
from rnst.encoders.classifier import HEADS, refuse_left_over, weight_file
from rnst.encoders.names import encoder_names, find_network
from rnst.encoders.weights.files import load_into, read_weights
from rnst.encoders.weights.layouts import Facts


def start_from(network: nn.Module, name: str, classes: Sequence[str]) -> Facts:
    """Load the weights of a file or of a catalog name into `network`.

    The head is loaded where it has this shape and was trained for these classes in this order; else the fresh one
    stays.

    Args:
        network: a classifier with fresh weights.
        name: a weight file, or a name that `rnst models` lists.
        classes: what the logits of `network` stand for.

    Returns:
        The facts of the file; for a name, with the mean and standard deviation that its weights belong to.

    Raises:
        MissingPathError, UnknownNameError, DownloadError: there is no such file.
        UnreadableFileError: it is no weight file.
        WeightsMismatchError: it is of another architecture.
    """
    path = weight_file(name)
    state, facts = read_weights(path)
    fresh = network.state_dict()
    refuse_left_over(fresh, state, path)
    head = {key: tensor for key, tensor in fresh.items() if key.startswith(HEADS)}
    fits = all(key in state and state[key].shape == tensor.shape for key, tensor in head.items())
    if not fits or tuple(facts.get("classes") or classes) != tuple(classes):
        state = {**{key: tensor for key, tensor in state.items() if not key.startswith(HEADS)}, **head}
    load_into(network, state, path)
    if name in encoder_names():
        mean, std = input_statistics(find_network(name))
        return {"mean": list(mean), "std": list(std), **facts}
    return facts
