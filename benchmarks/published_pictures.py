"""Metrics of the article's published pictures: which method is closer to the style, how often, and by how much.

    python benchmarks/published_pictures.py [--data DIR]

DIR contains nakano2019/ (512 px results of a standard ResNet-50, a robust one and VGG-19; thumbnails/ of the contents),
paintings/ and photos/. Without --data, the environment variable RNST_TEST_DATA is used, or else ../shared/data beside
the repository. The benchmark takes one to two minutes on one core.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jsonargparse import auto_cli
from skimage.color import lab2rgb, rgb2lab
from torch import Tensor

from rnst.errors import RnstError
from rnst.image.files import read_image, resize
from rnst.metrics.color_distance import color_distance
from rnst.metrics.content_similarity import edge_correlation, ssim
from rnst.metrics.score_table import SCORE_TABLE
from rnst.metrics.scores import artifact_scores
from rnst.metrics.style_distance import StyleReference

CONTENTS = ("ben", "dancing", "stata", "tubingen")
PAINTINGS = {
    "picasso": "picasso",
    "scream": "the_scream",
    "starry": "starry_night_google",
    "woman": "woman-with-hat-matisse",
}
METHODS = ("nonrobust", "robust", "vgg")
COMPARISONS = (("robust", "nonrobust"), ("vgg", "nonrobust"), ("vgg", "robust"))
SIDE = 512  # px, shorter side of the paintings, as in the article

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Published:
    """Published pictures, all (1, 3, H, W) in [0, 1].

    Attributes:
        pictures: (content, style, method) -> the article's picture.
        contents: 100 px thumbnails by name, the only form in which all four contents are public.
        paintings: paintings by style.
    """

    pictures: dict[Key, Tensor]
    contents: dict[str, Tensor]
    paintings: dict[str, Tensor]


def default_data() -> Path:
    """The default folder."""
    return Path(os.environ.get("RNST_TEST_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))


def load(data: Path, side: int = SIDE) -> Published:
    """Read the 16 triples. Below 512 px, pictures and paintings are reduced to a shorter side of `side` px."""
    folder = data / "nakano2019"
    keys = [(content, style, method) for content in CONTENTS for style in PAINTINGS for method in METHODS]
    return Published(
        {key: short_side(read_image(folder / f"{'_'.join(key)}.jpg"), side) for key in keys},
        {content: read_image(folder / "thumbnails" / f"{content}.jpg") for content in CONTENTS},
        {style: short_side(read_image(data / "paintings" / f"{name}.jpg"), side) for style, name in PAINTINGS.items()},
    )


def short_side(image: Tensor, side: int) -> Tensor:
    """Resample (1, 3, H, W) to a shorter side of `side` px."""
    factor = side / min(image.shape[-2:])
    return resize(image, (round(image.shape[-2] * factor), round(image.shape[-1] * factor)))


def measure(published: Published) -> dict[str, dict[Key, float]]:
    """Every score of every picture: score -> picture -> value."""
    references = {style: StyleReference(painting) for style, painting in published.paintings.items()}
    values: dict[str, dict[Key, float]] = {name: {} for name in SCORE_TABLE if name != "style_loss_reduction"}
    for key, image in published.pictures.items():
        content, style, _ = key
        scores = {
            "style_distance": references[style].distance(image),
            "texture_distance": references[style].texture_distance(image),
            "color_distance": color_distance(image, published.paintings[style]),
            "edge_correlation": edge_correlation(image, published.contents[content]),
            "ssim": ssim(image, published.contents[content]),
            **artifact_scores(image),
        }
        for name, value in scores.items():
            values[name][key] = value
    return values


def wins(values: dict[Key, float], first: str, second: str, better: str = "lower") -> int:
    """Number of the 16 triples in which the picture of method `first` is better than that of `second`."""
    sign = 1.0 if better == "lower" else -1.0
    pairs = ((values[content, style, first], values[content, style, second]) for content, style in _pairs())
    return sum(sign * own < sign * other for own, other in pairs)


def controls(data: Path, style: str, published: Published) -> dict[str, Tensor]:
    """Pictures that are not stylizations of the article's `ben`, and the three that are."""
    painting = published.paintings[style]
    content = short_side(read_image(data / "photos" / "bigben.jpg"), min(painting.shape[-2:]))
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(content.shape, generator=generator) * 0.1
    order = torch.randperm(painting[0, 0].numel(), generator=generator)
    return {
        "content": content,
        "content + noise": (content + noise).clamp(0.0, 1.0),
        "color transfer": color_transfer(content, painting),
        "shuffled style": painting.flatten(2)[..., order].view(painting.shape),
        **{method: published.pictures["ben", style, method] for method in METHODS},
    }


