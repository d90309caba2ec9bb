"""How much of the standard network's failure is sampling? The pictures of the sweep `sampling`, as tables and a sheet.

    rnst sweep --config configs/sweeps/sampling.yaml --workers 2
    python -m benchmarks.sampling SWEEP [SWEEP ...] [--standard NAME] [--robust NAME] [--sheet PNG]

Prints Markdown: a table for each measure, with a row for each loss, parametrization and supersampling factor S. Every
picture is measured as it was delivered, and S does not change that size. Several sweeps must differ in photo or
painting alone. The sheet shows the pictures of the first seed.
"""

import argparse
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from benchmarks.paired_gaps import Groups, Unit, compared
from rnst.errors import InvalidValueError, MissingPathError, RnstError
from rnst.image.files import fit_long_side, read_image, reduced, write_image
from rnst.image.labeled_sheet import labeled_sheet
from rnst.metrics.anisotropy import fourfold_anisotropy
from rnst.metrics.artifacts import high_frequency_fraction
from rnst.results import Result

FINE = 0.2
"""Cycles per pixel; periods below 5 px are fine, among them those of strides 2 and 4."""


class Measure(NamedTuple):
    """One number of a picture.

    Attributes:
        title: heading of its table.
        of: result to value.
        less_is_better: then a gap of the standard network can be closed.
        has_ratio: decibels and correlations have none.
    """

    title: str
    of: Callable[[Result], float]
    less_is_better: bool = True
    has_ratio: bool = True


class Key(NamedTuple):
    """What distinguishes the pictures of one photo and painting."""

    loss: str
    parameters: str
    factor: float
    seed: int
    network: str


_Number = TypeVar("_Number", int, float)

Pair = tuple[str, str]
Pictures = dict[Pair, dict[Key, Result]]


def fine_energy(result: Result) -> float:
    """Share of the luminance's energy at periods below 5 px, relative to that of the painting at the same long side."""
    return high_frequency_fraction(read_image(result.image), FINE) / _reference(_painting(result), max(result.size))[0]


def weave(result: Result) -> float:
    """Fourfold anisotropy of what is finer than 5 px."""
    return fourfold_anisotropy(read_image(result.image), FINE)


def edges(result: Result) -> float:
    """Edge correlation with the photo."""
    return result.scores["edge_correlation"]


def nyquist(result: Result) -> float:
    """Mean Nyquist excess of columns and rows in dB."""
    return (result.scores["nyquist_excess_columns_db"] + result.scores["nyquist_excess_rows_db"]) / 2


MEASURES = (
    Measure("Style distance under random features (less is closer)", lambda result: result.scores["style_distance"]),
    Measure("Edges kept (correlation)", edges, less_is_better=False, has_ratio=False),
    Measure("Nyquist excess, mean of columns and rows, dB", nyquist, has_ratio=False),
    Measure("Energy at periods below 5 px, relative to the painting's", fine_energy),
    Measure("Weave: fourfold anisotropy at periods below 5 px", weave),
)


def read_pictures(sweeps: Sequence[Path]) -> Pictures:
    """Pictures of all sweeps: photo and painting -> key -> result.

    Raises:
        MissingPathError: a folder contains no sweep.
        InvalidValueError: pictures of one pair differ in size and cannot be measured alike, or one is there twice.
    """
    found: Pictures = {}
    for sweep in sweeps:
        sidecars = sorted((sweep / "pictures").rglob("*.json"))
        if not sidecars:
            raise MissingPathError(sweep, "finished sweep", "Give the folder that rnst sweep wrote.")
        for sidecar in sidecars:
            result, settings = (read := Result.read(sidecar)), read.settings
            setting = settings["style_loss"], settings["parameters"], settings["supersample"], settings["seed"]
            of_pair = found.setdefault((result.content, result.styles[0]), {})
            if (key := Key(*setting, settings["encoder"])) in of_pair:
                raise InvalidValueError("SWEEP", str(sweep), "a sweep of another photo or painting than the others")
            of_pair[key] = result
    for pair, results in found.items():
        sizes = {result.size for result in results.values()}
        if len(sizes) > 1:
            raise InvalidValueError(f"the size of {' / '.join(pair)}", sorted(sizes), "the same for all pictures")
    return found


