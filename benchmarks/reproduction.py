"""The picked pictures of a sweep beside the article's published ones, under the same metrics at the same size.

    rnst sweep --config configs/sweeps/article.yaml --pictures PHOTOS PAINTINGS
    python -m benchmarks.reproduction outputs/sweeps/article [--data DIR] [--side 384]

Prints Markdown: for each pair the style distance (under random features) of every network's pick and of the article's
three pictures, if there are any (there are none of golden_gate); and the number of pairs in which each network is
closer to the style than the standard ResNet, with the mean difference and its 95 % interval over pairs. DIR as for
`published_pictures.py`.
"""

import sys
from pathlib import Path
from statistics import median

from jsonargparse import auto_cli

from benchmarks.published_pictures import METHODS, PAINTINGS, default_data, load, measure, short_side
from rnst.errors import MissingPathError, RnstError
from rnst.image.files import read_image
from rnst.metrics.content_similarity import edge_correlation
from rnst.metrics.intervals import confidence
from rnst.metrics.style_distance import StyleReference
from rnst.results import Result
from rnst.sweeps.picking import EDGES_KEPT, PICKED

_CONTENTS = {"tubingen": "tubingen", "bigben": "ben", "dancing": "dancing"}

Pair = tuple[str, str]
Row = dict[str, float]


def picks(sweep: Path) -> dict[Pair, dict[str, Result]]:
    """Photo and painting -> network -> its picked picture.

    Raises:
        MissingPathError: the folder contains no sweep.
    """
    found: dict[Pair, dict[str, Result]] = {}
    for sidecar in sorted((sweep / "pictures").rglob("*.json")):
        result = Result.read(sidecar)
        if result.scores.get(PICKED):
            found.setdefault((result.content, result.styles[0]), {})[result.encoder] = result
    if not found:
        raise MissingPathError(sweep, "finished sweep", "Give the folder that rnst sweep wrote.")
    return found


def ours(sweep: Path, data: Path, side: int) -> tuple[dict[Pair, Row], dict[Pair, Row]]:
    """Style distances and edge correlations of the picks: pair -> network -> value."""
    styles, edges = dict[Pair, Row](), dict[Pair, Row]()
    references: dict[str, StyleReference] = {}
    for (content, style), results in picks(sweep).items():
        photo = short_side(read_image(_file(data / "photos", content)), side)
        if style not in references:
            references[style] = StyleReference(short_side(read_image(_file(data / "paintings", style)), side))
        for encoder, result in results.items():
            image = short_side(read_image(result.image), side)
            styles.setdefault((content, style), {})[encoder] = references[style].distance(image)
            edges.setdefault((content, style), {})[encoder] = edge_correlation(image, photo)
    return styles, edges


def published(data: Path, side: int) -> dict[Pair, Row]:
    """Style distances of the article's pictures, under the names of our photos and paintings."""
    distances = measure(load(data, side))["style_distance"]
    names = {article: own for own, article in _CONTENTS.items()}
    found: dict[Pair, Row] = {}
    for (content, style, method), distance in distances.items():
        if content in names:
            found.setdefault((names[content], PAINTINGS[style]), {})[method] = distance
    return found


def main(sweep: Path, data: Path | None = None, side: int = 384, standard: str = "resnet18_standard") -> int:
    """Print the tables.

    Args:
        sweep: folder that rnst sweep wrote.
        data: folder that holds nakano2019/, paintings/ and photos/.
        side: shorter side of all pictures in pixels.
        standard: network that the others are compared with.
    """
    try:
        folder = default_data() if data is None else data
        styles, edges = ours(sweep, folder, side)
        _print(styles, edges, published(folder, side), standard)
    except RnstError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _file(folder: Path, name: str) -> Path:
    return next((path for path in sorted(folder.glob(f"{name}.*"))), folder / name)


def _print(styles: dict[Pair, Row], edges: dict[Pair, Row], article: dict[Pair, Row], standard: str) -> None:
    encoders = sorted(next(iter(styles.values())), key=lambda name: name != standard)
    head = ["photo / painting", *encoders, *(f"article: {method}" for method in METHODS)]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for pair, row in styles.items():
        cells = [f"{row[name]:.3f}{'' if edges[pair][name] >= EDGES_KEPT else ' *'}" for name in encoders]
        theirs = article.get(pair, {})
        cells += [f"{theirs[method]:.3f}" if method in theirs else "" for method in METHODS]
        print(f"| {' / '.join(pair)} | {' | '.join(cells)} |")
    print(f"\n\\* keeps an edge correlation below {EDGES_KEPT:g} in every picture of its grid.\n")
    _print_wins("here", styles, encoders)
    _print_wins("article", article, list(METHODS))


def _print_wins(where: str, rows: dict[Pair, Row], names: list[str]) -> None:
    first = names[0]
    for name in names[1:]:
        won = sum(row[name] < row[first] for row in rows.values())
        ratio = median(row[name] / row[first] for row in rows.values())
        gap, half, _ = confidence([row[name] - row[first] for row in rows.values()])
        print(
            f"{where}: {name} closer than {first} in {won} of {len(rows)} pairs, median ratio {ratio:.2f}, "
            f"difference {gap:+.3f} +- {half:.3f}"
        )


if __name__ == "__main__":
    sys.exit(auto_cli(main))
