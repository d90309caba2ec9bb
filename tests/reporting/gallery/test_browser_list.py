"""The page in a real browser, opened from disk: its list, its address, the keyboard, hostile names, many results."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rnst.reporting.gallery.page import read_results, write_gallery
from rnst.results import Result

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; it is in the dev group")
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

MakeResult = Callable[..., Result]
Open = Callable[..., Page]

_MOST_SECONDS = 2.0
_TABS = 40
_NO_VALUE = "\N{EN DASH}"


def _side(page: Page, side: str) -> Locator:
    return page.locator(f"#side-{side} img")


def _expect_sides(page: Page, left: str, right: str) -> None:
    """File names of the two pictures, and that both are loaded."""
    expect(_side(page, "left")).to_have_attribute("src", left)
    expect(_side(page, "right")).to_have_attribute("src", right)
    for side in ("left", "right"):
        expect(_side(page, side)).to_have_js_property("naturalWidth", 64)


def _column(page: Page, selector: str) -> list[str]:
    return page.locator(selector).all_inner_texts()


def test_sort_by_score_best_first_and_back(path: Path, open_page: Open) -> None:
    page = open_page(path)
    page.get_by_role("button", name="Table").click()
    for name, best_is_lowest in (("style distance", True), ("edge correlation", False)):
        head = page.get_by_role("columnheader", name=name)
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", "ascending" if best_is_lowest else "descending")
        place = 1 + next(number for number, text in enumerate(_column(page, "#scroller thead th")) if name in text)
        values = [float(text) for text in _column(page, f"#scroller tbody td:nth-child({place})")]
        assert len(values) == 24
        assert values == sorted(values, reverse=not best_is_lowest)
        head.get_by_role("button").click()
        values = [float(text) for text in _column(page, f"#scroller tbody td:nth-child({place})")]
        assert values == sorted(values, reverse=best_is_lowest)
    page.get_by_label("Sort by").select_option("style distance")
    page.get_by_role("button", name="Pictures").click()
    expect(page.locator(".card .numbers").first).to_contain_text("style distance 0.3")
    page.get_by_role("button", name="best first").click()
    expect(page.get_by_role("button", name="worst first")).to_be_visible()


def test_results_without_a_score_come_last(make_result: MakeResult, tmp_path: Path, open_page: Open) -> None:
    for number, score in enumerate((2.0, None, 1.0)):
        make_result(f"{number}.png", scores={} if score is None else {"style_distance": score})
    path = write_gallery(read_results(tmp_path), tmp_path / "page.html")
    page = open_page(path, "#view=table&sort=score:style_distance")
    assert _column(page, "tbody td:nth-child(5)") == ["1", "2", _NO_VALUE]
    page.get_by_role("button", name="best first").click()
    assert _column(page, "tbody td:nth-child(5)") == ["2", "1", _NO_VALUE]


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
    expect(page.locator(".card .what")).to_have_text("ben \N{MULTIPLICATION SIGN} starry")


def test_any_result_can_be_put_on_a_side_and_shows_its_settings(path: Path, open_page: Open) -> None:
    page = open_page(path)
    card = page.locator(".card", has_text="starry").filter(has_text="dancing").filter(has_text="vgg19").first
    card.get_by_role("button", name="on the left").click()
    expect(card.get_by_role("button", name="on the left")).to_have_attribute("aria-pressed", "true")
    expect(_side(page, "left")).to_have_attribute("src", "dancing_starry_vgg19_1.png")
    card.get_by_text("Settings").click()
    expect(card.locator("dl")).to_contain_text("steps300")
    expect(card.locator("dl")).to_contain_text("loss total0.500")
    other = (
        page.locator(".card", has_text="starry").filter(has_text="dancing").filter(has_text="resnet50_standard").first
    )
    other.get_by_role("link").click()
    _expect_sides(page, "dancing_starry_vgg19_1.png", "dancing_starry_resnet50_standard_1.png")
    expect(page.get_by_role("slider", name="Divider")).to_be_focused()


def test_a_fragment_is_followed_and_kept(path: Path, open_page: Open) -> None:
    page = open_page(path, "#content=dancing&style=starry&left=vgg19&right=resnet50_standard&position=20&view=table")
    _expect_sides(page, "dancing_starry_vgg19_100.png", "dancing_starry_resnet50_standard_100.png")
    expect(page.get_by_role("slider", name="Divider")).to_have_value("20")
    expect(page.locator("#scroller table")).to_be_visible()
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
            if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
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


@pytest.mark.parametrize("embed", [False, True])
def test_a_script_in_a_name_stays_text(
    make_result: MakeResult, tmp_path: Path, open_page: Open, *, embed: bool
) -> None:
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


def _seconds_of_work(page: Page) -> float:
    """Processor time of the page since it began: what it takes on an idle machine, however busy this one is."""
    inspector = page.context.new_cdp_session(page)
    inspector.send("Performance.enable")
    metrics = inspector.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "ProcessTime"))


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
    page = open_page(path)
    expect(page.locator(".card")).to_have_count(500)
    expect(_side(page, "right")).to_have_js_property("naturalWidth", 256)
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert _seconds_of_work(page) < _MOST_SECONDS
    loaded = page.locator(".card img[src]").count()
    assert loaded < 100  # the others wait until they are near the window
    page.locator(".card").last.scroll_into_view_if_needed()
    expect(page.locator(".card img").last).to_have_js_property("naturalWidth", 256)
