"""One request for a file, or for the part of it that is not here yet."""

import re
import shutil
from collections.abc import Callable
from email.message import Message
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

_TIMEOUT = 30.0  # seconds without an answer
_BLOCK = 1 << 18
_RESERVE = 1 << 26  # bytes of the disk that a download leaves free
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PART, _NOT_THERE, _FAILED = 206, 416, 500  # of HTTP: a part of the file, the file ends before that, the server's fault


class RefusedTransferError(Exception):
    """It will not work a second time either."""


class InterruptedTransferError(Exception):
    """It may go on when tried again."""


def transfer(url: str, part: Path, tag: str, note: Callable[..., None]) -> str:
    """Append to `part` what it lacks.

    Args:
        url: of the whole file.
        part: what there is of it, if anything.
        tag: the server's name for the version that the part belongs to, or "".
        note: called with `tag=` before the first byte comes.

    Returns:
        The sha256 that the server states, or "".

    Raises:
        RefusedTransferError: it will not work a second time either.
        InterruptedTransferError: it may go on when tried again.
        OSError: there is no network, or the disk takes no more.
    """
    have = part.stat().st_size if part.is_file() else 0
    headers = {"User-Agent": "rnst"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if tag and not tag.startswith("W/"):
            headers["If-Range"] = tag  # another version of the file is sent from its start
    redirects = _Redirects()
    try:
        response: HTTPResponse = build_opener(redirects).open(Request(url, headers=headers), timeout=_TIMEOUT)  # noqa: S310
    except HTTPError as error:
        return _answer_to(error, part, have, redirects)
    with response:
        start = have if response.status == _PART and _starts_at(response.headers, have) else 0
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else 0
        _check_room(part.parent, total - start)
        note(tag=response.headers.get("ETag", ""))
        _receive(response, part, start, total)
        stated = redirects.sha256 or _stated_sha256(response.headers)
    if total and part.stat().st_size != total:
        raise InterruptedTransferError(f"the connection ended after {part.stat().st_size} of {total} bytes")
    return stated


def _receive(response: HTTPResponse, part: Path, start: int, total: int) -> None:
    """Write what comes, with a bar on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with (
        part.open("r+b" if start else "wb") as file,
        Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as progress,
    ):
        task = progress.add_task(part.stem, total=total or None, completed=start)
        file.seek(start)
        try:
            while block := response.read(_BLOCK):
                file.write(block)
                progress.advance(task, len(block))
        except (HTTPException, TimeoutError, ConnectionError) as error:
            raise InterruptedTransferError(f"the connection broke: {error}") from error
        file.truncate()


def _answer_to(error: HTTPError, part: Path, have: int, redirects: "_Redirects") -> str:
    """What a refusal means: that the part is complete already, that it may be tried again, or the end."""
    with error:
        if error.code == _NOT_THERE and have:
            if error.headers.get("Content-Range", "") == f"bytes */{have}":
                return redirects.sha256 or _stated_sha256(error.headers)
            part.unlink()
            raise InterruptedTransferError("the file on the server is shorter than what is here") from error
        answer = f"the server answers {error.code} {error.reason}"
        raise (InterruptedTransferError if error.code >= _FAILED else RefusedTransferError)(answer) from error


class _Redirects(HTTPRedirectHandler):
    """Follows a server to another one, if that is allowed, and keeps the hash that it states on the way."""

    sha256 = ""

    def redirect_request(
        self, request: Request, file: IO[bytes], code: int, message: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """The next request; the Range goes with it."""
        check_url(newurl)
        self.sha256 = self.sha256 or _stated_sha256(headers)
        return super().redirect_request(request, file, code, message, headers, newurl)


def _stated_sha256(headers: Message) -> str:
    """Hugging Face says the hash of a large file in a header of its own."""
    stated = headers.get("X-Linked-Etag", "").strip('"')
    return stated if _SHA256.fullmatch(stated) else ""


def _starts_at(headers: Message, have: int) -> bool:
    return headers.get("Content-Range", "").startswith(f"bytes {have}-")


def check_url(url: str) -> None:
    """Refuse what could be read or changed on its way.

    Raises:
        RefusedTransferError: neither https nor this machine.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}):
        raise RefusedTransferError(f"{parts.scheme}://{parts.hostname} is not https")


def _check_room(folder: Path, wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if wanted + _RESERVE > free:
        raise RefusedTransferError(f"it needs {wanted / 1e6:,.0f} MB, and {folder} has {free / 1e6:,.0f} MB left")
