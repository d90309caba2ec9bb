"""What a fix against checkerboards changes in the network."""

from dataclasses import fields

from rnst.encoders.surgery.surgery import Surgery
from rnst.studies.artifacts.fixes import CHANGES, FIXES, NONE

_PLUMBING = tuple(entry.name for entry in fields(Surgery))


def plumbing_of(fix: str) -> Surgery:
    """How a fix changes the network."""
    return Surgery(**{name: FIXES[fix][name] for name in _PLUMBING if name in FIXES[fix]})


def changes_network(fix: str) -> bool:
    """Whether a fix can be seen in the gradient, or is one of the picture alone; NONE, the comparison, counts."""
    return fix == NONE or any(name in _PLUMBING for name in CHANGES[fix])
