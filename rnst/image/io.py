"""Read, write and resize pictures. The only file that imports PIL."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageCms, ImageOps, PngImagePlugin, UnidentifiedImageError
from torch import Tensor
from torch.nn import functional as F

from rnst.errors import InvalidValueError, MissingPathError, UnreadableFileError
from rnst.files import written_aside

_FORMATS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
_SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I")
_LARGEST_16_BIT = 65535.0
_SETTINGS_KEY = "rnst"


def read_image(path: Path) -> Tensor:
    """A picture as (1, 3, H, W) float32 sRGB in [0, 1].

    The orientation tag is applied, an embedded color profile is converted to sRGB, transparency is laid over white.

    Raises:
        MissingPathError: no such file.
        UnreadableFileError: not a picture, or a damaged one.
    """
    if not path.is_file():
        raise MissingPathError(path, "picture", "Give the path of a picture.")
    try:
        with Image.open(path) as picture:
            return _to_tensor(_upright_srgb(picture))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, TypeError, Image.DecompressionBombError) as error:
        reason = "not a picture" if isinstance(error, UnidentifiedImageError) else str(error)
        raise UnreadableFileError(path, "a picture", reason) from error


def write_image(image: Tensor, path: Path, settings: Mapping[str, Any] | None = None) -> None:
    """Write a picture, complete or not at all.

    Args:
        image: (1, 3, H, W) or (3, H, W) in [0, 1]; values outside are clamped.
        path: the ending gives the format.
        settings: stored as JSON in a PNG's text.

    Raises:
        InvalidValueError: an ending that is no picture format.
    """
    check_format(path)
    picture = Image.fromarray(to_bytes(image))
    with written_aside(path) as aside:
        if path.suffix.lower() == ".png":
            text = PngImagePlugin.PngInfo()
            if settings:
                text.add_itxt(_SETTINGS_KEY, json.dumps(dict(settings), default=str))
            picture.save(aside, pnginfo=text)
        else:
            picture.save(aside, quality=95)


def check_format(path: Path) -> None:
    """Raise InvalidValueError unless `path` ends as a picture that can be written."""
    if path.suffix.lower() not in _FORMATS:
        raise InvalidValueError("output", str(path), f"a file name that ends in one of {', '.join(_FORMATS)}")


def to_bytes(image: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(1, 3, H, W) or (3, H, W) in [0, 1] to (H, W, 3) uint8, rounded."""
    pixels = image.detach().to("cpu", torch.float32).reshape(image.shape[-3:]).permute(1, 2, 0)
    return pixels.clamp(0.0, 1.0).mul(255.0).round().to(torch.uint8).contiguous().numpy()


def resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Resample (1, 3, H, W) to height and width `size`, antialiased bicubic, clamped to [0, 1]."""
    if tuple(image.shape[-2:]) == size:
        return image
    return F.interpolate(image, size=size, mode="bicubic", antialias=True).clamp(0.0, 1.0)


def fit_long_side(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    """Height and width scaled, the aspect kept, so that the longer is `long_side`."""
    factor = long_side / max(size)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _upright_srgb(picture: Image.Image) -> Image.Image:
    picture = ImageOps.exif_transpose(picture)
    profile = picture.info.get("icc_profile")
    if profile and picture.mode in {"RGB", "RGBA", "CMYK", "L"}:
        picture = _converted(picture, profile)
    if picture.mode in _SIXTEEN_BIT_MODES:
        # Pillow clips these modes to 8 bits instead of scaling them.
        grey = np.asarray(picture, dtype=np.float32) * (255.0 / _LARGEST_16_BIT)
        picture = Image.fromarray(grey.round().astype(np.uint8))
    if picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def _converted(picture: Image.Image, profile: bytes) -> Image.Image:
    """Pixels in sRGB; a damaged or unsuitable profile is ignored."""
    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture
    return picture if converted is None else converted


def _to_tensor(picture: Image.Image) -> Tensor:
    pixels = torch.from_numpy(np.array(picture, dtype=np.uint8))
    return pixels.permute(2, 0, 1).unsqueeze(0).to(torch.float32).div_(255.0).contiguous()
