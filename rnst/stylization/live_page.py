"""The picture in progress in a browser on this machine: the picture, its losses, and a button that stops."""

import contextlib
import hashlib
import json
import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

from torch import Tensor

from rnst.errors import RnstError
from rnst.image.files import read_image
from rnst.image.samples import find_picture
from rnst.results import Result
from rnst.stylization.inputs import are_several, content_size
from rnst.stylization.job import Job
from rnst.stylization.live_state import LiveState, preview
from rnst.stylization.scales import Scale

_HOST = "127.0.0.1"  # this machine alone; nobody else on the network reaches it
_SOURCE_SIDE = 320  # pixels of photo and paintings on the page
_OPEN = 3.0  # seconds without a request after which the page counts as closed
_PATIENCE = 5.0  # seconds for an open page to fetch the finished picture
_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
_ANY_FILE = "application/octet-stream"
_RESULT = "/result"


class BusyPortError(RnstError):
    """Something else listens there already."""

    def __init__(self, port: int, reason: str) -> None:
        super().__init__(
            f"cannot serve the live view on port {port}: {reason}. Leave out --view_port to get a free one."
        )


@dataclass(frozen=True)
class Source:
    """A photo or painting that is shown beside the picture.

    Attributes:
        title: what it is.
        content: JPEG.
    """

    title: str
    content: bytes


@dataclass(frozen=True)
class Subject:
    """What is known of a picture before its first step.

    Attributes:
        sources: photo and paintings.
        scales: the plan; empty where it is not known.
    """

    sources: tuple[Source, ...] = ()
    scales: tuple[Scale, ...] = ()

    @classmethod
    def of(cls, job: Job) -> Self:
        """Of one picture; or of a folder or video, of which only the paintings are known.

        Raises:
            RnstError: a picture cannot be read.
        """
        pictures = job.pictures
        paintings = [("Painting", name) for name in pictures.styles]
        if are_several(pictures):
            return cls(tuple(map(_source, paintings)))
        photos = [("Photo", pictures.content)] if pictures.has_content else []
        return cls(tuple(map(_source, photos + paintings)), job.at(content_size(pictures)).scales)


def _source(named: tuple[str, str]) -> Source:
    what, name = named
    return Source(f"{what}: {Path(name).name}", preview(read_image(find_picture(name)), _SOURCE_SIDE))


