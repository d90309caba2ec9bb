"""What a picture is made from: the photo, the styles and where they go, all read from files and prepared."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from rnst.encoders.circular import STRIDE_PERIOD
from rnst.errors import InvalidValueError
from rnst.files import is_folder
from rnst.image.color_basis import read_color_root
from rnst.image.color_matching import gray_like, match_histogram, match_moments, with_luminance_of
from rnst.image.endings import is_video
from rnst.image.files import Picture, fit_long_side, read_image, read_picture, reduced, resize
from rnst.image.masks import rest
from rnst.image.noise import noise_like
from rnst.image.periodic import NO_WRAPS, Wraps, resampled, wraps_of
from rnst.image.samples import find_picture
from rnst.optimization.memory import check_image
from rnst.stylization.parts import Pictures, Resolution, Size
from rnst.stylization.regions import Region, Source, read_regions

_COLOR_MATCHES = {"luminance": gray_like, "match": match_moments, "histogram": match_histogram}

_NOISE = 0.2  # contrast; more of it is still there when a texture is finished


@dataclass(frozen=True)
class LastFrame:
    """The last frame of a sequence, or what a warp by the optical flow made of it.

    Attributes:
        photo: (1, 3, H, W) in [0, 1], before stylization.
        stylized: (1, 3, H', W') in [0, 1].
        visible: (1, 1, H', W') in [0, 1], where the flow can be trusted; None where nothing was warped.
    """

    photo: Tensor
    stylized: Tensor
    visible: Tensor | None = None


@dataclass(frozen=True)
class Inputs:
    """Everything that a stylization starts from.

    Attributes:
        photo: the content as it was in its file; None for a texture.
        content: (1, 3, H, W) in [0, 1]; for a texture, a gray picture of the wanted shape.
        regions: the styles.
        start: (1, 3, H, W) in [0, 1] of any size, the picture before the first step.
        previous: the last frame of a sequence; None for its first, and for a picture alone.
        notes: what the user should know about the files.
        color_root: of the pictures whose colors are the basis, see `fit_color_root`; None where there are none.
    """

    photo: Picture | None
    content: Tensor
    regions: tuple[Region, ...]
    start: Tensor
    previous: LastFrame | None = None
    notes: tuple[str, ...] = ()
    color_root: Tensor | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the content in pixels."""
        return self.content.shape[-2], self.content.shape[-1]

    @property
    def masks(self) -> list[Tensor] | None:
        """Where the regions are; None where one is everywhere."""
        masks = [region.mask for region in self.regions if region.mask is not None]
        return masks or None

    def finished(
        self, image: Tensor, colors: str, largest: tuple[int, int] | None = None, wraps: Wraps = NO_WRAPS
    ) -> Tensor:
        """The optimized picture (1, 3, H, W) as it is shown.

        With "luminance", the colors of the photo come back. Where masks leave the picture without a style, so does the
        photo itself.

        Args:
            image: in [0, 1], of any scale.
            colors: of the settings.
            largest: height and width of the finished picture, to which a larger image is reduced; None reduces nothing.
            wraps: axes along which the picture repeats.
        """
        if largest is not None and (image.shape[-2] > largest[0] or image.shape[-1] > largest[1]):
            image = resampled(image, largest, wraps, reduced)
        size, masks = (image.shape[-2], image.shape[-1]), self.masks
        if self.photo is None or (colors != "luminance" and masks is None):
            return image
        photo = resize(self.photo.image, size).to(image.device)
        if colors == "luminance":
            image = with_luminance_of(photo, image)
        if masks is None:
            return image
        free = rest([resize(mask, size) for mask in masks]).to(image.device)
        return image * (1.0 - free) + photo * free


