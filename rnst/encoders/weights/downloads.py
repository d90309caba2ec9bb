"""Fetching weight files once: resumed where it stopped, checked, renamed when complete."""

import errno
import fcntl
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit

import torch

from rnst.encoders.weights.files import sha256_of
from rnst.encoders.weights.transfer import InterruptedTransferError, RefusedTransferError, check_url, transfer
from rnst.errors import RnstError
from rnst.files import written_aside

_ATTEMPTS = 4
_PAUSE = 0.5  # seconds after the first attempt; longer after each
_HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.[a-z]+$")  # as torchvision names its files
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class DownloadError(RnstError):
    """Weights that are not here could not be fetched."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"cannot download {url}: {reason}. Use a bundled encoder (rnst models lists them), "
            f"or give a weight file with --weights."
        )


def cache_folder() -> Path:
    """Where weights are kept: torch's own folder, which TORCH_HOME or XDG_CACHE_HOME move."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def fetch(url: str, sha256: str = "") -> Path:
    """A file from the network, or from the cache where it is there and whole.

    A download goes to a `.part` file, goes on where an earlier one stopped, is checked and then renamed. A file in the
    cache is checked at each use: one that is cut off or changed is fetched again, and what is there of it is used.

    Args:
        url: https; http from this machine alone.
        sha256: of the file; "" takes the first digits from its name, or else the server's word.

    Returns:
        Path of the complete file.

    Raises:
        DownloadError: there is no network, no such file, no room, or other content than was promised.
    """
    folder = cache_folder()
    target = folder / urlsplit(url).path.rsplit("/", 1)[-1]
    named = _HASH_IN_NAME.search(target.name)
    sha256 = sha256 or (named[1] if named else "")
    try:
        check_url(url)
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(target):
            if not _is_whole(target, sha256):
                _fetch(url, target, sha256)
    except (RefusedTransferError, InterruptedTransferError, HTTPException, OSError) as error:
        raise DownloadError(url, _reason(error, folder)) from error
    return target


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Let one process at a time fetch a file; the others wait, and find it."""
    with _beside(target, ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _beside(target: Path, ending: str) -> Path:
    return target.with_name(f"{target.name}{ending}")


def _is_whole(target: Path, sha256: str) -> bool:
    known = sha256 or _record(target).get("sha256", "")
    return target.is_file() and known != "" and sha256_of(target).startswith(known)


def _record(target: Path) -> dict[str, str]:
    """What an earlier download noted of a file: the server's "tag" of its version, and its "sha256" once complete."""
    try:
        content = json.loads(_beside(target, ".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in content.items()} if isinstance(content, dict) else {}


def _note(target: Path, **content: str) -> None:
    """Keep what is to be known of a file when it is asked for again."""
    with written_aside(_beside(target, ".json")) as aside:
        aside.write_text(json.dumps(content), encoding="utf-8")


def _fetch(url: str, target: Path, sha256: str) -> None:
    """Complete the `.part` file, check it, rename it. What the cache has in its place becomes the part."""
    part, foreign, noted = _beside(target, ".part"), target.is_file(), _record(target).get("sha256", "")
    if foreign:
        target.replace(part)
    for attempt in range(1, _ATTEMPTS + 1):
        resumed = part.is_file()
        try:
            told = transfer(url, part, _record(target).get("tag", ""), partial(_note, target, url=url))
        except URLError:
            if foreign and not sha256:  # put here by hand, and nobody can say whether it is whole: the reader will
                part.replace(target)
                return
            raise
        except InterruptedTransferError:
            if attempt == _ATTEMPTS:
                raise
            time.sleep(_PAUSE * attempt)
            continue
        found = sha256_of(part)
        if found.startswith(sha256 or told or (noted if resumed else "")):
            break
        part.unlink()
        if not resumed:
            raise RefusedTransferError(f"its sha256 is {found}, not {sha256 or told}; it was deleted")
    else:
        raise RefusedTransferError("it never came whole")
    part.replace(target)
    _note(target, url=url, sha256=found)


def _reason(error: Exception, folder: Path) -> str:
    """One line for a user."""
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, socket.gaierror):
        return "there is no network, or no such host"
    if isinstance(cause, TimeoutError):
        return "the server does not answer"
    if isinstance(cause, OSError) and cause.errno in _FULL:
        return f"{folder} cannot take it: {cause.strerror}; what is there stays, and the next try goes on from it"
    return " ".join(str(cause).split()) or type(cause).__name__
