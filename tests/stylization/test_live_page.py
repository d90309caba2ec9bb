import json
import math
import re
import time
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import torch
from torchvision.io import decode_jpeg

from rnst.image.files import write_image
from rnst.results import Result
from rnst.stylization.job import resolve
from rnst.stylization.live_page import BusyPortError, LivePage, Source, Subject
from rnst.stylization.live_state import preview
from rnst.stylization.scales import Scale
from rnst.stylization.settings import StylizationSettings

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


def test_the_subject__is_photo_paintings_and_plan(tmp_path: Path) -> None:
    for name, size in (("photo.png", (48, 64)), ("one.png", (8, 8)), ("two.png", (400, 800))):
        write_image(torch.rand(1, 3, *size), tmp_path / name)
    settings = StylizationSettings(
        content=str(tmp_path / "photo.png"), style=[str(tmp_path / "one.png"), str(tmp_path / "two.png")], size=64
    )
    subject = Subject.of(resolve(settings))
    titles = ["Photo: photo.png", "Painting: one.png", "Painting: two.png"]
    assert [source.title for source in subject.sources] == titles
    assert subject.scales[-1].size == (144, 192)  # supersampled
    assert Subject.of(resolve(settings.replaced(content=str(tmp_path)))).scales == ()
    with LivePage(0, subject) as view:
        shown = decode_jpeg(torch.frombuffer(bytearray(_ask(view, "/source/2")[1]), dtype=torch.uint8))
        assert shown.shape == (3, 160, 320)
        for path in ("/source/3", "/source/-1", "/source/x", "/source/"):
            assert _ask(view, path)[0].status == 404
        assert json.loads(_ask(view, "/state")[1])["sources"] == titles


def test_progress__is_a_share_and_a_time() -> None:
    with LivePage(0, Subject((), (Scale((6, 8), 4, 0),))) as view:
        view(1, torch.rand(1, 3, 6, 8), {})
        first = json.loads(_ask(view, "/state")[1])
        view(2, torch.rand(1, 3, 6, 8), {})
        second = json.loads(_ask(view, "/state")[1])
    assert (first["share"], first["progress"], first["seconds"]) == (0.25, "25 %", None)
    assert second["share"] == 0.5
    assert second["seconds"] >= 0


def _result(image: Path) -> Result:
    return Result(image, "a", ("b",), "e", {}, 1.0, 1, {}, size=(40, 24))


def test_the_end__names_the_picture_and_hands_it_over(tmp_path: Path) -> None:
    image = tmp_path / "o.webp"
    image.write_bytes(b"webp")
    with LivePage() as view:
        assert _ask(view, "/result")[0].status == 404
        view.finish([_result(tmp_path / "first.png"), _result(image)])
        shown = json.loads(_ask(view, "/state")[1])["result"]
        assert shown == {"shown": f"2 pictures in {tmp_path}", "name": "o.webp", "finished": True}
        view.finish([_result(image)])
        assert json.loads(_ask(view, "/state")[1])["result"]["shown"] == str(image)
        response, content = _ask(view, "/result")
        assert (response.headers["Content-Type"], content) == ("image/webp", b"webp")


def test_nobody_waits_for_a_page_that_is_not_open(tmp_path: Path) -> None:
    with LivePage() as view:
        view.finish([_result(tmp_path / "o.png")])
        began = time.monotonic()
    assert time.monotonic() - began < 2


def test_busy_port__says_so() -> None:
    with LivePage() as view, pytest.raises(BusyPortError, match="view_port"):
        LivePage(urlsplit(view.address).port or 0)


@pytest.mark.browser
def test_page__shows_the_picture_and_stops(browser: "Browser", tmp_path: Path) -> None:
    wrong: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: wrong.extend([message.text] if message.type == "error" else []))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    source = Source("Photo: a.png", preview(torch.rand(1, 3, 24, 40), 320))
    with LivePage(0, Subject((source,), (Scale((24, 40), 30, 0),))) as view:
        page.goto(view.address)
        page.get_by_text("waiting for the first step").wait_for()
        assert page.locator("#picture").is_hidden()
        page.get_by_alt_text("Photo: a.png").wait_for()
        for step in range(1, 30):
            view(step, torch.rand(1, 3, 24, 40), {"total": 1.0 / step, "style": 0.5 / step})
        page.get_by_text(re.compile("97 %, .* left · step 29, 40 x 24 pixels")).wait_for()
        page.wait_for_function("document.getElementById('picture').naturalWidth === 40")
        assert page.locator("polyline").count() == 2
        page.get_by_role("button", name="Stop and keep the best").click()
        page.get_by_text("stopping").wait_for()
        with pytest.raises(KeyboardInterrupt):
            view(30, torch.rand(1, 3, 24, 40), {})
        write_image(torch.rand(1, 3, 24, 40), tmp_path / "o.png")
        view.finish([_result(tmp_path / "o.png")])
    page.get_by_text(str(tmp_path / "o.png")).wait_for()  # the server is gone, the picture is there
    with page.expect_download() as download:
        page.get_by_text("Download o.png").click()
    assert Path(download.value.path()).read_bytes() == (tmp_path / "o.png").read_bytes()
    assert page.get_by_alt_text("The picture in progress").evaluate("image => image.naturalWidth") == 40
    page.close()
    assert not wrong
