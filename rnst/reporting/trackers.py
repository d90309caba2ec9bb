"""Which experiment trackers a run is logged to: the value of `--tracking`."""

from rnst.errors import InvalidValueError, UnknownNameError

OFF = "off"
WANDB = "wandb"
TENSORBOARD = "tensorboard"
CSV = "csv"
TRACKERS = (WANDB, TENSORBOARD, CSV)
BY_DEFAULT = "wandb,csv"
"""Trackers of a training and of a sweep."""

_AUTO = "auto"  # the former name of wandb, in sidecars and configurations


def chosen_trackers(tracking: str) -> tuple[str, ...]:
    """Names of the trackers in the order of `TRACKERS`, each once; empty for "off".

    Args:
        tracking: "off", or names joined by commas, as "wandb,csv".

    Raises:
        UnknownNameError: one of the names is no tracker.
        InvalidValueError: "off" is combined with a tracker.
    """
    names = [WANDB if name == _AUTO else name for name in (part.strip() for part in tracking.split(","))]
    for name in names:
        if name not in (*TRACKERS, OFF):
            raise UnknownNameError("value of --tracking", name, (*TRACKERS, OFF))
    if OFF in names and len(set(names)) > 1:
        raise InvalidValueError("--tracking", tracking, f"{OFF} alone, or names joined by commas, as {BY_DEFAULT}")
    return tuple(name for name in TRACKERS if name in names)
