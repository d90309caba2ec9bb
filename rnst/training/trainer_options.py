"""Options of Lightning's Trainer: those that it refuses late or not at all are checked before it is built."""

import contextlib
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException

from rnst.errors import InvalidValueError, RnstError
from rnst.machine import processors

_LEAST = {
    "max_epochs": 1,
    "accumulate_grad_batches": 1,
    "check_val_every_n_epoch": 1,
    "num_nodes": 1,
    "gradient_clip_val": 0,
    "log_every_n_steps": 0,
    "reload_dataloaders_every_n_epochs": 1,  # stages and views change by epoch
}
_UNLIMITED = -1
_FEW_PROCESSES = 4  # a try-out of several devices
_LIGHTNING = ("/pytorch_lightning/", "/lightning_fabric/")
LARGEST_SEED = 2**32 - 1
"""That all generators take which Lightning seeds."""


class TrainerError(RnstError):
    """Lightning refuses the options of its Trainer."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"the options of --trainer do not work here: {' '.join(str(error).split())}")


def check_trainer(options: Mapping[str, Any]) -> None:
    """Refuse numbers with which nothing is trained, or with which this machine starts more processes than it has.

    Args:
        options: of the Trainer, by name.

    Raises:
        InvalidValueError: names the option.
    """
    for name, least in _LEAST.items():
        value = options.get(name)
        if value is not None and value < least:
            raise InvalidValueError(f"--trainer.{name}", value, f"at least {least}")
    precision = str(options.get("precision"))
    if precision.endswith("-true") and precision != "32-true":
        raise InvalidValueError("--trainer.precision", precision, precision.replace("true", "mixed"))
    steps = options.get("max_steps", _UNLIMITED)
    if steps != _UNLIMITED and steps < 1:
        raise InvalidValueError("--trainer.max_steps", steps, "at least 1, or -1 for no limit")
    for name in ("limit_train_batches", "limit_test_batches"):
        limit = options.get(name)
        if limit is not None and limit <= 0:
            raise InvalidValueError(f"--trainer.{name}", limit, "more than 0")
    overfit = options.get("overfit_batches")
    if overfit:  # for which Lightning replaces the sampler
        wanted = "0, since every epoch has its own order; --trainer.limit_train_batches shortens the epochs"
        raise InvalidValueError("--trainer.overfit_batches", overfit, wanted)
    devices, accelerator = options.get("devices"), options.get("accelerator")
    is_cpu = accelerator == "cpu" or (accelerator == "auto" and not torch.accelerator.is_available())
    most = max(_FEW_PROCESSES, processors())
    if is_cpu and str(devices).isdecimal() and not 1 <= int(str(devices)) <= most:
        wanted = f"from 1 to {most} on a machine with {processors()} processors"
        raise InvalidValueError("--trainer.devices", devices, wanted)


def check_seed(seed: Any) -> None:
    """Refuse a seed that a generator does not take.

    Raises:
        InvalidValueError: it is negative or too large.
    """
    if isinstance(seed, int) and not 0 <= seed <= LARGEST_SEED:
        raise InvalidValueError("--seed_everything", seed, f"from 0 to {LARGEST_SEED:,}")


@contextlib.contextmanager
def refused_options() -> Iterator[None]:
    """In this block, what Lightning itself raises about its options is one line.

    Raises:
        TrainerError: it refuses them.
    """
    try:
        yield
    except (MisconfigurationException, ValueError, TypeError, ArithmeticError) as error:
        if not isinstance(error, MisconfigurationException) and not _is_of_lightning(error):
            raise
        raise TrainerError(error) from error


def _is_of_lightning(error: Exception) -> bool:
    """Whether an error was raised in Lightning's own code."""
    place = traceback.extract_tb(error.__traceback__)[-1].filename
    return any(package in place for package in _LIGHTNING)
