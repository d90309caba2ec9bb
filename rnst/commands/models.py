"""`rnst models`."""

import sys

from rnst.commands.parsing import OneLineErrors
from rnst.encoders.catalog import BUNDLED, DEFAULT_ENCODER, encoder_names, find_network


def run(arguments: list[str]) -> None:
    """List the networks."""
    parser = OneLineErrors(prog="rnst models", description="List the names that --encoder takes.")
    parser.parse_args(arguments)
    for name in encoder_names():
        network = find_network(name)
        mark = "*" if name == DEFAULT_ENCODER else " "
        sys.stdout.write(f"{mark} {name:<24} {network.source:<12} {network.description}\n")
    sys.stdout.write(f"* is the default. {len(BUNDLED)} come with the project; the others are downloaded once.\n")
