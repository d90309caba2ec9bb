import hashlib
import random
import re
import resource
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rnst.encoders.weights.downloads import DownloadError, cache_folder, fetch

_CONTENT = random.Random(0).randbytes(300_000)  # noqa: S311 - noise
_SHA256 = hashlib.sha256(_CONTENT).hexdigest()
_NAME = f"net-{_SHA256[:8]}.pth"


@dataclass
class Server:
    """A web server on this machine, and what it does wrong."""

    address: str = ""
    content: bytes = _CONTENT
    tag: str = '"one"'
    ranges: bool = True
    break_after: list[int] = field(default_factory=list)  # bytes after which an answer ends, one for each request
    claimed_size: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    fail: list[int] = field(default_factory=list)  # a status for each request
    redirect: str = ""
    asked: list[str] = field(default_factory=list)  # the Range of each request

    def url(self, name: str = _NAME) -> str:
        return f"{self.address}/{name}"


class _Handler(BaseHTTPRequestHandler):
    setup_of: Server

    def do_GET(self) -> None:
        server = self.setup_of
        wanted = self.headers.get("Range", "")
        server.asked.append(wanted)
        if server.redirect and not self.path.startswith("/moved/"):
            self._start(302, {"Location": server.redirect + self.path, **server.headers})
            return
        if "missing" in self.path or server.fail:
            self.send_error(server.fail.pop(0) if server.fail else 404)
            return
        start, size = 0, len(server.content)
        same = self.headers.get("If-Range", server.tag) == server.tag
        if wanted and server.ranges and same:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= size:
                self._start(416, {"Content-Range": f"bytes */{size}"})
                return
        extra = {"Content-Range": f"bytes {start}-{size - 1}/{size}"} if start else {}
        length = str(server.claimed_size or size - start)
        self._start(206 if start else 200, {"Content-Length": length, "ETag": server.tag, **extra})
        end = start + server.break_after.pop(0) if server.break_after else size
        self.wfile.write(server.content[start:end])

    def _start(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("rnst.encoders.weights.downloads._PAUSE", 0.0)
    setup = Server()
    handler = type("Handler", (_Handler,), {"setup_of": setup})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        setup.address = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield setup
        running.shutdown()
        thread.join()


def _cached(name: str = _NAME) -> Path:
    return cache_folder() / name


def test_a_file_comes_once(server: Server, tmp_path: Path) -> None:
    path = fetch(server.url())
    assert path == _cached()
    assert path.is_relative_to(tmp_path / "cache"), "TORCH_HOME says where"
    assert path.read_bytes() == _CONTENT
    assert not list(path.parent.glob("*.part"))
    assert fetch(server.url()) == path
    assert server.asked == [""]


def test_a_broken_connection__goes_on_where_it_stopped(server: Server) -> None:
    server.break_after = [100_000, 50_000]
    assert fetch(server.url()).read_bytes() == _CONTENT
    assert server.asked == ["", "bytes=100000-", "bytes=150000-"]


def test_a_server_that_never_finishes__the_part_stays_for_the_next_time(server: Server) -> None:
    server.break_after = [10_000] * 4
    with pytest.raises(DownloadError, match="the connection ended after 40000 of 300000 bytes"):
        fetch(server.url())
    assert not _cached().exists()
    assert _cached(f"{_NAME}.part").stat().st_size == 40_000
    assert fetch(server.url()).read_bytes() == _CONTENT
    assert server.asked[-1] == "bytes=40000-"


def test_a_server_without_ranges__from_the_start_again(server: Server) -> None:
    server.ranges, server.break_after = False, [100_000]
    assert fetch(server.url()).read_bytes() == _CONTENT


def test_another_version_of_the_file__the_old_part_is_not_mixed_with_it(server: Server) -> None:
    server.break_after = [100_000] * 4
    server.content = bytes(900_000)
    with pytest.raises(DownloadError):
        fetch(server.url("net.pt"))
    server.break_after, server.content, server.tag = [], _CONTENT, '"two"'
    assert fetch(server.url("net.pt")).read_bytes() == _CONTENT


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:123_456])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(bytes(content))


def _lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"more")


@pytest.mark.parametrize("damage", [_truncate, _flip, _lengthen])
@pytest.mark.parametrize(("name", "sha256"), [(_NAME, ""), ("net.pt", _SHA256), ("net.pt", "")], ids=str)
def test_a_damaged_file_in_the_cache__found_and_fetched_again(
    server: Server, name: str, sha256: str, damage: Callable[[Path], None]
) -> None:
    path = fetch(server.url(name), sha256)
    damage(path)
    assert fetch(server.url(name), sha256).read_bytes() == _CONTENT
    if damage is _truncate:
        assert server.asked == ["", "bytes=123456-"], "what was there is used"


