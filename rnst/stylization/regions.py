"""Where each style goes, and which part of it counts: regions of a picture, read from masks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from rnst.errors import InvalidValueError
from rnst.image.files import read_picture, resize
from rnst.image.masks import COLORS, color_regions, is_colored, rest, sharing, strength
from rnst.image.samples import find_picture
from rnst.stylization.parts import Pictures

_BLACK = 0.5 / 255  # in [0, 1]; what rounds to 0 in 8 bits


@dataclass(frozen=True)
class Source:
    """A style picture, or a part of it.

    Attributes:
        image: (1, 3, H, W) in [0, 1].
        weight: its share in the mixture.
        mask: (1, 1, H, W) in [0, 1], how much each position counts; None means all alike.
    """

    image: Tensor
    weight: float
    mask: Tensor | None = None


@dataclass(frozen=True)
class Region:
    """A part of the picture with a style of its own.

    Attributes:
        sources: the styles that are mixed there.
        mask: (1, 1, H, W) in [0, 1] of any size, where the part is; None means everywhere.
    """

    sources: tuple[Source, ...]
    mask: Tensor | None = None


def read_regions(pictures: Pictures, sources: Sequence[Source]) -> tuple[Region, ...]:
    """Regions of a picture, each with its styles.

    Raises:
        MissingPathError, UnreadableFileError: a mask cannot be had.
        InvalidValueError: masks do not fit the styles or each other, or are black all over.
    """
    parts = _read_masks("--style_mask", pictures.style_mask, (len(sources),))
    places = _read_masks("--content_mask", pictures.content_mask, (len(sources), len(sources) - 1, 1))
    if len(places) == 1 and is_colored(places[0]):
        regions = _colored_regions(places[0], parts, sources)
        if not regions:
            raise InvalidValueError(
                "--content_mask", pictures.content_mask[0], "brighter: it has no color of --style_mask"
            )
        return regions
    parted = (
        [_within(source, strength(part)) for source, part in zip(sources, parts, strict=True)] if parts else sources
    )
    if not places:
        return (Region(tuple(parted)),)
    if len(places) not in {len(sources), len(sources) - 1}:
        wanted = f"a gray picture for each of the {len(sources)} styles, or one less, or one colored picture"
        raise InvalidValueError("--content_mask", list(pictures.content_mask), wanted)
    weights = [source.weight for source in sources]
    if len(set(weights)) > 1:
        raise InvalidValueError("--style_weights", weights, "equal or left out: each gray --content_mask has one style")
    size = (places[0].shape[-2], places[0].shape[-1])
    masks = sharing([resize(strength(place), size) for place in places])
    if len(masks) < len(sources):
        masks.append(rest(masks))
    return tuple(Region((source,), mask) for source, mask in zip(sources, masks, strict=True))


def _colored_regions(place: Tensor, parts: Sequence[Tensor], sources: Sequence[Source]) -> tuple[Region, ...]:
    """Each color of the content's mask takes the parts of that color from all styles; black may go without."""
    if not parts:
        raise InvalidValueError(
            "--style_mask", None, "given with a colored --content_mask: a colored one for each style"
        )
    colored = [color_regions(part) for part in parts]
    regions = []
    for color, mask in color_regions(place).items():
        found = [_within(source, part[color]) for source, part in zip(sources, colored, strict=True) if color in part]
        if found and not any(source.weight for source in found):
            weights = [source.weight for source in found]
            raise InvalidValueError("--style_weights", weights, f"above 0 for a style of the region {color}")
        if found:
            regions.append(Region(tuple(found), mask))
        elif color != "black":
            there = [name for name in COLORS if any(name in part for part in colored)]
            raise InvalidValueError("--content_mask", color, f"of colors that --style_mask has too: {', '.join(there)}")
    return tuple(regions)


def _within(source: Source, mask: Tensor) -> Source:
    """A part of a style picture; what is transparent stays out."""
    if source.mask is not None:
        mask = mask * resize(source.mask, (mask.shape[-2], mask.shape[-1]))
    if not bool(mask.any()):
        raise InvalidValueError("--style_mask", "black all over", "white, or colored, where the style counts")
    return replace(source, mask=mask)


def _read_masks(option: str, names: Sequence[str], counts: Sequence[int]) -> list[Tensor]:
    if not names:
        return []
    masks = [_read_mask(find_picture(name)) for name in names]
    if len(masks) not in counts:
        raise InvalidValueError(
            option, list(names), f"{' or '.join(str(count) for count in sorted({*counts} - {0}))} pictures"
        )
    for name, mask in zip(names, masks, strict=True):
        if not bool((mask > _BLACK).any()):
            raise InvalidValueError(option, name, "white, or colored, somewhere: it is black all over")
    return masks


def _read_mask(path: Path) -> Tensor:
    """A mask (1, 3, H, W) in [0, 1]; what is transparent in it is black, as nothing was drawn there."""
    mask = read_picture(path)
    return mask.image if mask.alpha is None else mask.image * mask.alpha
