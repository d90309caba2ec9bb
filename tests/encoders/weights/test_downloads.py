"""The libraries' real downloaders against a server on this machine, which answers as huggingface.co does."""

import errno
import hashlib
import random
import resource
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub
import huggingface_hub.constants
import pytest

from rnst.encoders.weights.downloads import DownloadError, fetch

_CONTENT = random.Random(0).randbytes(300_000)  # noqa: S311 - noise
_SHA256 = hashlib.sha256(_CONTENT).hexdigest()
_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_ON_THE_HUB = f"https://huggingface.co/owner/nets/resolve/{_COMMIT}/net.ckpt"
_NAME = f"net-{_SHA256[:8]}.pth"


@dataclass
class Server:
    """A web server on this machine, and what it does wrong."""

    address: str = ""
    content: bytes = _CONTENT
    tag: str = _SHA256
    size: int = 0  # that it claims; 0 is the truth
    break_after: list[int] = field(default_factory=list)  # bytes after which an answer ends, one for each request
    status: int = 200
    asked: list[tuple[str, str]] = field(default_factory=list)  # method and Range of each request

    def url(self, name: str = _NAME) -> str:
        return f"{self.address}/{name}"

    @property
    def sent(self) -> list[str]:
        """The Range of each request for content."""
        return [wanted for method, wanted in self.asked if method == "GET"]


class _Handler(BaseHTTPRequestHandler):
    setup_of: Server

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        start = self._answer()
        if start is not None:
            end = start + self.setup_of.break_after.pop(0) if self.setup_of.break_after else None
            self.wfile.write(self.setup_of.content[start:end])

    def _answer(self) -> int | None:
        server, wanted = self.setup_of, self.headers.get("Range", "")
        if self.path.startswith("/api/"):  # not about the file
            self.send_error(404)
            return None
        server.asked.append((self.command, wanted))
        if server.status != 200:
            self.send_error(server.status)
            return None
        start, size = int(wanted[6:].split("-")[0]) if wanted else 0, server.size or len(server.content)
        self.send_response(206 if start else 200)
        headers = {"Content-Length": size - start, "ETag": f'"{server.tag}"', "X-Repo-Commit": _COMMIT}
        if start:
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        return start

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    setup = Server()
    handler = type("Handler", (_Handler,), {"setup_of": setup})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        setup.address = f"http://127.0.0.1:{running.server_port}"
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        _use_hub(monkeypatch, setup.address, tmp_path / "hub")
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield setup
        huggingface_hub.close_session()
        running.shutdown()
        thread.join()


def _use_hub(monkeypatch: pytest.MonkeyPatch, address: str, cache: Path) -> None:
    """What HF_ENDPOINT and HF_HUB_CACHE do, which the library reads when it is imported."""
    constants = huggingface_hub.constants
    template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(cache / "token"))


def _refusal(url: str, sha256: str = "") -> str:
    with pytest.raises(DownloadError) as refused:
        fetch(url, sha256)
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(f"cannot download {url}: ")
    return str(refused.value).removeprefix(f"cannot download {url}: ")


def _files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and path.suffix not in {".lock", ".TAG"}]


@pytest.mark.parametrize("place", ["hub", "address"])
def test_a_file_comes_once(server: Server, tmp_path: Path, place: str) -> None:
    url = _ON_THE_HUB if place == "hub" else server.url()
    path = fetch(url, _SHA256)
    assert path.read_bytes() == _CONTENT
    assert path.is_relative_to(tmp_path / ("hub" if place == "hub" else "torch")), "the library's own cache"
    before = list(server.asked)
    assert server.sent == [""]
    assert fetch(url, _SHA256) == path
    assert server.asked == before, "nothing is asked for a second time"