def groups(pictures: Pictures, measure: Measure, setting: tuple[str, str], networks: Sequence[str]) -> Groups:
    """A unit for each pair and seed.

    Args:
        pictures: of the sweeps.
        measure: of the values.
        setting: loss and parametrization.
        networks: the standard and the robust one.

    Raises:
        MissingPathError: a picture of the grid is absent.
    """
    factors, seeds = _values(pictures, lambda key: key.factor), _values(pictures, lambda key: key.seed)

    def value(pair: Pair, factor: float, seed: int, network: str) -> float:
        key = Key(*setting, factor, seed, network)
        if key not in pictures[pair]:
            advice = "Let the sweep finish, and name its networks by --standard and --robust."
            raise MissingPathError(" / ".join(pair), f"picture with {key}", advice)
        return measure.of(pictures[pair][key])

    return [
        [Unit(*({it: value(pair, it, seed, network) for it in factors} for network in networks)) for seed in seeds]
        for pair in pictures
    ]


def table(pictures: Pictures, measure: Measure, networks: Sequence[str]) -> Iterator[str]:
    """Lines of Markdown."""
    head = ["loss", "parameters", "S", *networks, "ratio", "difference (95 %)", "share closed (95 %)"]
    yield from (f"### {measure.title}\n", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}")
    factors = _values(pictures, lambda key: key.factor)
    for setting in _settings(pictures):
        found = groups(pictures, measure, setting, networks)
        for factor in factors:
            row = compared(found, factor, factors[0])
            closed = row.closed if measure.less_is_better else None
            cells = [
                *(*setting, f"{factor:g}", row.standard.shown(), row.robust.shown()),
                row.ratio.shown(2) if measure.has_ratio else "-",
                row.difference.shown(),
                "-" if closed is None else closed.shown(2),
            ]
            yield f"| {' | '.join(cells)} |"
    yield ""


def references(pictures: Pictures) -> Iterator[str]:
    """Lines of Markdown: what photos and paintings themselves have at the size of the pictures."""
    yield from (
        "### Photos and paintings themselves\n",
        "| picture | share of energy below 5 px | weave |",
        "|---|---|---|",
    )
    for (content, style), results in pictures.items():
        first = next(iter(results.values()))
        photo = first.image.parent / first.settings["content_path"]
        for name, path in ((content, photo), (style, _painting(first))):
            fine, woven = _reference(path, max(first.size))
            yield f"| {name} | {fine:.4f} | {woven:.3f} |"
    yield ""


def write_sheet(pictures: Pictures, networks: Sequence[str], path: Path) -> None:
    """Pictures of the first seed: a row for each pair, loss and parametrization, a column for each network and S."""
    factors, seed = _values(pictures, lambda key: key.factor), _values(pictures, lambda key: key.seed)[0]
    rows = [(pair, setting) for pair in pictures for setting in _settings(pictures)]
    columns = [(network, factor) for network in networks for factor in factors]
    cells = [
        pictures[pair].get(Key(*setting, factor, seed, network))
        for pair, setting in rows
        for network, factor in columns
    ]
    sheet = labeled_sheet(
        [None if cell is None else cell.image for cell in cells],
        [f"{' / '.join(pair)}, {', '.join(setting)}" for pair, setting in rows],
        [f"{network}, S = {factor:g}" for network, factor in columns],
        f"Seed {seed}",
    )
    write_image(sheet, path)


def _settings(pictures: Pictures) -> list[tuple[str, str]]:
    return sorted({(key.loss, key.parameters) for results in pictures.values() for key in results})


def _values(pictures: Pictures, of: Callable[[Key], _Number]) -> list[_Number]:
    return sorted({of(key) for results in pictures.values() for key in results})


def _painting(result: Result) -> Path:
    return result.image.parent / str(result.settings["style_paths"][0])


@functools.cache
def _reference(path: Path, long_side: int) -> tuple[float, float]:
    """Share of fine energy, and weave, of a photo or painting reduced to a long side of that many pixels."""
    image = read_image(path)
    small = reduced(image, fit_long_side((image.shape[-2], image.shape[-1]), long_side))
    return high_frequency_fraction(small, FINE), fourfold_anisotropy(small, FINE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables, and write the sheet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sampling", description=__doc__.partition("\n")[0])
    parser.add_argument("sweeps", type=Path, nargs="+", help="folders that rnst sweep wrote")
    parser.add_argument("--standard", default="resnet18_standard", help="network whose gap is to be closed")
    parser.add_argument("--robust", default="resnet18_robust", help="network that it is compared with")
    parser.add_argument("--sheet", type=Path, help="picture to write")
    options = parser.parse_args(arguments)
    networks = options.standard, options.robust
    try:
        pictures = read_pictures(options.sweeps)
        for measure in MEASURES:
            print("\n".join(table(pictures, measure, networks)))
        print("\n".join(references(pictures)))
        if options.sheet is not None:
            write_sheet(pictures, networks, options.sheet)
    except RnstError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
