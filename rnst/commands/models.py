"""`rnst models`."""

import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from textwrap import wrap

from rnst.commands.options import CommandParser
from rnst.encoders.families import FAMILIES
from rnst.encoders.names import DEFAULT_ENCODER, Network, encoder_names, find_network
from rnst.encoders.published import PUBLISHED
from rnst.errors import InvalidValueError

# Source of a network -> heading of its group.
_GROUPS = {
    "bundled": "come with the project",
    "published": "others trained them; fetched when first used; the accuracies are their publishers'",
    "torchvision": "ImageNet weights of torchvision, fetched when first used",
}
_WIDTH = 110  # columns
_INDENT = " " * 31  # of the second column


def run(arguments: list[str]) -> None:
    """List the networks."""
    parser = CommandParser(
        "rnst models [TEXT]",
        "List the names that --encoder takes; published and torchvision's by family.",
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
        rows = map(_row, members) if text or source not in _BY_FAMILY else _BY_FAMILY[source](members)
        sys.stdout.writelines(f"{row}\n" for row in rows)
    sys.stdout.write("* is the default.")
    sys.stdout.write("\n" if text else " `rnst models resnet50_l2` lists all that have this in their row.\n")


def _row(network: Network) -> str:
    mark = "*" if network.name == DEFAULT_ENCODER else " "
    return f"{mark} {network.name:<28} {network.description}"


def _published_families(networks: Iterable[Network]) -> Iterator[str]:
    """One row for networks that differ in their radius alone."""
    for family, group in groupby((PUBLISHED[network.name] for network in networks), lambda row: row.family):
        members = list(group)
        stated = [row.accuracy for row in members if row.accuracy is not None]
        if len(members) == 1:
            yield f"  {members[0].name:<28} {members[0].description}"
            continue
        radii = ",".join(row.name.removeprefix(f"{family}_eps") for row in members)
        yield f"  {family}_eps{{{radii}}}"
        yield f"  {'':<28} {members[0].architecture}, {members[0].data}, {max(stated):.2%} to {min(stated):.2%} clean"


def _torchvision_families(networks: Iterable[Network]) -> Iterator[str]:
    """The names of each family, in as few lines as they need."""
    names = [network.name for network in networks]
    for family in FAMILIES:
        lines = wrap(", ".join(name for name in names if name.startswith(family.prefixes)), _WIDTH - len(_INDENT))
        for number, line in enumerate(lines):
            yield f"{_INDENT}{line}" if number else f"  {family.title:<28} {line}"


# Source -> rows of its networks where no text is searched.
_BY_FAMILY = {"published": _published_families, "torchvision": _torchvision_families}
