"""Does the robust network paint closer to the style than its ordinary twin, with the same settings?

    python benchmarks/robust_against_standard.py --photos DIR --paintings DIR [--output DIR] [--size 384]

For each pair of a photo and a painting both networks paint with identical settings. Prints the neutral style distance
(an untrained network's; lower is closer) and the edge correlation to the photo, and writes a sheet of all pictures:
a row for each pair; photo, painting, ordinary, robust.
"""

import argparse
import sys
from pathlib import Path

import torch
from torch import Tensor

from rnst.image.files import fit_long_side, read_image, resize, write_image
from rnst.metrics.content_similarity import edge_correlation
from rnst.metrics.style_distance import StyleReference
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.stylize import stylize

ENCODERS = ("resnet50_standard", "resnet50_robust")
PAIRS = (
    ("tubingen", "starry_night_google"),
    ("golden_gate", "the_scream"),
    ("bigben", "picasso"),
    ("dancing", "woman-with-hat-matisse"),
    ("hoovertowernight", "picasso_selfport1907"),
    ("tubingen", "the_scream"),
)
_TILE = (240, 320)


def main() -> None:
    """Paint, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=Path("outputs/robust_against_standard"))
    parser.add_argument("--size", type=int, default=384)
    options = parser.parse_args()
    closer, rows = 0, []
    sys.stdout.write(f"{'pair':<44} {'photo itself':>12} {'ordinary':>9} {'robust':>9}   edges: ordinary robust\n")
    for photo_name, painting_name in PAIRS:
        photo = read_image(_picture(options.photos, photo_name))
        painting = read_image(_picture(options.paintings, painting_name))
        painting = resize(painting, fit_long_side((painting.shape[-2], painting.shape[-1]), options.size))
        reference = StyleReference(painting)
        pictures = [_painted(options, photo_name, painting_name, encoder) for encoder in ENCODERS]
        photo = resize(photo, (pictures[0].shape[-2], pictures[0].shape[-1]))
        itself, ordinary, robust = (reference.distance(picture) for picture in (photo, *pictures))
        edges = [edge_correlation(picture, photo) for picture in pictures]
        closer += robust < ordinary
        sys.stdout.write(
            f"{photo_name + ' / ' + painting_name:<44} {itself:>12.3f} {ordinary:>9.3f} {robust:>9.3f}"
            f"   {edges[0]:>15.2f} {edges[1]:>6.2f}\n"
        )
        sys.stdout.flush()
        rows.append(torch.cat([resize(picture, _TILE) for picture in (photo, painting, *pictures)], dim=3))
        write_image(torch.cat(rows, dim=2), options.output / "sheet.png")
    sys.stdout.write(f"robust closer to the style in {closer} of {len(PAIRS)} pairs\n")


def _painted(options: argparse.Namespace, photo: str, painting: str, encoder: str) -> Tensor:
    """The finished picture, (1, 3, H, W); painted unless it is there from an earlier run."""
    output = options.output / f"{photo}_{painting}_{encoder}.png"
    if not output.with_suffix(".json").is_file():
        stylize(
            StylizationSettings(
                content=str(_picture(options.photos, photo)),
                style=str(_picture(options.paintings, painting)),
                output=output,
                encoder=encoder,
                size=options.size,
                save_every=0,
                tracking="off",
            )
        )
    return read_image(output)


def _picture(folder: Path, stem: str) -> Path:
    return next(iter(sorted(folder.glob(f"{stem}.*"))), folder / stem)


if __name__ == "__main__":
    main()
