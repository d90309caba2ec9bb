"""The picture in progress in a browser on this machine: the picture, its losses, and a button that stops."""

import hashlib
import json
import math
import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Self

import torch
from torch import Tensor
from torchvision.io import encode_jpeg

from rnst.errors import RnstError

_HOST = "127.0.0.1"  # this machine alone; nobody else on the network reaches it
_QUALITY = 90
_MOST_POINTS = 2000  # of the curves that are sent


class BusyPortError(RnstError):
    """Something else listens there already."""

    def __init__(self, port: int, reason: str) -> None:
        super().__init__(
            f"cannot serve the live view on port {port}: {reason}. Leave out --view_port to get a free one."
        )


class LivePage:
    """A small server that shows a picture in progress. Use it as a context manager, and call it after each step.

    Nothing is trusted that a page of another origin could send: requests must name this host, and only the page that
    was served knows the token that the stop button sends.

    Args:
        port: where to listen; 0 takes a free one.
    """

    def __init__(self, port: int = 0) -> None:
        self._state = _State()
        token = secrets.token_urlsafe(16)
        try:
            self._server = ThreadingHTTPServer((_HOST, port), _handler(self._state, token))
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
        """Serve no longer."""
        self._server.shutdown()
        self._server.server_close()

    def __call__(self, step: int, image: Tensor, losses: Mapping[str, float]) -> None:
        """Take over the picture (1, 3, H, W) in [0, 1] and the losses after a step.

        Raises:
            KeyboardInterrupt: the button was pressed; the best picture so far is kept, as with Ctrl-C.
        """
        self._state.update(step, image, losses)
        if self._state.stop.is_set():
            raise KeyboardInterrupt


class _State:
    """State that the optimizing thread writes and the serving threads read."""

    def __init__(self) -> None:
        self.stop = Event()
        self._lock = Lock()
        self._step = 0
        self._pixels: Tensor | None = None
        self._losses: dict[str, list[tuple[int, float]]] = {}

    def update(self, step: int, image: Tensor, losses: Mapping[str, float]) -> None:
        pixels = image.detach()[0].clamp(0.0, 1.0).mul(255.0).round().to("cpu", torch.uint8)
        with self._lock:
            self._step, self._pixels = step, pixels
            for name, value in losses.items():
                if math.isfinite(value):  # JSON knows nothing else
                    self._losses.setdefault(name, []).append((step, value))

    def picture(self) -> bytes | None:
        """JPEG of the picture now, or None before the first step."""
        pixels = self._pixels
        return None if pixels is None else encode_jpeg(pixels.contiguous(), quality=_QUALITY).numpy().tobytes()

    def summary(self) -> dict[str, Any]:
        """Step, size and curves, thinned out."""
        with self._lock:
            curves = {name: points[:: 1 + len(points) // _MOST_POINTS] for name, points in self._losses.items()}
            size = [] if self._pixels is None else [self._pixels.shape[-1], self._pixels.shape[-2]]
            return {"step": self._step, "size": size, "losses": curves, "stopping": self.stop.is_set()}


def _handler(state: _State, token: str) -> type[BaseHTTPRequestHandler]:
    """The class that answers requests about `state`."""
    page, policy = _page(token)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers: dict[str, Callable[[], tuple[bytes | None, str]]] = {
                "/": lambda: (page, "text/html; charset=utf-8"),
                "/state": lambda: (json.dumps(state.summary()).encode(), "application/json"),
                "/picture": lambda: (state.picture(), "image/jpeg"),
            }
            answer = answers.get(self.path.partition("?")[0])
            content, kind = answer() if answer is not None and self._is_ours() else (None, "")
            if content is None:
                self.send_error(HTTPStatus.NOT_FOUND if self._is_ours() else HTTPStatus.FORBIDDEN)
                return
            self._send(content, kind)

        def do_POST(self) -> None:
            knows = secrets.compare_digest(self.headers.get("X-Token", ""), token)
            if self.path != "/stop" or not self._is_ours() or not knows:
                self.send_error(HTTPStatus.FORBIDDEN)
                return
            state.stop.set()
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
            self.end_headers()
            self.wfile.write(content)

    return Handler


def _page(token: str) -> tuple[bytes, str]:
    """The page and the policy that lets nothing run but its own script."""
    text = (Path(__file__).parent / "live_view.html").read_text(encoding="utf-8").replace("{{token}}", token)
    parts = {tag: text.split(f"<{tag}>")[1].split(f"</{tag}>")[0] for tag in ("style", "script")}
    hashes = {tag: b64encode(hashlib.sha256(part.encode()).digest()).decode() for tag, part in parts.items()}
    policy = (
        f"default-src 'none'; img-src 'self' data:; connect-src 'self'; script-src 'sha256-{hashes['script']}'; "
        f"style-src 'sha256-{hashes['style']}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return text.encode(), policy
