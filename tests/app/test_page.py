"""The page in a real browser: pictures of 64 pixels, so that each takes a second or two."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
import yaml

from rnst.commands.stylize_options import options_in
from rnst.image.files import read_image, write_image
from rnst.results import Result
from rnst.stylization.settings import StylizationSettings

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; it is in the dev group")
from playwright.sync_api import Locator, Page, expect

if TYPE_CHECKING:
    from tests.app.conftest import Served
else:
    Served = Any

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
_PATIENCE = 120_000  # ms; the first picture loads the network
_MOST_TABS = 80


def _button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def _unfold(page: Page, name: str) -> None:
    page.get_by_role("button", name=re.compile(f"^{name}")).click()


def _choose(page: Page, tmp_path: Path, name: str, size: int = 64, words: str = "") -> None:
    """A photo called `name`, a painting, the size, no supersampling, further options."""
    photo, painting = tmp_path / f"{name}.png", tmp_path / "brush work.jpg"
    write_image(torch.rand(1, 3, 240, 320), photo)
    write_image(torch.rand(1, 3, 40, 40), painting)
    page.locator("#photo input[type=file]").set_input_files(photo)
    expect(page.locator("#photo")).to_contain_text(photo.stem)
    page.locator("#paintings input[type=file]").set_input_files(painting)
    expect(page.locator("#paintings")).to_contain_text("brush")
    page.wait_for_timeout(1500)  # the editor takes the photo over
    for title, value in (("Size", size), ("Detail", 1)):
        box = page.get_by_role("spinbutton", name=f"number input for {title}")
        box.fill(str(value))
        box.press("Tab")
    if words:
        _unfold(page, "All other options")
        page.get_by_label("More options, as on the command line").fill(words)


def _made(page: Page, text: str) -> None:
    expect(page.locator("#caption")).to_contain_text(text, timeout=_PATIENCE)


def _result(served: Served, name: str) -> Result:
    return Result.read(served.output / f"{name}.json")


def test_upload_draw_draft_larger_download(open_app: OpenPage, served: Served, tmp_path: Path) -> None:
    page = open_app()
    _choose(page, tmp_path, "beach")
    canvas = page.locator("#editor canvas").last
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.45 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.55 * box["width"], box["y"] + 0.5 * box["height"], steps=5)
    page.mouse.up()
    page.locator("#draft").click()
    _made(page, "beach--brush-work · 64 x 48")
    draft = _result(served, "beach--brush-work")
    (mask,) = draft.settings["content_mask"]
    drawn = read_image(mask).mean(1)[0]
    assert 0.01 < float(drawn.mean()) < 0.6
    center = drawn[drawn.shape[0] // 2, drawn.shape[1] // 2]
    assert (float(center), float(drawn[0, 0])) == (1.0, 0.0)

    _button(page, "Larger").click()
    _made(page, "beach--brush-work-2 · 128 x 96")
    larger = _result(served, "beach--brush-work-2")
    assert larger.settings["init"] == str(draft.image)
    assert larger.settings["content_mask"] == [mask]
    for name, ending in (("Download PNG", ".png"), ("Download TIFF", ".tif")):
        with page.expect_download() as download:
            _button(page, name).click()
        assert download.value.suggested_filename == f"beach--brush-work-2{ending}"
        assert Path(download.value.path()).read_bytes() == larger.image.with_suffix(ending).read_bytes()
    with page.expect_download() as download:
        _button(page, "Download YAML").click()
    written = yaml.safe_load(Path(download.value.path()).read_text())
    assert StylizationSettings(**written).init == str(draft.image)
    _unfold(page, "How to make it again")
    program, file, *words = shlex.split(page.locator("#command textarea").input_value())
    assert (program, file) == ("python", "stylize.py")
    repeated, stored = (
        StylizationSettings(**options).replaced(output="o.png").as_dict() for options in (options_in(words), written)
    )
    assert repeated == stored


def test_stop_keeps_the_best_and_it_goes_on_where_it_stopped(
    open_app: OpenPage, served: Served, tmp_path: Path
) -> None:
    page = open_app()
    _choose(page, tmp_path, "harbor", words="--steps 250")
    _button(page, "Full size").click()
    expect(page.locator("#live")).to_contain_text(re.compile(r"\d+ % · .+ left · step \d+, 64 x 48"), timeout=_PATIENCE)
    expect(page.get_by_alt_text("The picture in progress")).to_be_visible()
    _button(page, "Stop").click()
    _made(page, "harbor--brush-work · 64 x 48")
    expect(page.locator("#caption")).to_contain_text("stopped")
    assert not _result(served, "harbor--brush-work").finished
    _button(page, "Go on where it stopped").click()
    expect(page.locator("#caption")).not_to_contain_text("stopped", timeout=_PATIENCE)
    assert _result(served, "harbor--brush-work").finished
    expect(_button(page, "Go on from here")).to_be_visible()


def test_a_second_tab_and_a_reload_see_the_same(open_app: OpenPage, tmp_path: Path) -> None:
    page, other = open_app(), open_app()
    _choose(page, tmp_path, "garden", words="--steps 3000")
    _button(page, "Full size").click()
    expect(other.locator("#live")).to_contain_text("garden--brush-work", timeout=_PATIENCE)
    page.get_by_label("More options, as on the command line").fill("--steps 3")
    page.locator("#draft").click()  # the first picture is stopped below, long before its last step
    expect(other.locator("#live li")).to_have_text(["garden--brush-work-2"], timeout=_PATIENCE)
    _button(other, "Stop").click()
    for tab in (page, other):
        _made(tab, "garden--brush-work-2 · 64 x 48")
    page.reload()
    _made(page, "garden--brush-work-2 · 64 x 48")
    expect(page.locator("#history button img")).not_to_have_count(0)


@pytest.mark.parametrize("kind", ["photo", "paintings"])
def test_a_broken_file__gives_the_line_of_the_command(kind: str, open_app: OpenPage, tmp_path: Path) -> None:
    page, broken = open_app(), tmp_path / "broken.jpg"
    broken.write_bytes(b"%PDF-1.4 <script>")
    page.locator(f"#{kind} input[type=file]").set_input_files(broken)
    expect(page.get_by_text("cannot read broken.jpg as a picture: it is a PDF document")).to_be_visible()
    assert "Traceback" not in page.content()


def test_a_wrong_option__gives_the_line_of_the_command(open_app: OpenPage, tmp_path: Path) -> None:
    page = open_app()
    _choose(page, tmp_path, "wrong", words="--seeed 3")
    page.locator("#draft").click()
    expect(page.get_by_text("did you mean --seed")).to_be_visible()
    assert "Traceback" not in page.content()


def test_compare_two_pictures(open_app: OpenPage, tmp_path: Path) -> None:
    page = open_app()
    _choose(page, tmp_path, "river")
    page.locator("#draft").click()
    _made(page, "river--brush-work")
    _unfold(page, "Compare two pictures")
    for side, name in (("Left", "the photo"), ("Right", "river--brush-work.png")):
        page.get_by_label(side, exact=True).click()
        page.get_by_role("option", name=name, exact=True).last.click()  # the other list may still be closing
    expect(page.locator("#compared img")).to_have_count(2)


def test_phone(open_app: OpenPage, tmp_path: Path) -> None:
    page = open_app(viewport={"width": 375, "height": 700}, is_mobile=True, has_touch=True, device_scale_factor=2)
    _choose(page, tmp_path, "phone")
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [375, 375]
    expect(page.locator("#draft")).to_be_in_viewport()
    page.locator("#draft").tap()
    _made(page, "phone--brush-work · 64 x 48")
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [375, 375]


def test_keyboard_alone(open_app: OpenPage, tmp_path: Path) -> None:
    page = open_app()
    _choose(page, tmp_path, "keys")
    page.evaluate("() => { document.activeElement.blur(); document.body.tabIndex = -1; document.body.focus(); }")
    focused = list[str]()
    while "draft" not in focused and len(focused) < _MOST_TABS:
        page.keyboard.press("Tab")
        focused.append(page.evaluate("document.activeElement.id || document.activeElement.closest('[id]')?.id || ''"))
    assert focused[-1] == "draft", focused
    page.keyboard.press("Enter")
    _made(page, "keys--brush-work · 64 x 48")
    history = page.locator("#history button").last
    history.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#caption")).not_to_contain_text("keys--brush-work", timeout=_PATIENCE)


def test_other_files_names_and_origins__are_refused(open_app: OpenPage, served: Served, tmp_path: Path) -> None:
    page = open_app()
    secret = tmp_path / "secret.png"
    write_image(torch.rand(1, 3, 8, 8), secret)
    for path in (secret, "/etc/passwd", served.output / ".." / ".." / "secret.png", Path(__file__)):
        assert page.request.get(f"{served.address}gradio_api/file={path}").status in {403, 404}
    assert page.request.get(served.address).status == 200
    assert page.request.get(served.address, headers={"Origin": "http://evil.example"}).status == 403
    assert page.request.get(served.address, headers={"Host": "evil.example:80"}).status == 403
    policy = page.request.get(served.address).headers["content-security-policy"]
    assert "default-src 'self'" in policy
