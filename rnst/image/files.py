"""Read, write and resize pictures."""

import io
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from rnst.errors import MissingPathError, UnreadableFileError
from rnst.files import existing_file, written_aside
from rnst.image.credits import NO_CREDITS, Credits, read_credits
from rnst.image.deep_color import low_bytes
from rnst.image.endings import QUALITY, Depth, check_format
from rnst.image.formats import Pixels, Saving, decoded, encode
from rnst.image.opening import DAMAGED, OTHER_PICTURES, open_picture, readable_endings, why_unreadable

PilImage = Image.Image
_PICTURES_IN_ONE_FILE = ("GIF", "PNG", "WEBP", "TIFF")  # not formats of phones, whose further images are auxiliary


@dataclass(frozen=True)
class Picture:
    """A decoded picture file.

    Attributes:
        image: (1, 3, H, W) float32 sRGB in [0, 1]; white where fully transparent.
        alpha: (1, 1, H, W) in [0, 1], 0 is transparent; None for an opaque picture.
        profile: color profile to restore when a picture made from this one is written; None for plain sRGB.
        frames: number of pictures in the file; this is the first.
        credits: author, copyright, date, resolution and camera.
    """

    image: Tensor
    alpha: Tensor | None = None
    profile: bytes | None = None
    frames: int = 1
    credits: Credits = NO_CREDITS

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[-2], self.image.shape[-1]


def read_picture(path: Path) -> Picture:
    """Read a picture with its transparency and color profile.

    The orientation tag is applied, colors are converted from an embedded profile to sRGB, and transparency is stored
    separately.

    Raises:
        MissingPathError: the file does not exist.
        UnreadableFileError: the file is not a picture, is damaged, or has more than 178 million pixels.
    """
    return _picture(existing_file(path, "picture", "Give the path of a picture."), path)


def _picture(source: Path | io.BytesIO, name: Path | str) -> Picture:
    try:
        with warnings.catch_warnings(action="ignore"), open_picture(source) as opened:
            frames = int(getattr(opened, "n_frames", 1)) if opened.format in _PICTURES_IN_ONE_FILE else 1
            made_by = read_credits(opened)
            colors, alpha, profile = decoded(opened, low_bytes(source))
    except DAMAGED as error:
        raise UnreadableFileError(name, "a picture", why_unreadable(source, error)) from error
    image, visible = _tensors(colors, alpha)
    return Picture(image, visible, profile, frames, made_by)


def _tensors(colors: Pixels, alpha: Pixels | None) -> tuple[Tensor, Tensor | None]:
    """Image and alpha of a `Picture`, from what `decoded` returns."""
    image = torch.from_numpy(colors).permute(2, 0, 1).unsqueeze(0)
    if alpha is None:
        return image.contiguous(), None
    visible = torch.from_numpy(alpha).view(1, 1, *alpha.shape)
    return torch.where(visible > 0.0, image, 1.0).contiguous(), visible


def read_image(path: Path | str) -> Tensor:
    """Read a picture as (1, 3, H, W) float32 sRGB in [0, 1], composited over white.

    Raises:
        MissingPathError, UnreadableFileError: see `read_picture`.
    """
    return _over_white(read_picture(Path(path)))


def is_picture(path: Path) -> bool:
    """Whether a file exists and is a picture that can be read to its end."""
    try:
        read_picture(path)
    except (MissingPathError, UnreadableFileError):
        return False
    return True


def image_from_bytes(content: bytes, name: Path | str) -> Tensor:
    """Same as `read_image`, from the `content` of a file; `name` is used in errors.

    Raises:
        UnreadableFileError: see `read_picture`.
    """
    return _over_white(_picture(io.BytesIO(content), name))


def _over_white(picture: Picture) -> Tensor:
    if picture.alpha is None:
        return picture.image
    return picture.image * picture.alpha + (1.0 - picture.alpha)


def pictures_in(folder: Path) -> list[Path]:
    """Picture files in a folder, sorted by name, of every format that `read_picture` reads; hidden files are ignored.

    Raises:
        MissingPathError: the folder has no pictures.
    """
    found = _with_endings(folder, readable_endings())
    if not found:
        others = left_out(folder)
        advice = f"{others[0].name} has a format that is not read. " if others else ""
        raise MissingPathError(folder, "pictures", f"{advice}Give a folder of .png, .jpg or other pictures.")
    return found


