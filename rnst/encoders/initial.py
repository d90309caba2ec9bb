"""Initial weights of a training: those of a file, with a new head for other classes."""

from collections.abc import Sequence

from torch import nn

from rnst.encoders.catalog import input_statistics
from rnst.encoders.classifier import weight_file
from rnst.encoders.families import is_of_head
from rnst.encoders.names import encoder_names, find_network
from rnst.encoders.weights.files import load_into, read_weights
from rnst.encoders.weights.layouts import Facts
from rnst.encoders.weights.left_over import refuse_left_over


def start_from(network: nn.Module, name: str, classes: Sequence[str]) -> Facts:
    """Load the weights of a file or of a catalog name into `network`.

    The head is loaded if it has the same shape and was trained for the same classes in the same order; otherwise the
    fresh head is kept.

    Args:
        network: a classifier with fresh weights.
        name: a weight file, or a name that `rnst models` lists.
        classes: names of the classes of `network`, in the order of its logits.

    Returns:
        The facts of the file; for a name, also the mean and standard deviation of its normalization.

    Raises:
        MissingPathError, UnknownNameError, DownloadError: see `weight_file`.
        UnreadableFileError: the file is not a weight file.
        WeightsMismatchError: the weights are of another architecture.
    """
    path = weight_file(name)
    state, facts = read_weights(path)
    fresh = network.state_dict()
    refuse_left_over(fresh, state, path)
    head = {key: tensor for key, tensor in fresh.items() if is_of_head(key)}
    fits = all(key in state and state[key].shape == tensor.shape for key, tensor in head.items())
    if not fits or tuple(facts.get("classes") or classes) != tuple(classes):
        state = {**{key: tensor for key, tensor in state.items() if not is_of_head(key)}, **head}
    load_into(network, state, path)
    if name in encoder_names():
        mean, std = input_statistics(find_network(name))
        return {"mean": list(mean), "std": list(std), **facts}
    return facts