def color_transfer(content: Tensor, style: Tensor) -> Tensor:
    """Reinhard et al. 2001, in CIE Lab: the content with the mean and deviation of each channel of the style."""
    own, wanted = (rgb2lab(image[0].permute(1, 2, 0).double().numpy()) for image in (content, style))
    axes = (0, 1)
    moved = (own - own.mean(axes)) / own.std(axes) * wanted.std(axes) + wanted.mean(axes)
    colors = np.clip(lab2rgb(np.clip(moved, (0.0, -128.0, -128.0), (100.0, 127.0, 127.0))), 0.0, 1.0)
    return torch.from_numpy(colors).permute(2, 0, 1)[None].float()


def _pairs() -> Iterator[tuple[str, str]]:
    return ((content, style) for content in CONTENTS for style in PAINTINGS)


def _print_table(values: dict[str, dict[Key, float]]) -> None:
    print("Better in how many of 16 triples; medians; median of ratios to nonrobust. n nonrobust, r robust, v vgg.")
    print(f"{'':31}{'better':8}{'r:n':>4}{'v:n':>4}{'v:r':>4}{'n':>9}{'r':>9}{'v':>9}{'r/n':>7}{'v/n':>7}")
    for name, of in values.items():
        meaning = SCORE_TABLE[name]
        counts = [wins(of, *pair, meaning.better) for pair in COMPARISONS]
        medians = [np.median([of[*pair, method] for pair in _pairs()]) for method in METHODS]
        ratios = [np.median([of[*p, method] / of[*p, "nonrobust"] for p in _pairs()]) for method in METHODS[1:]]
        # A ratio of decibels is meaningless.
        shown = ["      -"] * 2 if meaning.unit == "dB" else [f"{ratio:7.2f}" for ratio in ratios]
        print(
            f"{name:31}{meaning.better:8}"
            + "".join(f"{count:4d}" for count in counts)
            + "".join(f"{median:9.4f}" for median in medians)
            + "".join(shown)
        )


def _print_controls(data: Path, published: Published) -> None:
    print("\nControls with `ben`: style_distance / texture_distance / color_distance")
    styles = ("scream", "starry", "woman")
    print(f"{'':17}" + "".join(f"{style:>22}" for style in styles))
    rows: dict[str, str] = {}
    for style in styles:
        reference, painting = StyleReference(published.paintings[style]), published.paintings[style]
        for name, image in controls(data, style, published).items():
            figures = (reference.distance(image), reference.texture_distance(image), color_distance(image, painting))
            rows[name] = rows.get(name, f"{name:17}") + "{:10.3f} {:5.3f} {:5.1f}".format(*figures)
    print("\n".join(rows.values()))


def main(data: Path | None = None) -> int:
    """Print the measures of the article's published pictures.

    Args:
        data: folder that holds nakano2019/, paintings/ and photos/.
    """
    folder = default_data() if data is None else data
    try:
        published = load(folder)
        _print_table(measure(published))
        _print_controls(folder, published)
    except RnstError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(auto_cli(main))
