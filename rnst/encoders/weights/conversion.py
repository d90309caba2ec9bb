"""Conversion of weight files: facts from their metadata, their tensors, and the list of published files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from rnst.encoders.catalog import build_headless, input_statistics
from rnst.encoders.families import family_of, is_of_head
from rnst.encoders.names import ARCHITECTURES, Network
from rnst.encoders.published import PUBLISHED, PublishedWeights
from rnst.encoders.weights.files import load_into, read_weights, sha256_of
from rnst.encoders.weights.layouts import Facts, State
from rnst.encoders.weights.left_over import refuse_left_over
from rnst.errors import InvalidValueError
from rnst.normalization import IMAGENET_MEAN

_USUAL = ("alexnet", "densenet", "resnet", "resnext", "vgg", "wide_resnet")  # to try them all takes half a minute
_COUNTER = "num_batches_tracked"


def read_with_facts(path: Path, architecture: str | None = None, row: Network | None = None) -> tuple[State, Facts]:
    """Weights of any layout, with all that can be known of them.

    Args:
        path: a file that `read_weights` reads.
        architecture: name that `build_classifier` takes, also where the file states another one; None takes the file's
            word, or what its tensors show.
        row: of the catalog, if the file is that of a network there.

    Returns:
        Names of the bare network -> tensors, and facts: at least "architecture", "mean" and "std".

    Raises:
        InvalidValueError: the architecture is unknown.
        WeightsMismatchError: the tensors do not fit it.
    """
    state, stated = read_weights(path)
    published = find_published(path)
    named = row or published
    known = architecture or stated.get("architecture") or (named.architecture if named else recognize(state))
    if known is None:
        wanted = "named: the file does not state it, and its tensors match none of the networks that are recognized"
        raise InvalidValueError("--architecture", architecture, wanted)
    network = build_headless(known)
    refuse_left_over(network.state_dict(), state, path)
    load_into(network, state, path)
    mean, std = input_statistics(row or Network(path.name, known, "file", "", ""))
    assumed = "ImageNet's" if tuple(mean) == IMAGENET_MEAN else f"that of {known}"
    facts: Facts = {
        "mean": list(mean),
        "std": list(std),
        "normalization": "of the file" if "mean" in stated else f"assumed to be {assumed}",
        **(_facts_of(published) if published else {}),
        **stated,
        "architecture": known,
        "converted_from": {"file": path.name, "sha256": sha256_of(path)},
    }
    return state, facts


def recognize(state: Mapping[str, Tensor]) -> str | None:
    """The architecture whose layers have these names and shapes, its head aside; None where there is none."""
    shapes = {name: tensor.shape for name, tensor in state.items() if not name.endswith(_COUNTER)}
    body = {name: shape for name, shape in shapes.items() if not is_of_head(name)}
    is_resnet = "layer1.0.conv1.weight" in body
    published = [row.architecture for row in PUBLISHED.values()]
    usual = [name for name in ARCHITECTURES if name.startswith(_USUAL)]
    for architecture in dict.fromkeys([*published, *usual]):
        if is_resnet != family_of(architecture).title.startswith("ResNet"):
            continue
        wanted = build_headless(architecture).state_dict()
        if body == {name: tensor.shape for name, tensor in wanted.items() if not name.endswith(_COUNTER)}:
            return architecture
    return None


def count_classes(state: Mapping[str, Tensor]) -> int | None:
    """Number of logits; None where the head is not there."""
    heads = [tensor for name, tensor in state.items() if is_of_head(name) and name.endswith(".weight")]
    return heads[-1].shape[0] if heads else None


def find_published(path: Path) -> PublishedWeights | None:
    """The row of a file that others published: by its hash; by its name alone where no hash is known."""
    rows = [row for row in PUBLISHED.values() if row.file == path.name]
    if any(row.sha256 for row in rows) or not rows:
        found = sha256_of(path)
        rows = [row for row in PUBLISHED.values() if row.sha256 == found]
    return rows[0] if rows else None


def _facts_of(published: PublishedWeights) -> dict[str, Any]:
    """What a weight file of ours records of a published one."""
    return {
        "data": published.data,
        "norm": published.norm,
        "radius": published.radius,
        "accuracy_clean_as_published": published.accuracy,
        "source": published.url,
        "licence": published.licence,
    }