class LivePage:
    """A small server that shows a picture in progress. Use it as a context manager, and call it after each step.

    Nothing is trusted that a page of another origin could send: requests must name this host, and only the page that
    was served knows the token that the stop button sends.

    Args:
        port: where to listen; 0 takes a free one.
        subject: photo, paintings and plan.
    """

    def __init__(self, port: int = 0, subject: Subject | None = None) -> None:
        self._served = _Served(subject or Subject())
        try:
            self._server = ThreadingHTTPServer((_HOST, port), _handler(self._served, secrets.token_urlsafe(16)))
        except OSError as error:
            raise BusyPortError(port, error.strerror or str(error)) from error
        self._server.daemon_threads = True

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{_HOST}:{self._server.server_address[1]}/"

    def __enter__(self) -> Self:
        """Begin to serve."""
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Serve no longer; an open page gets the finished picture first."""
        self._served.wait_for_delivery()
        self._server.shutdown()
        self._server.server_close()

    def __call__(self, step: int, image: Tensor, losses: Mapping[str, float]) -> None:
        """Take over the picture (1, 3, H, W) in [0, 1] and the losses after a step.

        Raises:
            KeyboardInterrupt: the button was pressed; the best picture so far is kept, as with Ctrl-C.
        """
        self._served.live(step, image, losses)

    def finish(self, results: Sequence[Result]) -> None:
        """Show where the pictures are, and offer the last one for download."""
        self._served.results = tuple(results)


class _Served:
    """What the serving threads answer from."""

    def __init__(self, subject: Subject) -> None:
        self.live = LiveState(subject.scales)
        self.results: tuple[Result, ...] = ()
        self.delivered = Event()
        self.asked = 0.0  # on the clock of time.monotonic
        self._sources = subject.sources

    def state(self) -> dict[str, Any]:
        """As JSON has it."""
        state = self.live.summary() | {"sources": [source.title for source in self._sources]}
        if self.results:
            last = self.results[-1]
            shown = (
                str(last.image) if len(self.results) == 1 else f"{len(self.results)} pictures in {last.image.parent}"
            )
            state["result"] = {"shown": shown, "name": last.image.name, "finished": last.finished}
        return state

    def source(self, path: str) -> bytes | None:
        """Of /source/0, /source/1, ..."""
        number = path.removeprefix("/source/")
        there = number.isascii() and number.isdigit() and int(number) < len(self._sources)
        return self._sources[int(number)].content if there else None

    def result(self) -> bytes | None:
        """The file of the last picture; None before there is one."""
        if not self.results:
            return None
        try:
            return self.results[-1].image.read_bytes()
        finally:
            self.delivered.set()

    @property
    def result_type(self) -> str:
        """MIME type of that file."""
        return _TYPES.get(self.results[-1].image.suffix.lower(), _ANY_FILE) if self.results else _ANY_FILE

    def wait_for_delivery(self) -> None:
        """Until an open page has the finished picture."""
        if self.results and time.monotonic() - self.asked < _OPEN:
            self.delivered.wait(_PATIENCE)
            time.sleep(0.2)  # the last bytes are on their way


def _handler(served: _Served, token: str) -> type[BaseHTTPRequestHandler]:
    """The class that answers requests."""
    page, policy = _page(token)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            answers: dict[str, Callable[[], tuple[bytes | None, str]]] = {
                "/": lambda: (page, "text/html; charset=utf-8"),
                "/state": lambda: (json.dumps(served.state()).encode(), "application/json"),
                "/picture": lambda: (served.live.picture(), "image/jpeg"),
                _RESULT: lambda: (served.result(), served.result_type),
            }
            answer = answers.get(path, lambda: (served.source(path), "image/jpeg"))
            content, kind = answer() if self._is_ours() else (None, "")
            if content is None:
                self.send_error(HTTPStatus.NOT_FOUND if self._is_ours() else HTTPStatus.FORBIDDEN)
                return
            served.asked = time.monotonic()
            self._send(content, kind)

        def do_POST(self) -> None:
            knows = secrets.compare_digest(self.headers.get("X-Token", "").encode(), token.encode())
            if self.path != "/stop" or not self._is_ours() or not knows:
                self.send_error(HTTPStatus.FORBIDDEN)
                return
            served.live.stop.set()
            self._send(b"{}", "application/json")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - a signature of the library
            """Log nothing: the terminal belongs to the progress bar."""

        def _is_ours(self) -> bool:
            """Whether the request names this machine; a foreign name that leads here is not served."""
            return self.headers.get("Host", "").rpartition(":")[0] in {_HOST, "localhost"}

        def _send(self, content: bytes, kind: str) -> None:
            self.send_response(HTTPStatus.OK)
            headers = {"Content-Type": kind, "Content-Length": str(len(content)), "Cache-Control": "no-store"}
            headers |= {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"}
            for name, value in headers.items():
                self.send_header(name, value)
            with contextlib.suppress(ConnectionError):  # the browser has gone
                self.end_headers()
                self.wfile.write(content)

    return Handler


def _page(token: str) -> tuple[bytes, str]:
    """The page and the policy that lets nothing run but its own script."""
    text = (Path(__file__).parent / "live_view.html").read_text(encoding="utf-8").replace("{{token}}", token)
    parts = {tag: text.split(f"<{tag}>")[1].split(f"</{tag}>")[0] for tag in ("style", "script")}
    hashes = {tag: b64encode(hashlib.sha256(part.encode()).digest()).decode() for tag, part in parts.items()}
    policy = (
        f"default-src 'none'; img-src 'self' data: blob:; connect-src 'self'; script-src 'sha256-{hashes['script']}'; "
        f"style-src 'sha256-{hashes['style']}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return text.encode(), policy
