"""Picture files are opened here alone: by an explicit list of formats, none of which runs a program.

Pillow on its own also opens EPS, for which it starts Ghostscript, and other formats that are programs or documents.
"""

import io
import math
import re
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any, Literal

from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile
from PIL.WebPImagePlugin import WebPImageFile

from rnst.errors import how_to_add

_FORMATS = (
    *("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "DIB", "AVIF", "JPEG2000"),  # JPEG opens MPO too
    *("PPM", "TGA", "PCX", "SGI", "ICO", "PSD", "QOI"),
)
_HEIF = "HEIF"  # needs an extra
ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".dib", ".avif"),
    *(".jp2", ".j2k", ".jpx", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".pcx", ".sgi", ".ico", ".psd", ".qoi"),
)
"""Extensions of the files that can be read, in lower case; HEIF_ENDINGS as well where the extra is installed."""
HEIF_ENDINGS = (".heic", ".heif", ".hif")
OTHER_PICTURES = (*HEIF_ENDINGS, ".jxl", ".svg", ".pdf", ".eps", ".ps", ".wmf", ".emf", ".exr", ".hdr", ".dng", ".xcf")
"""Extensions of pictures that a folder may hold and that cannot be read; see `readable_endings`."""

DAMAGED = (
    OSError, SyntaxError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError, EOFError, RuntimeError,
    MemoryError, struct.error, Image.DecompressionBombError,
)  # fmt: skip
"""Errors that decoders raise for damaged files."""

_BITS, _PLANES = 258, 284  # tags of TIFF
_SEPARATE = 2  # value of the last one
_STEPS = {"L;2": 85, "L;4": 17}  # how numbers of few bits are stored -> by what Pillow multiplies them
_START = 1024  # bytes in which a format shows itself
_BRANDS = slice(4, 12)  # of the ISO container: ftyp and the brand
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_VIDEO_BRANDS = (b"isom", b"iso2", b"mp41", b"mp42", b"qt  ", b"M4V ", b"avc1", b"3gp4", b"3gp5")
_CONVERT = "convert it to PNG or JPEG"
# First bytes -> what the file is, and what to do.
_SIGNATURES = {
    b"%!PS": f"it is a PostScript program, which is never run: {_CONVERT}",
    b"\xc5\xd0\xd3\xc6": f"it is a PostScript program, which is never run: {_CONVERT}",
    b"%PDF": "it is a PDF document: export its page as PNG or JPEG",
    b"\xff\x0a": f"it is a JPEG XL picture, which is not supported: {_CONVERT}",
    b"\0\0\0\x0cJXL ": f"it is a JPEG XL picture, which is not supported: {_CONVERT}",
    b"\xd7\xcd\xc6\x9a": f"it is a Windows metafile, which is not supported: {_CONVERT}",
    b"v/1\x01": f"it is an OpenEXR picture, which is not supported: {_CONVERT}",
    b"#?RADIANCE": f"it is a Radiance picture, which is not supported: {_CONVERT}",
    b"gimp xcf": "it is a project of GIMP: export it as PNG",
    b"FUJIFILM": "it is a raw photo of a camera: develop it to TIFF or JPEG",
    b"\x1aE\xdf\xa3": "it is a video: save its frames as PNG or JPEG",
    b"PK\x03\x04": "it is an archive or a project of a drawing program: export it as PNG",
    b"\x1f\x8b": "it is a compressed archive: unpack it first",
    b"version https://git-lfs": "it is a pointer of Git LFS and not the file itself, which `git lfs pull` fetches",
    b"II*\0": "it is a TIFF of an unsupported or damaged kind: save it again in RGB with 8 or 16 bits",
    b"MM\0*": "it is a TIFF of an unsupported or damaged kind: save it again in RGB with 8 or 16 bits",
}


@contextmanager
def open_picture(source: Path | io.BytesIO) -> Iterator[Image.Image]:
    """Open a picture file by its content, whatever its name; its pixels can be decoded until the block ends.

    Raises:
        UnidentifiedImageError: the file has none of the supported formats; `why_unreadable` may know which it has.
    """
    # Pillow is given no name: it would map uncompressed TIFFs into memory with height and width already exchanged.
    opened = nullcontext(source) if isinstance(source, io.BytesIO) else source.open("rb")
    with opened as file, Image.open(file, formats=_formats()) as picture:
        _give_planes_their_bits(picture)
        _scale_key(picture)
        yield picture


