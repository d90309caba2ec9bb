"""A network as people name it who compare several: one of the catalog, with its own weights or with others."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rnst.encoders.names import Network, find_network


@dataclass(frozen=True)
class Choice:
    """A network and the weights that are put into it.

    Attributes:
        encoder: name of the catalog.
        weights: a file, "random", or None for the catalog's own.
    """

    encoder: str
    weights: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """`ENCODER` or `ENCODER:WEIGHTS`, as `resnet18:random`.

        Raises:
            UnknownNameError: no such encoder.
        """
        encoder, _, weights = text.partition(":")
        find_network(encoder)
        return cls(encoder, weights or None)

    @property
    def network(self) -> Network:
        """The catalog's row."""
        return find_network(self.encoder)

    @property
    def label(self) -> str:
        """For tables: the encoder, and what its weights are where they are not its own."""
        return self.encoder if self.weights is None else f"{self.encoder}:{Path(self.weights).stem}"
