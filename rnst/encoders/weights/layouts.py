"""Layouts of checkpoints: where the weights are, prefixes of their names, the normalization."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from rnst.encoders.weights.safe_pickle import StoredTensor
from rnst.errors import RnstError

FACTS_KEY = "rnst"
# Where trainers put the weights: MadryLab since 2019; Lightning, torchvision's references and older MadryLab files.
_STATE_KEYS = ("model", "state_dict", "model_state_dict")
# What wrappers put before every name: DataParallel, wrappers of a network, torch.compile, our own training task.
_PREFIXES = ("module.", "model.", "network.", "_orig_mod.")
_MADRYLAB_PARTS = ("normalizer.", "attacker.")
_CHANNELS = 3

Facts = dict[str, Any]
State = dict[str, Tensor]


class LayoutError(RnstError):
    """A file holds no weights in any layout that is known."""


def find_state(content: object) -> tuple[dict[str, Any], object]:
    """Names -> `Tensor`s, or `StoredTensor`s, of a checkpoint, and what one of ours holds as its facts.

    Args:
        content: what was saved.

    Raises:
        LayoutError: there is no dictionary of tensors in it.
    """
    if not isinstance(content, dict):
        raise LayoutError("it holds no dictionary of tensors")
    state = next((content[key] for key in _STATE_KEYS if isinstance(content.get(key), dict)), content)
    if not state:
        raise LayoutError("it holds no dictionary of tensors")
    for name, tensor in state.items():
        if not isinstance(name, str):
            raise LayoutError("it holds no dictionary of tensors; one of its keys is no text")
        if not isinstance(tensor, Tensor | StoredTensor):
            raise LayoutError(f"it holds no dictionary of tensors; {name[:60]!r} is something else")
    return state, {} if state is content else content.get(FACTS_KEY, {})


def plain_names(state: Mapping[str, Tensor]) -> tuple[State, Facts]:
    """Weights by the names that the bare network gives them, and the normalization where the file has one.

    MadryLab's wrapper holds the network twice, as `model` and inside `attacker`, and the mean and standard deviation
    of its training images as `normalizer` (Engstrom et al. 2019, the `robustness` package).

    Raises:
        LayoutError: there are no weights, the two copies differ, or the normalization makes no sense.
    """
    names = dict(state)
    if all(name.startswith("module.") for name in names):
        names = _without("module.", names)
    if any(name.startswith("network.") for name in names):  # a Lightning checkpoint of ours may hold more
        names = _without("network.", names)
    facts: Facts = {}
    if any(name.startswith(_MADRYLAB_PARTS) for name in names):
        facts = _normalization(names)
        names = _one_copy(names)
    if not names:
        raise LayoutError("it holds no weights of a network")
    while prefix := next((prefix for prefix in _PREFIXES if all(name.startswith(prefix) for name in names)), None):
        names = _without(prefix, names)
    return names, facts


def is_whole(tensor: Tensor) -> bool:
    """Whether the file holds each number of a tensor; of one that was expanded it holds fewer."""
    is_dense = tensor.layout == torch.strided
    return is_dense and tensor.numel() * tensor.itemsize <= tensor.untyped_storage().nbytes()


def madrylab(state: Mapping[str, Tensor], facts: Mapping[str, Any]) -> dict[str, Any]:
    """What MadryLab's `robustness` package writes of a network: `make_and_restore_model` reads it.

    Args:
        state: weights by the names of the bare network.
        facts: with "mean" and "std"; all of them travel along under a key that `robustness` ignores.
    """
    complete = dict(state)
    for name in state:
        if name.endswith(".running_var"):  # that package loads strictly, and files may lack the counters
            complete.setdefault(f"{name.removesuffix('running_var')}num_batches_tracked", torch.tensor(0))
    normalization = {
        f"new_{key}": torch.tensor(facts[key], dtype=torch.float32).view(_CHANNELS, 1, 1) for key in ("mean", "std")
    }
    wrapped = {
        **_behind("normalizer.", normalization),
        **_behind("model.", complete),
        **_behind("attacker.normalize.", normalization),
        **_behind("attacker.model.", complete),
    }
    return {
        "model": _behind("module.", wrapped),
        "optimizer": {},
        "schedule": None,
        "epoch": int(facts.get("epochs", 0)),
        "amp": None,
        FACTS_KEY: dict(facts),
    }


def _without(prefix: str, names: Mapping[str, Tensor]) -> State:
    return {name.removeprefix(prefix): tensor for name, tensor in names.items() if name.startswith(prefix)}


def _behind(prefix: str, names: Mapping[str, Tensor]) -> State:
    return {f"{prefix}{name}": tensor for name, tensor in names.items()}


def _one_copy(names: State) -> State:
    """The network of MadryLab's wrapper."""
    own, attacked = _without("model.", names), _without("attacker.model.", names)
    for name in own.keys() & attacked.keys():
        # Numbers that are claimed and not there would take hours; such a tensor is refused later.
        if is_whole(own[name]) and not torch.equal(own[name], attacked[name]):
            raise LayoutError(f"its two copies of the weights differ; {name} is one place")
    return own or attacked


def _normalization(names: State) -> Facts:
    """Mean and standard deviation of each channel."""
    for place in ("normalizer.", "attacker.normalize."):
        mean, std = names.get(f"{place}new_mean"), names.get(f"{place}new_std")
        if mean is None or std is None:
            continue
        if mean.numel() != _CHANNELS or std.numel() != _CHANNELS or not bool((std.flatten() > 0).all()):
            raise LayoutError("its normalization is not one of three channels")
        # Of a float32 the shortest text that means it: 0.485, not 0.48500001430511475.
        return {
            key: [float(str(value)) for value in given.float().flatten().numpy()]
            for key, given in (("mean", mean), ("std", std))
        }
    return {}
