"""Whether a state file is sound: unaltered since it was written, and with values that a run can have."""

import zlib
from collections.abc import Mapping

from torch import Tensor

from rnst.errors import RnstError
from rnst.results import is_number

# What loading the content of a state was seen to raise where it is of another picture, or made by hand.
UNFIT = (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError)


class StateError(RnstError):
    """A state does not fit the picture that is to go on from it."""

    def __init__(self, reason: object) -> None:
        super().__init__(
            f"the state of the stopped picture does not fit it ({' '.join(str(reason).split())[:120]}): "
            "delete the .state.safetensors file, or start without --resume"
        )


def checksum(described: str, tensors: Mapping[str, Tensor]) -> str:
    """A check sum of what a state file holds."""
    total = zlib.crc32(described.encode())
    for name in sorted(tensors):
        total = zlib.crc32(f"{name}{tuple(tensors[name].shape)}{tensors[name].dtype}".encode(), total)
        total = zlib.crc32(tensors[name].detach().cpu().contiguous().view(-1).numpy().data, total)
    return f"{total:08x}"


def check_values(values: object) -> None:
    """Check the entries of a state.

    Raises:
        ValueError: one is missing or of another type.
    """
    if not isinstance(values, Mapping):
        raise ValueError("it holds no state")  # noqa: TRY004 - of a file, and not of an argument
    for name in ("scale", "step"):
        if type(values.get(name)) is not int or values[name] < 0:
            raise ValueError(f"its {name} is no number from 0")
    if not is_number(values.get("seconds")) or values["seconds"] < 0:
        raise ValueError("its seconds are no number")
    if not isinstance(values.get("content"), Mapping) or not isinstance(values["content"].get("best"), Mapping):
        raise ValueError("it holds no picture")  # noqa: TRY004 - the same
    losses = values.get("first_losses")
    if not isinstance(losses, Mapping) or not all(map(is_number, losses.values())):
        raise ValueError("its losses are no numbers")


def check_place(scale: int, step: int, steps_of_scales: list[int]) -> None:
    """Check that a run has such a scale and step.

    Raises:
        StateError: it has not.
    """
    if scale >= len(steps_of_scales) or step > steps_of_scales[scale]:
        raise StateError(f"step {step} of scale {scale + 1} of {len(steps_of_scales)}")
