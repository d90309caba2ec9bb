"""Conversion between picture files, of every mode that Pillow decodes, and RGB with transparency."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image, ImageOps
from torch import Tensor

from rnst.image.credits import NO_CREDITS, Credits, exif_of, exposure_tags, main_tags
from rnst.image.deep_color import alpha_of_key, joined
from rnst.image.deep_png import write_deep_png
from rnst.image.endings import QUALITY, Depth, is_deep
from rnst.image.gray import DEEP_MODES, gray_values
from rnst.image.metadata import PNG_KEY, as_text, png_text
from rnst.image.opening import can_write
from rnst.image.profiles import SRGB, from_srgb, is_srgb, to_srgb

Pixels = np.ndarray[Any, np.dtype[np.float32]]

_TIFF = (".tif", ".tiff")
_OPAQUE = (".jpg", ".jpeg")
_PNG = ".png"
_WITH_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")
_COLOR_CHANNELS = 3
_LONGEST_EXIF = 65_533  # bytes of one segment of a JPEG; the sidecar holds longer settings
_LARGEST_8_BIT, _LARGEST_16_BIT = 255.0, 65535.0
_NAMES = {".jpg": "JPEG", ".jpeg": "JPEG", ".heic": "HEIF"}  # of Pillow, where they are not the extension
# Types of TIFF tags: text, whole numbers, fractions, signed fractions.
_TEXT, _SHORT, _RATIONAL, _SIGNED_RATIONAL = 2, 3, 5, 10
_DENOMINATOR = 1_000_000  # exposures are as short as 1/32000 s


@dataclass(frozen=True, kw_only=True)
class Saving:
    """How a picture is written, and what is stored with it.

    Attributes:
        quality: of JPEG, WebP, AVIF and HEIC, 1 to 100.
        depth: bits of each channel.
        settings: stored as JSON.
        credits: of the photo that it was made from.
    """

    quality: int = QUALITY
    depth: Depth = "auto"
    settings: Mapping[str, Any] = field(default_factory=dict)
    credits: Credits = NO_CREDITS

    @property
    def text(self) -> str:
        """The settings as JSON; "" where there are none."""
        return as_text(self.settings) if self.settings else ""


def decoded(picture: Image.Image, low: Image.Image | None = None) -> tuple[Pixels, Pixels | None, bytes | None]:
    """Colors, transparency and color profile of an opened picture; its orientation tag is applied.

    A gray picture without a profile keeps 16 bits. So does a color picture without one, or in sRGB, whose low bytes are
    given. Pillow converts profiles with 8.

    Args:
        picture: opened, not necessarily decoded.
        low: its low bytes, see `low_bytes`.

    Returns:
        Colors (H, W, 3) in sRGB in [0, 1]; alpha (H, W) in [0, 1], or None for an opaque picture; the profile to
        restore, or None.
    """
    tags = getattr(picture, "tag_v2", {})  # of a TIFF; transposing makes a copy without them
    picture = ImageOps.exif_transpose(picture)
    profile, alpha = picture.info.get("icc_profile"), None
    if picture.mode in DEEP_MODES:
        gray, alpha = gray_values(picture, tags), _keyed(picture)
        if not profile:
            return np.repeat(gray[..., None], 3, axis=2), alpha, None
        picture = Image.fromarray((gray * _LARGEST_8_BIT).round().astype(np.uint8))
    if low is not None:
        key = picture.info.pop("transparency", None)  # of 16 bits, which Pillow compares with 8
        keeps = not profile or is_srgb(profile)
        numbers = joined(picture, ImageOps.exif_transpose(low)) if keeps or key else None
        alpha = alpha_of_key(numbers, key) if numbers is not None and key else None
        if numbers is not None and keeps:
            alpha = numbers[..., _COLOR_CHANNELS] if numbers.shape[2] > _COLOR_CHANNELS else alpha
            return numbers[..., :_COLOR_CHANNELS], _unless_opaque(alpha), profile or None
    if picture.mode == "La":  # which Pillow converts to nothing else
        picture = picture.convert("LA")
    if picture.mode in _WITH_ALPHA or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        alpha = np.asarray(picture.getchannel("A"), dtype=np.float32) / _LARGEST_8_BIT
        picture = picture.convert("RGB")
    elif picture.mode not in {"CMYK", "L"}:
        picture = picture.convert("RGB")
    picture, kept = to_srgb(picture, profile) if profile else (picture, None)
    colors = np.asarray(picture.convert("RGB"), dtype=np.float32) / _LARGEST_8_BIT
    return colors, _unless_opaque(alpha), kept


def encode(colors: Tensor, path: Path, saving: Saving, *, alpha: Tensor | None, profile: bytes | None) -> None:
    """Write a picture in the format of the extension of `path`.

    With 16 bits it stays in sRGB; with 8 bits it gets the profile. JPEG has no transparency; the picture is composited
    over white.

    Args:
        colors: (H, W, 3) in sRGB in [0, 1].
        path: file to write; an existing one is overwritten.
        saving: how, and with what.
        alpha: (H, W, 1) in [0, 1], or None.
        profile: ICC profile for RGB, or None.

    Raises:
        OSError: the file cannot be written, or the installed Pillow does not write the format.
    """
    ending = path.suffix.lower()
    if alpha is not None and ending in _OPAQUE:
        colors, alpha = colors * alpha + (1.0 - alpha), None
    if is_deep(path, saving.depth):
        channels = [colors] if alpha is None else [colors, alpha]
        numbers = np.concatenate([_integers(each, _LARGEST_16_BIT) for each in channels], axis=2).astype(np.uint16)
        _encode_deep(numbers, path, saving, SRGB if profile is not None else None)
        return
    picture = Image.fromarray(_integers(colors, _LARGEST_8_BIT).astype(np.uint8))
    if profile is not None:
        picture, profile = from_srgb(picture, profile)
    if alpha is not None:
        picture.putalpha(Image.fromarray(_integers(alpha[..., 0], _LARGEST_8_BIT).astype(np.uint8)))
    if ending in _TIFF:
        _encode_tiff(np.asarray(picture), path, saving, profile)
    else:
        _encode_shallow(picture, path, saving, profile)


def _encode_shallow(picture: Image.Image, path: Path, saving: Saving, profile: bytes | None) -> None:
    """Write 8 bits by Pillow."""
    ending, dpi = path.suffix.lower(), saving.credits.dpi
    kind = _NAMES.get(ending, ending[1:].upper())
    if not can_write(kind):
        raise OSError(f"the installed Pillow does not write {kind}")
    options: dict[str, Any] = {"icc_profile": profile} if profile is not None else {}
    if dpi is not None:
        options["dpi"] = dpi
    if ending == _PNG:
        options["pnginfo"], description = (png_text(saving.text) if saving.text else None), ""
    else:
        options["quality"], description = saving.quality, saving.text
    exif = exif_of(saving.credits, description, _LONGEST_EXIF if ending in _OPAQUE else None)
    if exif:
        options["exif"] = exif
    picture.save(path, format=kind, **options)


def _encode_deep(numbers: Any, path: Path, saving: Saving, profile: bytes | None) -> None:
    if path.suffix.lower() in _TIFF:
        _encode_tiff(numbers, path, saving, profile)
        return
    text = (PNG_KEY, saving.text) if saving.text else None
    made_by = exif_of(saving.credits)
    write_deep_png(path, numbers, profile=profile, dpi=saving.credits.dpi, exif=made_by, text=text)


def _keyed(picture: Image.Image) -> Pixels | None:
    """Transparency (H, W) of a 16-bit gray picture of which one value is transparent; None where there is none."""
    key = picture.info.get("transparency")
    if not isinstance(key, int):
        return None
    alpha: Pixels = (np.asarray(picture) != key).astype(np.float32)
    return alpha if alpha.min(initial=1.0) < 1.0 else None


def _unless_opaque(alpha: Pixels | None) -> Pixels | None:
    return alpha if alpha is not None and alpha.min() < 1.0 else None


def _encode_tiff(numbers: Any, path: Path, saving: Saving, profile: bytes | None) -> None:
    """Write (H, W, channels) of 8 or 16 bits."""
    options: dict[str, Any] = {"resolution": saving.credits.dpi, "resolutionunit": "INCH"} if saving.credits.dpi else {}
    tags = main_tags(saving.credits) | exposure_tags(saving.credits)
    tifffile.imwrite(
        path,
        numbers,
        photometric="rgb",
        extrasamples=["unassalpha"] if numbers.shape[2] > _COLOR_CHANNELS else None,
        compression="zlib",
        description=saving.text or None,
        iccprofile=profile,
        metadata=None,
        extratags=[_tiff_tag(tag, value) for tag, value in sorted(tags.items())],
        **options,
    )


def _tiff_tag(tag: int, value: Any) -> tuple[int, int, int, Any, bool]:
    """Number, type, count and value of a tag, as tifffile takes them; True: it is written once."""
    if isinstance(value, str):
        return tag, _TEXT, 0, value.encode(), True
    several = value if isinstance(value, tuple) else (value,)
    if all(isinstance(each, int) for each in several):
        return tag, _SHORT, len(several), several, True
    kind = _SIGNED_RATIONAL if min(several) < 0 else _RATIONAL
    fractions = [part for each in several for part in Fraction(each).limit_denominator(_DENOMINATOR).as_integer_ratio()]
    return tag, kind, len(several), tuple(fractions), True


def _integers(values: Tensor, largest: float) -> Pixels:
    return values.detach().cpu().float().clamp(0.0, 1.0).mul(largest).round().numpy()
