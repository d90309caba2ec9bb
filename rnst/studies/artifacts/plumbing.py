"""Changes of a network by a fix against checkerboards."""

from dataclasses import fields

from rnst.encoders.surgery.surgery import Surgery
from rnst.studies.artifacts.fixes import CHANGES, FIXES, NONE

_PLUMBING = tuple(entry.name for entry in fields(Surgery))


def plumbing_of(fix: str) -> Surgery:
    """The changes of the network by a fix."""
    return Surgery(**{name: FIXES[fix][name] for name in _PLUMBING if name in FIXES[fix]})


def changes_network(fix: str) -> bool:
    """Whether a fix changes the gradient of the network, not only the optimization of the picture; NONE counts too."""
    return fix == NONE or any(name in _PLUMBING for name in CHANGES[fix])
