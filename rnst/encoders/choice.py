"""A network of the catalog with its own or other weights, as the comparison commands name it."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rnst.encoders.names import Network, find_network
from rnst.errors import InvalidValueError


@dataclass(frozen=True)
class Choice:
    """A network and its weights.

    Attributes:
        encoder: name in the catalog.
        weights: a file, "random", or None for the weights of the catalog.
    """

    encoder: str
    weights: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `ENCODER` or `ENCODER:WEIGHTS`, such as `resnet18:random`.

        Raises:
            UnknownNameError: the catalog has no such encoder.
        """
        encoder, _, weights = text.partition(":")
        find_network(encoder)
        return cls(encoder, weights or None)

    @property
    def network(self) -> Network:
        """The entry in the catalog."""
        return find_network(self.encoder)

    @property
    def label(self) -> str:
        """The encoder, followed by its weights unless they are the catalog's; for tables."""
        return self.encoder if self.weights is None else f"{self.encoder}:{Path(self.weights).stem}"


def folders_of(choices: Mapping[str, Choice]) -> dict[str, str]:
    """Name given by the user -> name of a folder for what is made with that network, none for two of them.

    It is made from the label; where several have one label, from the folder and the whole name of the weights.

    Raises:
        InvalidValueError: these are the same as well.
    """
    short = {name: _as_file_name(choice.label) for name, choice in choices.items()}
    shared = {folder for folder, count in Counter(short.values()).items() if count > 1}
    folders = {
        name: _as_file_name(f"{choice.encoder}:{'/'.join(Path(choice.weights or '').parts[-2:])}")
        if short[name] in shared
        else short[name]
        for name, choice in choices.items()
    }
    if len(set(folders.values())) < len(folders):
        raise InvalidValueError("--encoders", list(choices), "networks whose weights have different names or folders")
    return folders


def _as_file_name(label: str) -> str:
    return re.sub(r"[^\w.]+", "-", label)
