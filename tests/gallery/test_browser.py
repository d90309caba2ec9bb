"""The page in a real browser, opened from disk: every way to use it."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rnst.gallery.page import read_results, write_gallery
from rnst.results import Result

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; it is in the dev group")
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright  # noqa: E402 - see above

pytestmark = pytest.mark.browser

MakeResult = Callable[..., Result]
Open = Callable[..., Page]

_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
_MOST_SECONDS = 2.0
_TABS = 40


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no chromium on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """A function that opens a file; at the end no error may have shown, and nothing may have left the disk."""
    wrong: list[str] = []
    contexts: list[BrowserContext] = []

    def watch(page: Page) -> None:
        page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: request.url.startswith(("file:", "data:")) or wrong.append(request.url))

    def open_(path: Path, fragment: str = "", **options: Any) -> Page:
        contexts.append(browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **options}))
        page = contexts[-1].new_page()
        page.set_default_timeout(5000)
        watch(page)
        page.goto(path.as_uri() + fragment)
        expect(page.locator("html[data-ready]")).to_be_attached()
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not wrong


@pytest.fixture
def path(results: list[Result], tmp_path: Path) -> Path:
    return write_gallery(results, tmp_path / "page.html")


def _side(page: Page, side: str) -> Locator:
    return page.locator(f"#side-{side} img")


def _expect_sides(page: Page, left: str, right: str) -> None:
    """File names of the two pictures, and that both are loaded."""
    expect(_side(page, "left")).to_have_attribute("src", left)
    expect(_side(page, "right")).to_have_attribute("src", right)
    for side in ("left", "right"):
        expect(_side(page, side)).to_have_js_property("naturalWidth", 64)


def _center(locator: Locator, x: float = 0.5, y: float = 0.5) -> tuple[float, float]:
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def _color(page: Page, side: str, x: float, y: float) -> list[int]:
    """Color of a closeup at a place given in fractions of its size."""
    script = """([side, x, y]) => { const c = document.getElementById("closeup-" + side);
        return [...c.getContext("2d").getImageData(x * c.width, y * c.height, 1, 1).data.slice(0, 3)]; }"""
    color: list[int] = page.evaluate(script, [side, x, y])
    return color


def _column(page: Page, selector: str) -> list[str]:
    return page.locator(selector).all_inner_texts()


def test_choose_content_style_and_encoders(path: Path, open_page: Open) -> None:
    page = open_page(path)
    _expect_sides(page, "ben_scream_resnet50_standard_100.png", "ben_scream_resnet50_robust_100.png")
    page.get_by_role("radio", name="dancing").check()
    page.get_by_role("radio", name="starry").check()
    page.get_by_label("Left", exact=True).select_option("vgg19")
    _expect_sides(page, "dancing_starry_vgg19_100.png", "dancing_starry_resnet50_robust_100.png")
    expect(_side(page, "left")).to_have_attribute("alt", "dancing in the style of starry, by vgg19")
    expect(page.locator("#status")).to_have_text(
        "Content dancing, style starry; left vgg19, right resnet50_robust."
    )  # fmt: skip
    expect(page.locator("#facts-left")).to_contain_text("style distance")
    expect(page.locator("#contents img")).to_have_count(2)
    page.get_by_role("button", name="Swap left and right").click()
    _expect_sides(page, "dancing_starry_resnet50_robust_100.png", "dancing_starry_vgg19_100.png")
    page.get_by_label("Left", exact=True).select_option("content picture")
    expect(_side(page, "left")).to_have_attribute("src", "inputs/dancing.png")


def test_drag_the_divider(path: Path, open_page: Open) -> None:
    page = open_page(path)
    stage, divider = page.locator("#stage"), page.get_by_role("slider", name="Divider")
    page.mouse.move(*_center(stage))
    page.mouse.down()
    for x in (0.6, 0.75, 0.8):
        page.mouse.move(*_center(stage, x))
    page.mouse.up()
    assert float(divider.input_value()) == pytest.approx(80, abs=0.6)
    expect(divider).to_have_attribute("aria-valuetext", "80 % left, 20 % right")
    clip = page.locator("#side-left").evaluate("element => getComputedStyle(element).clipPath")
    assert clip in {f"inset(0px calc(100% - {value}%) 0px 0px)" for value in ("79.5", "80", "80.5")} | {"inset(0px 20% 0px 0px)"}
    for end in (0, 1):  # the divider reaches both edges, and follows a click
        page.mouse.click(*_center(stage, 0.001 if end == 0 else 0.999))
        assert float(divider.input_value()) == 100 * end


def test_the_check_box_compares_vgg_with_robust_and_goes_back(path: Path, open_page: Open) -> None:
    page = open_page(path)
    page.get_by_label("Right", exact=True).select_option("vgg19")
    box = page.get_by_role("checkbox", name="Compare VGG <> robust")
    expect(box).not_to_be_checked()
    box.check()
    _expect_sides(page, "ben_scream_vgg19_100.png", "ben_scream_resnet50_robust_100.png")
    box.uncheck()
    _expect_sides(page, "ben_scream_resnet50_standard_100.png", "ben_scream_vgg19_100.png")
    page.get_by_label("Left", exact=True).select_option("vgg19")
    page.get_by_label("Right", exact=True).select_option("resnet50_robust")
    expect(box).to_be_checked()


def test_no_check_box_without_such_a_pair(make_result: MakeResult, tmp_path: Path, open_page: Open) -> None:
    result = make_result("a.png", encoder="vgg19")
    page = open_page(write_gallery([result], tmp_path / "page.html"))
    expect(page.locator("#vgg-field")).to_be_hidden()
    _expect_sides(page, "a.png", "a.png")


def test_the_magnifier_shows_ten_pixels_for_one(results: list[Result], tmp_path: Path, open_page: Open) -> None:
    page = open_page(write_gallery(results, tmp_path / "embedded.html", embed=True))
    expect(_side(page, "left")).to_have_js_property("naturalWidth", 64)
    page.mouse.move(*_center(page.locator("#stage"), 0.5, 0.25))
    width, height = page.locator("#closeup-left").evaluate("element => [element.clientWidth, element.clientHeight]")
    for side, blue in (("left", 40), ("right", 120)):
        column, row, found = _color(page, side, 0.5, 0.5)
        assert (column / 4, row / 4, found) == (pytest.approx(32, abs=1), pytest.approx(16, abs=1), blue)
        # Twenty CSS pixels further, two pixels of the picture further.
        assert _color(page, side, 0.5 + 20 / width, 0.5)[0] == column + 8
        assert _color(page, side, 0.5, 0.5 + 20 / height)[1] == row + 8
    # At an edge the closeup stops with the picture.
    page.mouse.move(*_center(page.locator("#stage"), 0.001, 0.001))
    assert _color(page, "left", 2 / width, 2 / height) == [0, 0, 40]


def test_the_magnifier_by_keyboard(results: list[Result], tmp_path: Path, open_page: Open) -> None:
    page = open_page(write_gallery(results, tmp_path / "embedded.html", embed=True), "#at=0.5,0.5")
    expect(_side(page, "right")).to_have_js_property("naturalWidth", 64)
    magnifier = page.get_by_role("slider", name="Magnifier")
    magnifier.focus()
    before = _color(page, "right", 0.5, 0.5)
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    after = _color(page, "right", 0.5, 0.5)
    assert after[0] - before[0] == pytest.approx(4 * 6.4, abs=4)
    assert before[1] - after[1] == pytest.approx(4 * 6.4, abs=4)
    page.keyboard.press("ArrowLeft")
    expect(magnifier).to_have_attribute("aria-valuetext", "59 % from the left, 40 % from the top")


def test_sort_by_score_best_first_and_back(path: Path, open_page: Open) -> None:
    page = open_page(path)
    page.get_by_role("button", name="Table").click()
    for name, best_is_lowest in (("style distance", True), ("edge correlation", False)):
        head = page.get_by_role("columnheader", name=name)
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", "ascending" if best_is_lowest else "descending")
        place = page.locator("thead th").evaluate_all(f"all => all.findIndex(one => one.innerText.includes('{name}')) + 1")
        values = [float(text) for text in _column(page, f"tbody td:nth-child({place})")]
        assert len(values) == 24
        assert values == sorted(values, reverse=not best_is_lowest)
        head.get_by_role("button").click()
        values = [float(text) for text in _column(page, f"tbody td:nth-child({place})")]
        assert values == sorted(values, reverse=best_is_lowest)
    page.get_by_label("Sort by").select_option("style distance")
    page.get_by_role("button", name="Pictures").click()
    expect(page.locator(".card .numbers").first).to_contain_text("style distance 0.3")
    page.get_by_role("button", name="best first").click()
    expect(page.get_by_role("button", name="worst first")).to_be_visible()


def test_results_without_a_score_come_last(make_result: MakeResult, tmp_path: Path, open_page: Open) -> None:
    for number, score in enumerate((2.0, None, 1.0)):
        make_result(f"{number}.png", scores={} if score is None else {"style_distance": score})
    page = open_page(write_gallery(read_results(tmp_path), tmp_path / "page.html"), "#view=table&sort=score:style_distance")
    assert _column(page, "tbody td:nth-child(5)") == ["1", "2", "–"]
    page.get_by_role("button", name="best first").click()
    assert _column(page, "tbody td:nth-child(5)") == ["2", "1", "–"]


def test_filter_the_results(path: Path, open_page: Open) -> None:
    page = open_page(path)
    count = page.locator("#count")
    expect(count).to_have_text("24 results")
    expect(page.locator(".card .mark:visible")).to_have_count(12)
    page.get_by_label("Encoder").select_option("vgg19")
    page.get_by_label("Picked only").check()
    expect(count).to_have_text("4 of 24 results")
    page.get_by_label("Find").fill("STARRY ben")
    expect(page.locator(".card")).to_have_count(1)
    page.get_by_label("Find").fill("")
    page.get_by_label("This content and style only").check()
    expect(page.locator(".card")).to_have_count(1)
    page.get_by_role("radio", name="starry").check()
    expect(page.locator(".card .what")).to_have_text("ben × starry")


def test_any_result_can_be_put_on_a_side_and_shows_its_settings(path: Path, open_page: Open) -> None:
    page = open_page(path)
    card = page.locator(".card", has_text="dancing × starry").filter(has_text="vgg19").first
    card.get_by_role("button", name="on the left").click()
    expect(card.get_by_role("button", name="on the left")).to_have_attribute("aria-pressed", "true")
    expect(_side(page, "left")).to_have_attribute("src", "dancing_starry_vgg19_1.png")
    card.get_by_text("Settings").click()
    expect(card.locator("dl")).to_contain_text("steps300")
    expect(card.locator("dl")).to_contain_text("loss total0.500")
    other = page.locator(".card", has_text="dancing × starry").filter(has_text="resnet50_standard").first
    other.get_by_role("link").click()
    _expect_sides(page, "dancing_starry_vgg19_1.png", "dancing_starry_resnet50_standard_1.png")
    expect(page.get_by_role("slider", name="Divider")).to_be_focused()


def test_a_fragment_is_followed_and_kept(path: Path, open_page: Open) -> None:
    page = open_page(path, "#content=dancing&style=starry&left=vgg19&right=resnet50_standard&position=20&view=table")
    _expect_sides(page, "dancing_starry_vgg19_100.png", "dancing_starry_resnet50_standard_100.png")
    expect(page.get_by_role("slider", name="Divider")).to_have_value("20")
    expect(page.get_by_role("table")).to_be_visible()
    page.evaluate("location.hash = '#content=ben&style=starry'")
    _expect_sides(page, "ben_starry_resnet50_standard_100.png", "ben_starry_resnet50_robust_100.png")
    page.get_by_role("radio", name="scream").check()
    page.wait_for_url("**style=scream**")
    link = page.get_by_role("link", name="Link to this view").get_attribute("href")
    assert link is not None
    again = open_page(path, link)
    _expect_sides(again, "ben_scream_resnet50_standard_100.png", "ben_scream_resnet50_robust_100.png")


@pytest.mark.parametrize(
    "fragment",
    ["#content=nobody&left=no&position=300&at=x&view=3d&order=up&encoder=none", "#%E0%A4%A", "#=&&==", "#results"],
)
def test_a_wrong_fragment_does_no_harm(path: Path, open_page: Open, fragment: str) -> None:
    page = open_page(path, fragment)
    _expect_sides(page, "ben_scream_resnet50_standard_100.png", "ben_scream_resnet50_robust_100.png")
    expect(page.get_by_role("slider", name="Divider")).to_have_value("50")
    expect(page.locator(".card")).to_have_count(24)


def test_keyboard_only(path: Path, open_page: Open) -> None:
    page = open_page(path)

    def tab_to(wanted: str) -> None:
        for _ in range(_TABS):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.matches(arguments[0])".replace("arguments[0]", json.dumps(wanted))):
                return
        pytest.fail(f"{wanted} is not reached by {_TABS} tabs")

    tab_to(".skip")
    expect(page.locator(".skip")).to_be_in_viewport()
    tab_to("#contents input")
    page.keyboard.press("ArrowRight")
    tab_to("#styles input")
    page.keyboard.press("ArrowRight")
    _expect_sides(page, "dancing_starry_resnet50_standard_100.png", "dancing_starry_resnet50_robust_100.png")
    tab_to("#vgg")
    page.keyboard.press("Space")
    expect(_side(page, "left")).to_have_attribute("src", "dancing_starry_vgg19_100.png")
    tab_to("#divider")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#divider")).to_have_value("52")
    page.keyboard.press("Home")
    expect(page.locator("#divider")).to_have_value("0")
    tab_to("#reticle")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#reticle")).to_have_attribute("aria-valuetext", "30 % from the left, 36 % from the top")
    tab_to("[data-view=table]")
    page.keyboard.press("Enter")
    tab_to("thead th:nth-child(6) button")
    page.keyboard.press("Enter")
    expect(page.locator("thead th:nth-child(6)")).to_have_attribute("aria-sort", "ascending")
    expect(page.locator("thead th:nth-child(6) button")).to_be_focused()
    tab_to("tbody summary")
    page.keyboard.press("Enter")
    expect(page.locator("tbody dl").first).to_be_visible()


def test_everything_that_takes_focus_has_a_name_and_shows_it(path: Path, open_page: Open) -> None:
    page = open_page(path)
    nameless = page.evaluate(
        """[...document.querySelectorAll("input, select, button, a, summary, [tabindex]")].filter((element) =>
            !element.matches("#results") && !(element.labels?.length && element.labels[0].textContent.trim())
            && !element.getAttribute("aria-label") && !element.getAttribute("aria-labelledby")
            && !element.textContent.trim() && !element.querySelector("img[alt]:not([alt=''])"))
            .map((element) => element.outerHTML)"""
    )
    assert nameless == []
    assert page.locator("img:not([alt])").count() == 0
    page.locator("#left").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    assert page.locator("html").get_attribute("lang") == "en"


def test_phone(path: Path, open_page: Open) -> None:
    phone = {"viewport": {"width": 375, "height": 700}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
    for fragment in ("", "#view=table"):
        page = open_page(path, fragment, **phone)
        expect(_side(page, "right")).to_have_js_property("naturalWidth", 64)
        page.locator("summary").first.click()
        assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [375, 375]
    page.get_by_text("drag the small square").scroll_into_view_if_needed()
    touch = page.context.new_cdp_session(page)

    def drag(*points: tuple[float, float]) -> None:
        for number, (x, y) in enumerate(points):
            kind = "touchMove" if number else "touchStart"
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    stage = page.locator("#stage")
    page.evaluate("document.getElementById('stage').scrollIntoView()")
    drag(_center(page.locator("#reticle")), _center(stage, 0.4, 0.4), _center(stage, 0.7, 0.8))
    expect(page.locator("#reticle")).to_have_attribute("aria-valuetext", "70 % from the left, 80 % from the top")
    expect(page.locator("#divider")).to_have_value("50")
    drag(_center(stage, 0.5), _center(stage, 0.4), _center(stage, 0.25))
    assert float(page.locator("#divider").input_value()) == pytest.approx(25, abs=1)
    expect(page.locator("#reticle")).to_have_attribute("aria-valuetext", "70 % from the left, 80 % from the top")


def test_dark_and_light(path: Path, open_page: Open) -> None:
    colors = [
        open_page(path, color_scheme=scheme).evaluate("getComputedStyle(document.documentElement).backgroundColor")
        for scheme in ("light", "dark")
    ]
    assert colors == ["rgb(255, 255, 255)", "rgb(20, 20, 19)"]


@pytest.mark.parametrize("embed", [False, True])
def test_a_script_in_a_name_stays_text(make_result: MakeResult, tmp_path: Path, open_page: Open, *, embed: bool) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    settings = {evil: evil, "content_path": f"{evil}.png"}
    made = [
        make_result("<script>alert(3)<script>#?%20 \"'&.png", evil, evil, evil, settings=settings, scores={evil: 1.0}),
        make_result("plain.png", evil, "style", "javascript:alert(4)"),
    ]
    page = open_page(write_gallery(made, tmp_path / "page.html", title=evil, embed=embed))
    expect(page.get_by_role("heading", level=1)).to_have_text(evil)
    expect(page.locator(".card").first.locator(".who")).to_have_text(evil)
    page.locator(".card summary").first.click()
    expect(page.locator(".card dl").first).to_contain_text("<script>alert(3)<script>#?%20")
    expect(page.locator(".card img").first).to_have_js_property("naturalWidth", 64)
    page.locator(".card").first.get_by_role("link").click()
    expect(_side(page, "right")).to_have_js_property("naturalWidth", 64)
    page.get_by_role("button", name="Table").click()
    page.wait_for_url("**view=table**")
    page.reload()
    expect(_side(page, "right")).to_have_js_property("naturalWidth", 64)
    assert page.locator("script:not([type='text/plain'])").count() == 2


def test_a_missing_combination_and_a_missing_picture_say_so(
    make_result: MakeResult, tmp_path: Path, open_page: Open
) -> None:
    made = [make_result("a.png", "ben", "scream", "vgg19"), make_result("b.png", "ben", "starry", "resnet50_robust")]
    page = open_page(write_gallery(made, tmp_path / "page.html"), "#left=vgg19&right=resnet50_robust&style=starry")
    expect(page.locator("#side-left figcaption")).to_have_text("no picture by vgg19")
    expect(_side(page, "right")).to_have_attribute("src", "b.png")
    expect(page.locator("#styles .letters")).to_have_text(["scream", "starry"])


def test_portrait_and_landscape_keep_their_shape(make_result: MakeResult, tmp_path: Path, open_page: Open) -> None:
    for size in ((60, 24), (24, 60), (48, 48)):
        result = make_result("a.png", size=size)
        page = open_page(write_gallery([result], tmp_path / "page.html"))
        box = page.locator("#stage").bounding_box()
        assert box is not None
        assert box["width"] / box["height"] == pytest.approx(size[0] / size[1], rel=0.02)
        assert box["height"] < 900


@pytest.mark.parametrize("embed", [False, True])
def test_five_hundred_results_open_within_two_seconds(
    make_result: MakeResult, tmp_path: Path, open_page: Open, *, embed: bool
) -> None:
    settings = {f"setting {number}": number for number in range(60)}
    for number in range(500):
        make_result(
            f"{number}.png", f"content {number % 5}", f"style {number % 4}", f"encoder {number % 3}", size=(256, 256),
            settings={**settings, "seed": number}, scores={"style_distance": 1 / (number + 1), "ssim": 0.5},
        )  # fmt: skip
    path = write_gallery(read_results(tmp_path), tmp_path / "page.html", embed=embed)
    start = time.perf_counter()
    page = open_page(path)
    expect(page.locator(".card")).to_have_count(500)
    expect(_side(page, "right")).to_have_js_property("naturalWidth", 256)
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert time.perf_counter() - start < _MOST_SECONDS
    loaded = page.locator(".card img[src]").count()
    assert loaded < 100  # the others wait until they are near the window
    page.locator(".card").last.scroll_into_view_if_needed()
    expect(page.locator(".card img").last).to_have_js_property("naturalWidth", 256)