def left_out(folder: Path) -> list[Path]:
    """Pictures in a folder whose format is not read, sorted by name."""
    readable = readable_endings()
    return _with_endings(folder, [ending for ending in OTHER_PICTURES if ending not in readable])


def _with_endings(folder: Path, endings: Collection[str]) -> list[Path]:
    found = (path for path in folder.iterdir() if path.suffix.lower() in endings and not path.name.startswith("."))
    return sorted(path for path in found if path.is_file())


def write_image(
    image: Tensor,
    path: Path | str,
    settings: Mapping[str, Any] | None = None,
    *,
    quality: int = QUALITY,
    depth: Depth = "auto",
    like: Picture | None = None,
    credits_: Credits = NO_CREDITS,
) -> None:
    """Write a picture atomically.

    Args:
        image: (1, 3, H, W) or (3, H, W) in [0, 1]; values outside are clamped.
        path: its extension sets the format.
        settings: stored as JSON in the file.
        quality: of JPEG, WebP, AVIF and HEIC, 1 to 100.
        depth: bits of each channel.
        like: picture whose transparency and color profile are restored.
        credits_: stored in the file.

    Raises:
        InvalidValueError: the extension is not a known format, or the format cannot hold so many pixels or bits.
        MissingExtraError: the format needs an extra.
    """
    path = Path(path)
    check_format(path, max(image.shape[-2:]), depth)
    size = (image.shape[-2], image.shape[-1])
    alpha = resize(like.alpha, size)[0].permute(1, 2, 0) if like is not None and like.alpha is not None else None
    with written_aside(path) as aside:
        encode(
            image.reshape(image.shape[-3:]).permute(1, 2, 0),
            aside,
            Saving(quality=quality, depth=depth, settings=settings or {}, credits=credits_),
            alpha=alpha,
            profile=like.profile if like is not None else None,
        )


def to_bytes(image: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(1, 3, H, W) or (3, H, W) in [0, 1] to (H, W, 3) uint8, rounded."""
    pixels = image.detach().to("cpu", torch.float32).reshape(image.shape[-3:]).permute(1, 2, 0)
    return pixels.clamp(0.0, 1.0).mul(255.0).round().to(torch.uint8).contiguous().numpy()


def to_pil(image: Tensor) -> PilImage:
    """(1, 3, H, W) or (3, H, W) in [0, 1] to a PIL image of 8 bits."""
    return Image.fromarray(to_bytes(image))


def from_pil(image: PilImage) -> Tensor:
    """A PIL image of any mode as (1, 3, H, W) float32 sRGB in [0, 1], laid over white where it is transparent.

    It is turned as its orientation tag says, as a file is. White is 65535 in an image of integers.

    Raises:
        UnreadableFileError: the image is empty, or the file from which Pillow decodes it only now is damaged.
    """
    if not image.width * image.height:
        raise UnreadableFileError("the PIL image", "a picture", "it is empty")
    try:
        colors, alpha, _ = decoded(image)
    except DAMAGED as error:
        raise UnreadableFileError("the PIL image", "a picture", str(error) or "it is damaged") from error
    return _over_white(Picture(*_tensors(colors, alpha)))


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Resample (1, C, H, W) to height and width `size`, antialiased bicubic, clamped to [0, 1]."""
    if tuple(image.shape[-2:]) == size:
        return image
    return F.interpolate(image, size=size, mode="bicubic", antialias=True).clamp(0.0, 1.0)


def reduced(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Reduce (1, C, H, W) to height and width `size` by a Lanczos filter of three lobes, clamped to [0, 1].

    This filter keeps more of the finest detail than `resize`, which is for inputs of networks. The result is on the
    device of `image`, without a graph.
    """
    if tuple(image.shape[-2:]) == size:
        return image
    planes = image.detach().to("cpu", torch.float32)[0].numpy()
    lanczos = Image.Resampling.LANCZOS
    resampled = [np.asarray(Image.fromarray(plane).resize(size[::-1], lanczos)) for plane in planes]
    return torch.from_numpy(np.stack(resampled)).unsqueeze(0).clamp(0.0, 1.0).to(image)


def fit_long_side(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    """Height and width scaled to a longer side of `long_side`; the aspect ratio is kept."""
    factor = long_side / max(size)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def fit_short_side(size: tuple[int, int], short_side: int) -> tuple[int, int]:
    """Height and width scaled to a shorter side of `short_side`; the aspect ratio is kept."""
    factor = short_side / min(size)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
