"""The part of the `robustness` package that can still be imported, as an oracle of tests; rnst itself never imports it.

Its release on PyPI, 1.2.1.post2, is from 2021. `attacker`, `attack_steps`, `model_utils`, `train` and `tools` can be
imported with today's torchvision; `datasets`, `defaults`, `loaders` and `imagenet_models` cannot.
"""

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn


def robustness(module: str) -> ModuleType:
    """One of its modules, such as "attack_steps"; its old spellings warn when they are compiled."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(f"robustness.{module}")


def statistics(mean: Tensor, std: Tensor) -> Any:
    """What its wrappers want to know of a data set, from tensors of 3 values."""
    return SimpleNamespace(mean=mean.flatten(), std=std.flatten())


def attacker_model(network: nn.Module, mean: Tensor, std: Tensor) -> Any:
    """Its wrapper around a network; `model`, `normalizer` and `attacker` lie in it, as in its checkpoints."""
    return robustness("attacker").AttackerModel(network, statistics(mean, std))


@contextmanager
def no_cuda() -> Iterator[None]:
    """Its `.cuda()` calls are hard-coded; in here they leave tensors and modules where they are."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in (torch.Tensor, nn.Module):
            patch.setattr(kind, "cuda", lambda self, *_, **__: self)
        yield
