"""A network of the catalog with its own or other weights, as the comparison commands name it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rnst.encoders.names import Network, find_network


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