def open_quickly(content: memoryview, kind: Literal["JPEG", "WEBP"]) -> Image.Image:
    """Open the bytes of a picture in one of two formats, without the search of `open_picture`.

    Raises:
        DAMAGED: one of these errors; it has another format, is damaged, or has too many pixels.
    """
    picture = (JpegImageFile if kind == "JPEG" else WebPImageFile)(io.BytesIO(content))
    if picture.width * picture.height > most_pixels():
        raise Image.DecompressionBombError
    return picture


def _give_planes_their_bits(picture: Any) -> None:
    """Let Pillow read 16 bits of each number in a TIFF of separate uncompressed planes; on its own it reads 8."""
    tags: Any = getattr(picture, "tag_v2", {})
    if tags.get(_PLANES) != _SEPARATE or set(tags.get(_BITS, ())) != {16}:
        return
    order = "B" if tags.prefix == b"MM" else "L"
    picture.tile = [
        tile._replace(args=(f"{tile.args[0]};16{order}", *tile.args[1:])) if tile.codec_name == "raw" else tile
        for tile in picture.tile
    ]


def _scale_key(picture: Any) -> None:
    """Scale the transparent value of a gray picture of 2 or 4 bits as Pillow scales all others."""
    key = picture.info.get("transparency")
    if isinstance(key, int) and picture.mode == "L" and isinstance(picture.tile[0].args, str):
        picture.info["transparency"] = key * _STEPS.get(picture.tile[0].args, 1)


def most_pixels() -> float:
    """Number of pixels above which a picture is refused."""
    return 2 * Image.MAX_IMAGE_PIXELS if Image.MAX_IMAGE_PIXELS else math.inf


def can_write(name: str) -> bool:
    """Whether a format of Pillow can be written here."""
    _formats()
    return name in Image.SAVE


@cache
def _formats() -> tuple[str, ...]:
    """Names of the formats; a build of Pillow may lack some."""
    Image.init()
    _register_heif()
    return tuple(name for name in (*_FORMATS, _HEIF) if name in Image.OPEN)


@cache
def readable_endings() -> tuple[str, ...]:
    """Extensions of the picture files that a folder may hold."""
    return (*ENDINGS, *HEIF_ENDINGS) if _register_heif() else ENDINGS


def why_unreadable(source: Path | io.BytesIO, error: Exception) -> str:
    """Why a picture cannot be read, and what to do, in one line.

    Args:
        source: the file.
        error: what opening or decoding it raised.
    """
    text = " ".join(str(error).split())
    if isinstance(error, Image.DecompressionBombError):
        pixels = re.search(r"\d+", text)
        return too_many(pixels[0] if pixels else "too many")
    if "Decompressed data too large" in text or "memory used in text chunks" in text:
        return "a text or profile in it is larger than 1 MB: save it again without metadata"
    if isinstance(error, UnidentifiedImageError):
        return _kind_of(_start_of(source)) or "not a picture"
    return text or "it is damaged"


def too_many(pixels: int | str) -> str:
    """Why a picture of so many pixels is refused."""
    return f"it has {pixels} pixels, more than {most_pixels() // 10**6:.0f} million: reduce it first"


def _start_of(source: Path | io.BytesIO) -> bytes:
    if isinstance(source, io.BytesIO):
        return source.getvalue()[:_START]
    try:
        with source.open("rb") as file:
            return file.read(_START)
    except OSError:
        return b"?"


def _kind_of(start: bytes) -> str:
    """What a file that begins with `start` is, if it is known and not supported; "" otherwise."""
    if not start:
        return "not a picture, it is empty"
    known = next((told for signature, told in _SIGNATURES.items() if start.startswith(signature)), "")
    return known or _kind_of_container(start[_BRANDS]) or _kind_of_text(start.lstrip().lower())


def _kind_of_container(brand: bytes) -> str:
    if brand[:4] == b"ftyp" and brand[4:] in _HEIC_BRANDS:
        if _register_heif():
            return "it is a damaged HEIC picture"
        return f"it is a HEIC picture, which needs the extra 'heic': {how_to_add('heic')}; or convert it to JPEG"
    is_video = brand[:4] == b"ftyp" and brand[4:] in _VIDEO_BRANDS
    return "it is a video: save its frames as PNG or JPEG" if is_video else ""


def _kind_of_text(text: bytes) -> str:
    if b"<svg" in text and text.startswith(b"<"):
        return "it is an SVG drawing: export it as PNG"
    if text.startswith((b"<!doctype html", b"<html")):
        return "it is a web page: download the picture itself"
    return ""


@cache
def _register_heif() -> bool:
    """Make Pillow read HEIC where the extra is installed; whether it does."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register: Callable[[], None] = register_heif_opener
    register()
    return True
