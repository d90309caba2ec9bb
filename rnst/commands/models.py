"""`rnst models`."""

import sys
from collections.abc import Iterable, Iterator
from itertools import groupby

from rnst.commands.options import CommandParser
from rnst.encoders.names import DEFAULT_ENCODER, Network, encoder_names, find_network
from rnst.encoders.published import PUBLISHED, PublishedWeights
from rnst.errors import InvalidValueError

# Source of a network -> heading of its group.
_GROUPS = {
    "bundled": "come with the project",
    "published": "others trained them; fetched when first used; the accuracies are their publishers'",
    "torchvision": "ImageNet weights of torchvision, fetched when first used",
}


def run(arguments: list[str]) -> None:
    """List the networks."""
    parser = CommandParser(
        "rnst models [TEXT]",
        "List the names that --encoder takes; published ones by family.",
        ["rnst models", "rnst models resnet50_l2"],
    )
    parser.add_argument("text", type=str, nargs="?", default="", metavar="TEXT", help="list networks whose row has it")
    text: str = parser.parse(arguments)["text"]
    networks = [network for network in map(find_network, encoder_names()) if text.lower() in _row(network).lower()]
    if not networks:
        raise InvalidValueError("TEXT", text, "in the name or description of a network; rnst models lists them")
    for source, group in groupby(networks, lambda network: network.source):
        members = list(group)
        sys.stdout.write(f"{source} ({len(members)}): {_GROUPS.get(source, '')}\n")
        families = source == "published" and not text
        rows = _families(PUBLISHED[network.name] for network in members) if families else map(_row, members)
        sys.stdout.writelines(f"{row}\n" for row in rows)
    sys.stdout.write("* is the default.")
    sys.stdout.write("\n" if text else " `rnst models resnet50_l2` lists all that have this in their row.\n")


def _row(network: Network) -> str:
    mark = "*" if network.name == DEFAULT_ENCODER else " "
    return f"{mark} {network.name:<28} {network.description}"


def _families(weights: Iterable[PublishedWeights]) -> Iterator[str]:
    """One row for networks that differ in their radius alone."""
    for family, group in groupby(weights, lambda row: row.family):
        members = list(group)
        stated = [row.accuracy for row in members if row.accuracy is not None]
        if len(members) == 1:
            yield f"  {members[0].name:<28} {members[0].description}"
            continue
        radii = ",".join(row.name.removeprefix(f"{family}_eps") for row in members)
        yield f"  {family}_eps{{{radii}}}"
        yield f"  {'':<28} {members[0].architecture}, {members[0].data}, {max(stated):.2%} to {min(stated):.2%} clean"
