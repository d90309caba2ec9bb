import pickle
from pathlib import Path

import pytest

from rnst.errors import InvalidValueError, MissingPathError, RnstError, UnknownNameError, UnreadableFileError
from rnst.stylization.estimate import TooLargeError


@pytest.mark.parametrize(
    "error",
    [
        RnstError("a message"),
        MissingPathError(Path("x"), "picture", "Give another."),
        UnreadableFileError("x", "a picture", "it is a text"),
        UnknownNameError("encoder", "x", ["y"]),
        InvalidValueError("--size", 0, "positive"),
        TooLargeError((10, 10), 2e9, 1e9, 5),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_come_back_from_other_processes(error: RnstError) -> None:
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - it is our own
    assert type(back) is type(error)
    assert str(back) == str(error)
