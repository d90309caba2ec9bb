"""Weights of another network, whose first blocks alone would fit."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from torch import Tensor

from rnst.encoders.families import is_of_head
from rnst.encoders.weights.files import WeightsMismatchError

# Tables of transformers that older releases of timm stored, and newer ones compute.
_COMPUTED = ("attn_mask", "attention_bias_idxs", "relative_coords_table", "relative_position_index")


def refuse_left_over(wanted: Iterable[str], state: Mapping[str, Tensor], path: Path) -> None:
    """Reject the weights of a deeper network of the same family, whose first blocks would fit.

    Args:
        wanted: names of the parameters of the whole network, with or without its head.
        state: parameter name -> tensor of the file; a head, and top-level modules that the network lacks, are allowed.
        path: of the file.

    Raises:
        WeightsMismatchError: the file is of another architecture, such as a ResNet-34 for a ResNet-18.
    """
    known = set(wanted)
    parts = {name.partition(".")[0] for name in known}
    for name in state:
        is_allowed = name in known or is_of_head(name) or name.endswith(_COMPUTED)
        if not is_allowed and name.partition(".")[0] in parts:
            raise WeightsMismatchError(path, f"the network has no {name}")
