import json
import math
import re
from http.client import HTTPConnection, HTTPResponse
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import torch
from torchvision.io import decode_jpeg

from rnst.stylization.live_page import BusyPortError, LivePage

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def _ask(view: LivePage, path: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection(urlsplit(view.address).netloc, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def _token(view: LivePage) -> str:
    found = re.search(r'const token = "(.+?)"', _ask(view, "/")[1].decode())
    assert found is not None
    return found[1]


def test_picture_and_losses_of_the_last_step() -> None:
    image = torch.zeros(1, 3, 24, 40)
    image[:, 0] = 1.0
    with LivePage() as view:
        assert _ask(view, "/picture")[0].status == 404
        view(1, torch.rand(1, 3, 12, 20), {"total": 2.0, "style": math.inf})
        view(2, image, {"total": 1.0, "style": 0.5})
        state = json.loads(_ask(view, "/state")[1])
        picture = decode_jpeg(torch.frombuffer(bytearray(_ask(view, "/picture?step=2")[1]), dtype=torch.uint8))
    assert state == {
        "step": 2, "size": [40, 24], "losses": {"total": [[1, 2.0], [2, 1.0]], "style": [[2, 0.5]]}, "stopping": False,
        "sources": [],
    }  # fmt: skip
    assert picture.shape == (3, 24, 40)
    assert picture[0].float().mean() > 240
    assert picture[1:].float().mean() < 15


def test_stop__the_next_step_ends_the_painting() -> None:
    with LivePage() as view:
        view(1, torch.rand(1, 3, 8, 8), {})
        assert _ask(view, "/stop", "POST", X_Token=_token(view))[0].status == 200
        with pytest.raises(KeyboardInterrupt):
            view(2, torch.rand(1, 3, 8, 8), {})


def test_others__neither_look_nor_stop() -> None:
    with LivePage() as view:
        token = _token(view)
        assert _ask(view, "/stop", "POST")[0].status == 403
        assert _ask(view, "/stop", "POST", X_Token=token[::-1])[0].status == 403
        assert _ask(view, "/stop", "POST", X_Token=token, Host="evil.example:80")[0].status == 403
        for path in ("/", "/state", "/picture"):
            assert _ask(view, path, Host="evil.example:80")[0].status == 403
        assert _ask(view, "/../live_view.py")[0].status == 404
        view(1, torch.rand(1, 3, 8, 8), {})
        response, _ = _ask(view, "/")
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_this_machine_alone_is_served() -> None:
    with LivePage() as view:
        assert urlsplit(view.address).hostname == "127.0.0.1"
        assert view._server.socket.getsockname()[0] == "127.0.0.1"


def test_busy_port__says_so() -> None:
    with LivePage() as view, pytest.raises(BusyPortError, match="view_port"):
        LivePage(urlsplit(view.address).port or 0)


@pytest.mark.browser
def test_page__shows_the_picture_and_stops(browser: "Browser") -> None:
    wrong: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: wrong.extend([message.text] if message.type == "error" else []))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    with LivePage() as view:
        page.goto(view.address)
        page.get_by_text("waiting for the first step").wait_for()
        for step in range(1, 30):
            view(step, torch.rand(1, 3, 24, 40), {"total": 1.0 / step, "style": 0.5 / step})
        page.get_by_text("step 29, 40 x 24 pixels").wait_for()
        page.wait_for_function("document.getElementById('picture').naturalWidth === 40")
        assert page.locator("polyline").count() == 2
        page.get_by_role("button", name="Stop and keep the best").click()
        page.get_by_text("stopping").wait_for()
        with pytest.raises(KeyboardInterrupt):
            view(30, torch.rand(1, 3, 24, 40), {})
    page.close()
    assert not wrong
