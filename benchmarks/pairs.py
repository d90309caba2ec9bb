"""Eight pairs of a photo and a painting, stylized at the same settings by every network named; distances and a sheet.

    python benchmarks/pairs.py --photos DIR --paintings DIR [--encoders NAME ...] [--option KEY=VALUE ...]

Prints for each picture the style distance under random features (lower is closer), the edge correlation to the photo,
the excess of energy at the Nyquist frequency (stripes and checkerboards) and the seconds; then the means, and with two
networks how often the second one is closer, and the paired differences with 95 % intervals. All are measured at 384
pixels. A picture that exists with the same settings is measured again, not made again. The sheet has a row for each
pair: photo, painting, a picture per network.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, NamedTuple

import torch
import yaml
from torch import Tensor

from rnst.image.files import fit_long_side, read_image, reduced, resize, write_image
from rnst.image.samples import SAMPLES, find_picture
from rnst.metrics.content_similarity import edge_correlation
from rnst.metrics.intervals import confidence
from rnst.metrics.scores import artifact_scores
from rnst.metrics.style_distance import StyleReference
from rnst.results import Result
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.stylize import stylize

ENCODERS = ("resnet18_standard", "resnet18_robust")
PAIRS = (
    ("coffee", "flow"),
    ("tubingen", "starry_night_google"),
    ("golden_gate", "the_scream"),
    ("bigben", "picasso_selfport1907"),
    ("dancing", "woman-with-hat-matisse"),
    ("hoovertowernight", "starry_night_google"),
    ("bigben", "the_scream"),
    ("tubingen", "picasso_selfport1907"),
)
_MEASURED = 384  # pixels of the long side of pictures that are compared
_TILE = (240, 320)


class Row(NamedTuple):
    """Figures of one picture."""

    distance: float
    edges: float
    nyquist: float
    seconds: float

    def __str__(self) -> str:
        return f"{self.distance:>9.3f} {self.edges:>6.2f} {self.nyquist:>8.1f} {self.seconds:>8.0f}"


def main() -> None:
    """Stylize, measure, print."""
    options = _options()
    sys.stdout.write(f"{'pair':<42} {'network':<22} {'distance':>9} {'edges':>6} {'Nyquist':>8} {'seconds':>8}\n")
    found: dict[str, list[Row]] = {encoder: [] for encoder in options.encoders}
    sheet = []
    for photo_name, painting_name in PAIRS[: options.pairs]:
        photo, painting = (_measured(read_image(_file(options, name))) for name in (photo_name, painting_name))
        reference, tiles = StyleReference(painting), [photo, painting]
        for encoder in options.encoders:
            picture, seconds = _stylized(options, photo_name, painting_name, encoder)
            row = _row(picture, photo, reference, seconds)
            found[encoder].append(row)
            tiles.append(picture)
            sys.stdout.write(f"{photo_name + ' / ' + painting_name:<42} {encoder:<22} {row}\n")
            sys.stdout.flush()
        sheet.append(torch.cat([resize(tile, _TILE) for tile in tiles], dim=3))
        write_image(torch.cat(sheet, dim=2), options.output / "sheet.png")
    for encoder, rows in found.items():
        mean = Row(*(sum(column) / len(rows) for column in zip(*rows, strict=True)))
        sys.stdout.write(f"{'mean':<42} {encoder:<22} {mean}\n")
    if len(found) == 2:  # noqa: PLR2004 - a comparison has two sides
        first, second = found.values()
        closer = sum(other.distance < one.distance for one, other in zip(first, second, strict=True))
        sys.stdout.write(f"{options.encoders[1]} is closer to the style in {closer} of {len(second)} pairs\n")
        for name in ("distance", "edges", "nyquist"):
            gap, half, _ = confidence(
                [getattr(other, name) - getattr(one, name) for one, other in zip(first, second, strict=True)]
            )
            sys.stdout.write(f"difference of {name}: {gap:+.3f} +- {half:.3f}\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=Path("outputs/pairs"))
    parser.add_argument("--encoders", nargs="+", default=ENCODERS)
    parser.add_argument("--size", type=int, default=448)
    parser.add_argument("--pairs", type=int, default=len(PAIRS), help="how many of the eight")
    parser.add_argument("--option", nargs="*", default=(), metavar="KEY=VALUE", help="options of stylize.py")
    return parser.parse_args()


def _row(picture: Tensor, photo: Tensor, reference: StyleReference, seconds: float) -> Row:
    small = _measured(picture)
    scores = artifact_scores(picture)
    stripes = (scores["nyquist_excess_columns_db"] + scores["nyquist_excess_rows_db"]) / 2
    same_size = resize(photo, (small.shape[-2], small.shape[-1]))
    return Row(reference.distance(small), edge_correlation(small, same_size), stripes, seconds)


def _measured(image: Tensor) -> Tensor:
    return reduced(image, fit_long_side((image.shape[-2], image.shape[-1]), _MEASURED))


def _stylized(options: argparse.Namespace, photo: str, painting: str, encoder: str) -> tuple[Tensor, float]:
    """The finished picture (1, 3, H, W) and the seconds it took; made unless it exists from an earlier run."""
    more: dict[str, Any] = {
        key: yaml.safe_load(value) for key, _, value in (one.partition("=") for one in options.option)
    }
    settings = StylizationSettings(
        content=str(_file(options, photo)),
        style=str(_file(options, painting)),
        output=options.output / f"{photo}_{painting}_{encoder}.png",
        encoder=encoder,
        size=options.size,
        save_every=0,
        tracking="off",
    ).replaced(**more)
    sidecar = settings.output.with_suffix(".json")
    result = Result.read(sidecar) if sidecar.is_file() else stylize(settings).result
    return read_image(result.image), result.seconds


def _file(options: argparse.Namespace, name: str) -> Path:
    if name in SAMPLES:
        return find_picture(name)
    files = (path for folder in (options.photos, options.paintings) for path in sorted(folder.glob(f"{name}.*")))
    return next(files, Path(name))


if __name__ == "__main__":
    main()