def read_inputs(pictures: Pictures, resolution: Resolution, style_scale: float = 1.0) -> Inputs:
    """Read and prepare all pictures.

    Args:
        pictures: their names, and what is done with them.
        resolution: how large noise has to be.
        style_scale: of the look; noise like the style has the scale of the style.

    Raises:
        MissingPathError, UnreadableFileError: a picture cannot be had.
        InvalidValueError: masks do not fit the styles or each other.
    """
    photo = read_picture(find_picture(pictures.content)) if pictures.has_content else None
    styles = [_read_style(name) for name in pictures.styles]
    content = photo.image if photo is not None else torch.full((1, 3, *_canvas_size(pictures, styles[0].size)), 0.5)
    images = [style.image for style in styles]
    if photo is not None and pictures.colors in _COLOR_MATCHES:
        images = [_COLOR_MATCHES[pictures.colors](image, photo.image) for image in images]
        content = gray_like(content, content) if pictures.colors == "luminance" else content
    weights = pictures.style_weights
    sources = [Source(image, weight, style.alpha) for image, weight, style in zip(images, weights, styles, strict=True)]
    files = zip((pictures.content, *pictures.styles), (photo, *styles), strict=True)
    notes = tuple(
        f"{name} holds {picture.frames} pictures; the first is taken"
        for name, picture in files
        if picture is not None and picture.frames > 1
    )
    size = resolution.optimized((content.shape[-2], content.shape[-1]))
    check_image(size, torch.device("cpu"))
    notes += _rounding(resolution, (content.shape[-2], content.shape[-1]))
    wraps = wraps_of(resolution.seamless)
    start = content if pictures.init == "content" else _start(pictures, size, images[0], style_scale, wraps)
    return Inputs(
        photo, content, read_regions(pictures, sources), start, None, notes, read_color_root(pictures.color_basis)
    )


def _read_style(name: str) -> Picture:
    style = read_picture(find_picture(name))
    if style.alpha is not None and not bool((style.alpha > 0.0).any()):
        raise InvalidValueError("--style", name, "a picture with visible parts: it is wholly transparent")
    return style


def are_several(pictures: Pictures) -> bool:
    """Whether the content is a folder or a video, each of whose pictures is stylized."""
    return pictures.has_content and (is_folder(pictures.content) or is_video(pictures.content))


def content_size(pictures: Pictures) -> Size:
    """Height and width in pixels of the content, or of the canvas of a texture.

    Raises:
        MissingPathError, UnreadableFileError: it cannot be read.
    """
    path = find_picture(pictures.content if pictures.has_content else pictures.styles[0])
    status = path.stat()
    size = _size_of(path.resolve(), status.st_size, status.st_mtime_ns)
    return size if pictures.has_content else _canvas_size(pictures, size)


@lru_cache(maxsize=1024)
def _size_of(path: Path, _size: int, _changed: int) -> Size:
    """Of a file that has not changed since, the size is not read again."""
    return read_picture(path).size


def _canvas_size(pictures: Pictures, style: Size) -> Size:
    """Height and width of a texture: as long as the style, in the shape that is asked for."""
    height, width = style
    aspect = pictures.aspect if isinstance(pictures.aspect, float | int) else width / height
    longer = max(style)
    return (max(1, round(longer / aspect)), longer) if aspect >= 1.0 else (longer, max(1, round(longer * aspect)))


def _rounding(resolution: Resolution, content: Size) -> tuple[str, ...]:
    """A note where a side that repeats is rounded up."""
    sides = zip(resolution.optimized(content), resolution.enlarged(content), strict=True)
    rounded = dict.fromkeys(f"{new} instead of {old} pixels" for new, old in sides if new != old)
    if not rounded:
        return ()
    return (f"--seamless needs multiples of {STRIDE_PERIOD}: optimized at {' and '.join(rounded)}",)


def _start(pictures: Pictures, size: Size, style: Tensor, style_scale: float, wraps: Wraps) -> Tensor:
    init, seed = pictures.init, pictures.seed
    if init == "style":
        return resize(style, size)
    if init == "style_noise":
        seen = fit_long_side((style.shape[-2], style.shape[-1]), max(1, round(max(size) * style_scale)))
        rows, columns = (min(it, side) if wrap else it for it, side, wrap in zip(seen, size, wraps, strict=True))
        return noise_like(resize(style, seen)[..., :rows, :columns], size, seed)  # of one period
    if init == "noise":
        noise = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(seed))
        return 0.5 + _NOISE * (noise - 0.5)
    return resize(read_image(find_picture(init)), size)
