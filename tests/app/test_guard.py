import asyncio
from typing import Any

import pytest

pytest.importorskip("starlette", reason="starlette is not installed; gradio of the extra app brings it")
from rnst.app.guard import Guard, Message, Receive, Send


async def _answers(scope: Message, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"Content-Security-Policy", b"none")]})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


async def _never(*_: Any) -> Message:
    raise AssertionError


def _ask(**headers: str) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "path": "/a", "headers": fields}
    asyncio.run(Guard(_answers, ("127.0.0.1", "localhost"))(scope, _never, send))
    return sent


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:80"},
        {"host": "localhost:80", "origin": "http://localhost:80"},
    ],
)
def test_our_page_is_answered__and_may_load_nothing_from_elsewhere(headers: dict[str, str]) -> None:
    start, body = _ask(**headers)
    assert (start["status"], body["body"]) == (200, b"/a")
    policies = [value for name, value in start["headers"] if name.lower() == b"content-security-policy"]
    assert len(policies) == 1
    assert b"default-src 'self'" in policies[0]
    assert b"http" not in policies[0]


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example:80"},
        {"host": "127.0.0.1.evil.example:80"},
        {},
        {"host": "127.0.0.1:80", "origin": "http://evil.example"},
        {"host": "127.0.0.1:80", "origin": "http://127.0.0.1:81"},
        {"host": "127.0.0.1:80", "origin": "null"},
    ],
)
def test_others_are_refused(headers: dict[str, str]) -> None:
    start, body = _ask(**headers)
    assert (start["status"], body["body"]) == (403, b"forbidden")
