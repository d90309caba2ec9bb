"""References from a page to its pictures: relative addresses, or embedded bytes."""

import base64
import io
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from rnst.errors import MissingPathError, UnreadableFileError

# First bytes -> type, for the formats that browsers show. The name of WebP begins at the eighth byte.
_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
}
_WEBP = slice(8, 12)
_BRAND = slice(4, 12)  # of an ISO container
_LONGEST_SIGNATURE = 12
_NOT_SHOWN = {".tif", ".tiff", ".heic"}  # formats of ours that browsers do not show
_FINE = 95  # quality of a JPEG in the place of a file


class Pictures:
    """The pictures of one page.

    Args:
        folder: folder of the page; addresses are relative to it.
        embed: embed every picture in the page: a number, as JPEG of this quality; True, the bytes of its file.
        thumbnails: picture -> a small version of it, if there is one.
    """

    def __init__(self, folder: Path, *, embed: bool | int, thumbnails: Mapping[Path, Path]) -> None:
        self.embedded: dict[str, str] = {}
        self._folder, self._embed = folder, embed
        self._thumbnails = {_absolute(picture): small for picture, small in thumbnails.items()}
        self._names: dict[str, str] = {}

    def reference(self, path: Path) -> str:
        """A relative address, or `#` and the name of an entry in `embedded`.

        Raises:
            MissingPathError: the picture does not exist.
            UnreadableFileError: the page links to the picture, and browsers do not show its format; or it is damaged.
        """
        if not path.is_file():
            raise MissingPathError(path, "picture of the gallery", "Remove its .json file, or bring the picture back.")
        if self._embed:
            return f"#{self._name(path)}"
        if path.suffix.lower() in _NOT_SHOWN:
            raise UnreadableFileError(path, "a picture for a page", "browsers do not show it; --embed carries a JPEG")
        return self.address(path)

    def thumbnail(self, path: Path) -> str:
        """Like `reference`, for the small version if there is one, otherwise for the picture itself."""
        return self.reference(self._thumbnails.get(_absolute(path), path))

    def thumbnail_if_shown(self, path: Path) -> str | None:
        """Like `thumbnail`, or None if the file is absent or not a picture for browsers: it may be a foreign file."""
        small = self._thumbnails.get(_absolute(path), path)
        return self.reference(small) if picture_type(small) else None

    def address(self, path: Path) -> str:
        """Address of a file relative to the page, quoted, so that no part of a name acts as a query or a fragment."""
        try:
            relative = os.path.relpath(_absolute(path), _absolute(self._folder))
        except ValueError:  # another drive
            return path.absolute().as_uri()
        return quote(os.fsencode(relative.replace(os.sep, "/")))

    def _name(self, path: Path) -> str:
        key = _absolute(path)
        if key not in self._names:
            media_type, content = _as_it_is(path) if isinstance(self._embed, bool) else _as_jpeg(path, self._embed)
            self._names[key] = f"picture-{len(self._names)}"
            self.embedded[self._names[key]] = f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
        return self._names[key]


def picture_type(path: Path) -> str | None:
    """Media type of a picture that browsers show, by its first bytes; None for everything else."""
    try:
        with path.open("rb") as file:
            start = file.read(_LONGEST_SIGNATURE)
    except (OSError, ValueError):  # ValueError: a null byte in the path
        return None
    if start[:4] == b"RIFF" and start[_WEBP] == b"WEBP":
        return "image/webp"
    if start[_BRAND] == b"ftypavif":
        return "image/avif"
    return next((media for signature, media in _SIGNATURES.items() if start.startswith(signature)), None)


def _as_it_is(path: Path) -> tuple[str, bytes]:
    """The bytes of a file, or a JPEG where browsers do not show its format."""
    media_type = picture_type(path)
    return _as_jpeg(path, _FINE) if media_type is None else (media_type, path.read_bytes())


def _as_jpeg(path: Path, quality: int) -> tuple[str, bytes]:
    from rnst.image.files import read_image, to_pil

    file = io.BytesIO()
    to_pil(read_image(path)).save(file, "JPEG", quality=quality, subsampling=0)  # colors keep their pixels
    return "image/jpeg", file.getvalue()


def _absolute(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - lexical, as a browser reads "..": resolve() would follow links
