"""Published weights from the network: huggingface_hub and torch.hub fetch and keep them, their sha256 is checked here.

Both libraries have a cache of their own, which HF_HOME and TORCH_HOME move. huggingface_hub resumes a transfer that
breaks and knows an offline mode (HF_HUB_OFFLINE); torch.hub does neither.
"""

import re
import warnings
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import torch
from filelock import FileLock

from rnst.encoders.weights.files import sha256_of
from rnst.errors import RnstError

_ON_THE_HUB = re.compile(r"https://huggingface\.co/([^/]+/[^/]+)/resolve/([0-9a-f]{40})/(.+)")
_HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.[a-z]+$")  # as torchvision names its files
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NO_ROOM = "Not enough free disk space"  # huggingface_hub warns, and starts all the same


class DownloadError(RnstError):
    """Weights that are not here could not be fetched."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"cannot download {url}: {reason}. Use a bundled encoder (rnst models lists them), "
            f"or give a weight file with --weights."
        )


def fetch(url: str, sha256: str = "") -> Path:
    """A file from the cache of huggingface_hub or torch.hub, downloaded where it is not there.

    The content is checked at each use: a file in a cache may be cut off or changed.

    Args:
        url: of a file; one at a commit of a repository on huggingface.co comes by huggingface_hub.
        sha256: of the file, or its first digits; "" takes the digits in its name, or those that the hub states.

    Returns:
        Path of the file.

    Raises:
        DownloadError: there is no network, no such file, no room, or other content than was promised.
    """
    place = _ON_THE_HUB.fullmatch(url)
    name = urlsplit(url).path.rsplit("/", 1)[-1]
    named = _HASH_IN_NAME.search(name)
    wanted = sha256 or (named[1] if named else "")
    path = _from_hub(url, *place.groups()) if place else _from_address(url, name, wanted)
    whole = path.resolve()  # the hub keeps a link to a file that is named after the content: sha256, of large files
    if not wanted and place and _SHA256.fullmatch(whole.name):
        wanted = whole.name
    found = sha256_of(whole)
    if not found.startswith(wanted):
        raise DownloadError(url, f"the sha256 of {whole} is {found}, not {wanted}; delete that file and try again")
    return path


def kept_by_torch(url: str) -> Path | None:
    """A file that torch.hub keeps in its cache, whole; None if it is not there. Nothing is downloaded."""
    name = urlsplit(url).path.rsplit("/", 1)[-1]
    path, named = Path(torch.hub.get_dir()) / "checkpoints" / name, _HASH_IN_NAME.search(name)
    return path if path.is_file() and sha256_of(path).startswith(named[1] if named else "") else None


def _from_hub(url: str, repository: str, revision: str, name: str) -> Path:
    """A file of a repository on huggingface.co."""
    # Half a second, for none but those who need it.
    from huggingface_hub import (
        constants,
        get_hf_file_metadata,
        hf_hub_download,
        hf_hub_url,
        try_to_load_from_cache,
    )
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    kept = try_to_load_from_cache(repository, name, revision=revision)
    if isinstance(kept, str):
        return Path(kept)
    no_connection: type[Exception] = HfHubHTTPError.__bases__[0]  # root of the errors of the hub's HTTP library
    try:
        # Asked once: without a network hf_hub_download goes on asking for half a minute.
        get_hf_file_metadata(hf_hub_url(repository, name, revision=revision))
        with warnings.catch_warnings():
            warnings.filterwarnings("error", _NO_ROOM)
            return Path(hf_hub_download(repository, name, revision=revision))
    except OfflineModeIsEnabled as error:
        reason = f"HF_HUB_OFFLINE is set, and the file is not in {constants.HF_HUB_CACHE}"
        raise DownloadError(url, reason) from error
    except HfHubHTTPError as error:
        reason = f"the server answers {error.response.status_code} {error.response.reason_phrase}"
        raise DownloadError(url, reason) from error
    except no_connection as error:
        raise DownloadError(url, f"no connection to the server: {_line(error)}") from error
    except (OSError, RuntimeError, UserWarning) as error:
        raise DownloadError(url, _reason(error, constants.HF_HUB_CACHE)) from error


def _from_address(url: str, name: str, sha256: str) -> Path:
    """A file from anywhere else."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    target = folder / name
    try:
        if not target.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / f"{name}.lock"):  # another process may be fetching it
                if not target.is_file():
                    part = folder / f"{name}.part"
                    torch.hub.download_url_to_file(url, str(part), sha256 or None)
                    if not sha256:
                        _check_length(url, part)
                    part.replace(target)
    except HTTPError as error:
        error.close()  # it holds the connection
        raise DownloadError(url, f"the server answers {error.code} {error.reason}") from error
    except (OSError, RuntimeError) as error:
        raise DownloadError(url, _reason(error, str(folder))) from error
    return target


def _check_length(url: str, part: Path) -> None:
    """Delete a file that is cut off, which torch.hub notices by its hash alone.

    Raises:
        OSError: the server states another length.
    """
    with urlopen(Request(url, method="HEAD")) as answer:  # noqa: S310 - an address of the catalog
        wanted = answer.headers["Content-Length"]
    found = part.stat().st_size
    if wanted is not None and int(wanted) != found:
        part.unlink()
        raise OSError(f"the connection ended after {found} of {wanted} bytes")


def _reason(error: Exception, folder: str) -> str:
    """Why there is no file, in one line."""
    if isinstance(error, URLError | ConnectionError | TimeoutError):
        return f"no connection to the server: {error.reason if isinstance(error, URLError) else _line(error)}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or folder}: {error.strerror}"
    return _line(error)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
