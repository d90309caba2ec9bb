"""Picture files are opened here alone: by an explicit list of formats, none of which runs a program.

Pillow on its own also opens EPS, for which it starts Ghostscript, and other formats that are programs or documents.
"""

import io
import re
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path

from PIL import Image, UnidentifiedImageError

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


def open_picture(source: Path | io.BytesIO) -> Image.Image:
    """Open a picture file by its content, whatever its name.

    Raises:
        UnidentifiedImageError: the file has none of the supported formats; `kind_of` may know which it has.
    """
    return Image.open(source, formats=_formats())


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
        pixels, most = re.search(r"\d+", text), 2 * (Image.MAX_IMAGE_PIXELS or 0) // 10**6
        return f"it has {pixels[0] if pixels else 'too many'} pixels, more than {most} million: reduce it first"
    if "Decompressed data too large" in text or "memory used in text chunks" in text:
        return "a text or profile in it is larger than 1 MB: save it again without metadata"
    if isinstance(error, UnidentifiedImageError):
        return _kind_of(_start_of(source)) or "not a picture"
    return text or "it is damaged"


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