@pytest.mark.parametrize("keep", [123_456, len(_CONTENT)])
def test_a_file_that_another_tool_left__completed_and_kept(server: Server, keep: int) -> None:
    _cached().parent.mkdir(parents=True)
    _cached("net.pt").write_bytes(_CONTENT[:keep])
    assert fetch(server.url("net.pt")).read_bytes() == _CONTENT
    assert server.asked == [f"bytes={keep}-"]


def test_a_file_put_there_by_hand__used_without_a_network(server: Server) -> None:
    _cached().parent.mkdir(parents=True)
    _cached("net.pt").write_bytes(_CONTENT)
    assert fetch("http://127.0.0.1:9/net.pt").read_bytes() == _CONTENT
    with pytest.raises(DownloadError):
        fetch("http://127.0.0.1:9/net.pt", "0" * 64)
    assert server.asked == []


@pytest.mark.parametrize(("name", "sha256"), [("net-00000000.pth", ""), ("net.pt", "0" * 64)], ids=str)
def test_wrong_hash__nothing_stays(server: Server, name: str, sha256: str) -> None:
    with pytest.raises(DownloadError, match=f"its sha256 is {_SHA256}, not 0+; it was deleted") as refused:
        fetch(server.url(name), sha256)
    assert "\n" not in str(refused.value)
    assert not [path.name for path in cache_folder().iterdir() if path.suffix not in {".lock", ".json"}]


def test_the_hash_that_a_server_states_on_its_way_elsewhere(server: Server) -> None:
    """As Hugging Face does for large files."""
    server.redirect = f"{server.address}/moved"
    server.headers = {"X-Linked-Etag": f'"{_SHA256}"'}
    assert fetch(server.url("net.pt")).read_bytes() == _CONTENT
    server.headers = {"X-Linked-Etag": f'"{"0" * 64}"'}
    with pytest.raises(DownloadError, match="its sha256 is"):
        fetch(server.url("other.pt"))


def test_a_new_version_in_place_of_a_damaged_file(server: Server) -> None:
    path = fetch(server.url("net.pt"))
    _flip(path)
    server.content, server.tag = _CONTENT[::-1], '"two"'
    assert fetch(server.url("net.pt")).read_bytes() == _CONTENT[::-1]


def test_no_such_file(server: Server) -> None:
    with pytest.raises(DownloadError, match="the server answers 404 Not Found") as refused:
        fetch(server.url("missing.pt"))
    assert "\n" not in str(refused.value)
    assert server.asked == [""], "not tried again"


def test_a_server_in_trouble__tried_again(server: Server) -> None:
    server.fail = [503, 500]
    assert fetch(server.url()).read_bytes() == _CONTENT


def test_no_room(server: Server) -> None:
    server.claimed_size = 10**15
    with pytest.raises(DownloadError, match=r"it needs 1,000,000,000 MB, and .* has [\d,]+ MB left"):
        fetch(server.url())


def test_the_disk_takes_no_more__what_came_stays(server: Server) -> None:
    """A limit on the size of files fails as a full disk does, in the middle of writing."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(DownloadError, match="cannot take it: File too large; what is there stays") as refused:
            fetch(server.url())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "\n" not in str(refused.value)
    assert fetch(server.url()).read_bytes() == _CONTENT
    assert re.fullmatch(r"bytes=\d+-", server.asked[-1])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:9/net.pt", "refused"),
        ("https://no-such-host.invalid/net.pt", "there is no network, or no such host"),
        ("http://example.org/net.pt", "http://example.org is not https"),
        ("file:///etc/hostname", "is not https"),
        ("ftp://127.0.0.1/net.pt", "is not https"),
    ],
)
def test_addresses_that_lead_nowhere(server: Server, url: str, reason: str) -> None:
    with pytest.raises(DownloadError, match=reason) as refused:
        fetch(url)
    assert "\n" not in str(refused.value)
    assert server.asked == []


def test_a_redirection_to_what_is_not_https(server: Server) -> None:
    server.redirect = "http://example.org"
    with pytest.raises(DownloadError, match=r"http://example\.org is not https"):
        fetch(server.url())


def test_two_at_once__one_download(server: Server) -> None:
    paths: list[Path] = []
    threads = [threading.Thread(target=lambda: paths.append(fetch(server.url()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 4
    assert server.asked == [""]
