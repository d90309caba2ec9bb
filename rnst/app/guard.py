"""Requests that the page did not send are refused, and the page may load nothing from elsewhere."""

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    b"content-security-policy": _POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
}
_FORBIDDEN = 403


class Guard:
    """ASGI middleware. A page of another origin can neither read nor start anything, by a foreign name neither.

    Args:
        app: what answers allowed requests.
        hosts: names of this machine.
    """

    def __init__(self, app: App, hosts: tuple[str, ...]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not self._is_ours(headers):
            await send({"type": "http.response.start", "status": _FORBIDDEN, "headers": []})
            await send({"type": "http.response.body", "body": b"forbidden"})
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [(name, value) for name, value in message["headers"] if name.lower() not in _HEADERS]
                message = {**message, "headers": [*kept, *_HEADERS.items()]}
            await send(message)

        with suppress(ClientDisconnect):  # a tab that is closed in the middle of an upload is no mistake
            await self._app(scope, receive, guarded)

    def _is_ours(self, headers: dict[bytes, str]) -> bool:
        host = headers.get(b"host", "")
        if host.rpartition(":")[0] not in self._hosts:
            return False
        origin = headers.get(b"origin")
        return origin is None or urlsplit(origin).netloc == host
