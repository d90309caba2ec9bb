import pytest

from rnst.errors import InvalidValueError, UnknownNameError
from rnst.reporting.trackers import chosen_trackers


@pytest.mark.parametrize(
    ("tracking", "names"),
    [
        ("off", ()),
        ("wandb", ("wandb",)),
        ("auto", ("wandb",)),
        ("csv,wandb", ("wandb", "csv")),
        ("csv, tensorboard ,csv", ("tensorboard", "csv")),
    ],
)
def test_names(tracking: str, names: tuple[str, ...]) -> None:
    assert chosen_trackers(tracking) == names


def test_unknown__names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean tensorboard"):
        chosen_trackers("tensorbord")


def test_off_excludes_all_others() -> None:
    with pytest.raises(InvalidValueError, match="off alone"):
        chosen_trackers("off,csv")