@pytest.mark.parametrize("place", ["hub", "address"])
def test_four_at_once__one_download(server: Server, place: str) -> None:
    url = _ON_THE_HUB if place == "hub" else server.url()
    paths: list[Path] = []
    threads = [threading.Thread(target=lambda: paths.append(fetch(url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 4
    assert server.sent == [""]


def test_a_broken_connection__goes_on_where_it_stopped(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 50_000)  # it keeps whole ones, of 10 MB
    server.break_after = [100_000]
    assert fetch(_ON_THE_HUB, _SHA256).read_bytes() == _CONTENT
    assert server.sent == ["", "bytes=100000-"]


def test_a_broken_connection__torch_hub_keeps_nothing_of_it(server: Server, tmp_path: Path) -> None:
    server.break_after = [100_000]
    assert "invalid hash value" in _refusal(server.url())
    assert _files(tmp_path / "torch") == []
    assert fetch(server.url()).read_bytes() == _CONTENT


@pytest.mark.parametrize("sha256", ["0" * 64, ""], ids=["known", "stated by the hub"])
def test_other_content_than_promised__is_not_used_and_named(server: Server, sha256: str) -> None:
    server.tag = _SHA256 if sha256 else "0" * 64
    reason = _refusal(_ON_THE_HUB, sha256)
    named = Path(reason.removeprefix("the sha256 of ").partition(" is ")[0])
    assert f" is {_SHA256}, not {'0' * 64}; delete that file and try again" in reason
    assert _refusal(_ON_THE_HUB, sha256) == reason, "nor is it used the next time"
    named.unlink()
    server.tag = _SHA256
    assert fetch(_ON_THE_HUB, _SHA256).read_bytes() == _CONTENT


@pytest.mark.parametrize(("name", "sha256"), [("net-00000000.pth", ""), ("net.pt", "0" * 64)], ids=str)
def test_other_content_than_promised__torch_hub_keeps_nothing_of_it(
    server: Server, tmp_path: Path, name: str, sha256: str
) -> None:
    assert f'got "{_SHA256}"' in _refusal(server.url(name), sha256)
    assert _files(tmp_path / "torch") == []


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:123_456])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [_truncate, _flip])
@pytest.mark.parametrize("place", ["hub", "address"])
def test_a_damaged_file_in_the_cache__named_and_fetched_again_when_deleted(
    server: Server, place: str, damage: Callable[[Path], None]
) -> None:
    url = _ON_THE_HUB if place == "hub" else server.url()
    whole = fetch(url).resolve()
    damage(whole)
    assert _refusal(url).startswith(f"the sha256 of {whole} is ")
    whole.unlink()
    assert fetch(url).read_bytes() == _CONTENT


def test_a_file_put_there_by_hand__used_without_a_network(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "net.pt").write_bytes(_CONTENT)
    assert fetch("http://127.0.0.1:9/net.pt").read_bytes() == _CONTENT
    assert f"the sha256 of {folder / 'net.pt'} is {_SHA256}" in _refusal("http://127.0.0.1:9/net.pt", "0" * 64)
    assert server.asked == []


def test_offline__the_cache_alone(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fetch(_ON_THE_HUB)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    server.asked.clear()
    assert fetch(_ON_THE_HUB) == path
    reason = _refusal(_ON_THE_HUB.replace("net.ckpt", "other.ckpt"))
    assert f"HF_HUB_OFFLINE is set, and the file is not in {tmp_path / 'hub'}. " in reason
    assert server.asked == []


@pytest.mark.parametrize("status", [404, 500])
def test_what_the_server_answers(server: Server, status: int) -> None:
    server.status = status
    for url in (_ON_THE_HUB, server.url()):
        assert _refusal(url).startswith(f"the server answers {status} ")
    assert server.sent == [""], "the hub is asked for the head alone"


def test_no_network__said_at_once(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("http://127.0.0.1:9", "https://no-such-host.invalid"):
        _use_hub(monkeypatch, address, tmp_path / "hub")
        started = time.monotonic()
        for url in (_ON_THE_HUB, f"{address}/net.pt"):
            assert _refusal(url).startswith("no connection to the server: ")
        assert time.monotonic() - started < 15, "the hub's own retries take half a minute"
    assert server.asked == []


@pytest.mark.parametrize("place", ["hub", "address"])
def test_the_disk_takes_no_more(server: Server, tmp_path: Path, place: str) -> None:
    """A limit on the size of files fails as a full disk does, in the middle of writing."""
    url = _ON_THE_HUB if place == "hub" else server.url()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        reason = _refusal(url)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert f"{tmp_path}" in reason
    assert ": File too large." in reason, errno.errorcode[errno.EFBIG]
    assert fetch(url).read_bytes() == _CONTENT


def test_no_room__said_before_anything_is_written(server: Server) -> None:
    server.size = 10**15
    assert _refusal(_ON_THE_HUB).startswith("Not enough free disk space to download the file. ")
    assert server.sent == []


@pytest.mark.parametrize("place", ["hub", "torch"])
def test_a_cache_that_cannot_be_written(server: Server, tmp_path: Path, place: str) -> None:
    (tmp_path / place).write_text("a file in the place of the folder")
    url = _ON_THE_HUB if place == "hub" else server.url()
    assert f"{tmp_path / place}" in _refusal(url)
    assert server.sent == []
