"""Conversion between picture files, of every mode that Pillow decodes, and RGB with transparency."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image, ImageOps
from torch import Tensor

from rnst.image.gray import DEEP_MODES, gray_values
from rnst.image.metadata import as_text, exif, png_text
from rnst.image.profiles import SRGB, from_srgb, to_srgb

Pixels = np.ndarray[Any, np.dtype[np.float32]]

_TIFF = (".tif", ".tiff")
_OPAQUE = (".jpg", ".jpeg")
_WITH_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")
_LONGEST_EXIF = 65_533  # bytes of one segment of a JPEG; the sidecar holds longer settings
_LARGEST_8_BIT, _LARGEST_16_BIT = 255.0, 65535.0


def decoded(picture: Image.Image) -> tuple[Pixels, Pixels | None, bytes | None]:
    """Colors, transparency and color profile of an opened picture; its orientation tag is applied.

    A gray picture keeps 16 bits; Pillow reduces those of a color picture to 8.

    Returns:
        Colors (H, W, 3) in sRGB in [0, 1]; alpha (H, W) in [0, 1], or None for an opaque picture; the profile to
        restore, or None.
    """
    tags = getattr(picture, "tag_v2", {})  # of a TIFF; transposing makes a copy without them
    picture = ImageOps.exif_transpose(picture)
    profile = picture.info.get("icc_profile")
    if picture.mode in DEEP_MODES:
        gray, alpha = gray_values(picture, tags), _keyed(picture)
        if not profile:
            return np.repeat(gray[..., None], 3, axis=2), alpha, None
        picture = Image.fromarray((gray * _LARGEST_8_BIT).round().astype(np.uint8))
    alpha = None
    if picture.mode in _WITH_ALPHA or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        alpha = np.asarray(picture.getchannel("A"), dtype=np.float32) / _LARGEST_8_BIT
        picture = picture.convert("RGB")
    elif picture.mode not in {"CMYK", "L"}:
        picture = picture.convert("RGB")
    picture, kept = to_srgb(picture, profile) if profile else (picture, None)
    colors = np.asarray(picture.convert("RGB"), dtype=np.float32) / _LARGEST_8_BIT
    return colors, alpha if alpha is not None and alpha.min() < 1.0 else None, kept


def encode(
    colors: Tensor,
    path: Path,
    *,
    alpha: Tensor | None,
    profile: bytes | None,
    quality: int,
    settings: Mapping[str, Any],
) -> None:
    """Write a picture in the format of the extension of `path`.

    TIFF has 16 bits per channel and stays in sRGB; the other formats have 8 bits and get the profile. JPEG has no
    transparency; the picture is composited over white.

    Args:
        colors: (H, W, 3) in sRGB in [0, 1].
        path: file to write; an existing one is overwritten.
        alpha: (H, W, 1) in [0, 1], or None.
        profile: ICC profile for RGB, or None.
        quality: of JPEG and WebP, 1 to 100.
        settings: stored in the file.
    """
    ending = path.suffix.lower()
    if ending in _TIFF:
        _encode_tiff(colors, path, alpha, profile, settings)
        return
    if alpha is not None and ending in _OPAQUE:
        colors, alpha = colors * alpha + (1.0 - alpha), None
    picture = Image.fromarray(_integers(colors, _LARGEST_8_BIT).astype(np.uint8))
    options: dict[str, Any] = {}
    if profile is not None:
        picture, options["icc_profile"] = from_srgb(picture, profile)
    if alpha is not None:
        picture.putalpha(Image.fromarray(_integers(alpha[..., 0], _LARGEST_8_BIT).astype(np.uint8)))
    if ending == ".png":
        picture.save(path, pnginfo=png_text(settings) if settings else None, **options)
    else:
        longest = _LONGEST_EXIF if ending in _OPAQUE else None
        picture.save(path, quality=quality, exif=exif(settings, longest) if settings else b"", **options)


def _keyed(picture: Image.Image) -> Pixels | None:
    """Transparency (H, W) of a 16-bit gray picture of which one value is transparent; None where there is none."""
    key = picture.info.get("transparency")
    if not isinstance(key, int):
        return None
    alpha: Pixels = (np.asarray(picture) != key).astype(np.float32)
    return alpha if alpha.min(initial=1.0) < 1.0 else None


def _encode_tiff(
    colors: Tensor, path: Path, alpha: Tensor | None, profile: bytes | None, settings: Mapping[str, Any]
) -> None:
    channels = [_integers(colors, _LARGEST_16_BIT)]
    if alpha is not None:
        channels.append(_integers(alpha, _LARGEST_16_BIT))
    tifffile.imwrite(
        path,
        np.concatenate(channels, axis=2).astype(np.uint16),
        photometric="rgb",
        extrasamples=["unassalpha"] if alpha is not None else None,
        compression="zlib",
        description=as_text(settings) if settings else None,
        iccprofile=SRGB if profile is not None else None,
        metadata=None,
    )


def _integers(values: Tensor, largest: float) -> Pixels:
    return values.detach().cpu().float().clamp(0.0, 1.0).mul(largest).round().numpy()
