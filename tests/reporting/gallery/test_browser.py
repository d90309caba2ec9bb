"""The page in a real browser, opened from disk: two pictures compared."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from rnst.reporting.gallery.page import write_gallery
from rnst.results import Result

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; it is in the dev group")
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

MakeResult = Callable[..., Result]
Open = Callable[..., Page]


def _side(page: Page, side: str) -> Locator:
    return page.locator(f"#side-{side} img")


def _expect_sides(page: Page, left: str, right: str) -> None:
    """File names of the two pictures, and that both are loaded."""
    expect(_side(page, "left")).to_have_attribute("src", left)
    expect(_side(page, "right")).to_have_attribute("src", right)
    _expect_loaded(page)


def _expect_loaded(page: Page) -> None:
    for side in ("left", "right"):
        expect(_side(page, side)).to_have_js_property("naturalWidth", 64)
        expect(_side(page, side)).to_have_js_property("complete", True)  # noqa: FBT003 - what the browser answers


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


def test_choose_content_style_and_encoders(path: Path, open_page: Open) -> None:
    page = open_page(path)
    _expect_sides(page, "ben_scream_resnet50_standard_100.png", "ben_scream_resnet50_robust_100.png")
    page.get_by_role("radio", name="dancing").check()
    page.get_by_role("radio", name="starry").check()
    page.get_by_label("Left", exact=True).select_option("vgg19")
    _expect_sides(page, "dancing_starry_vgg19_100.png", "dancing_starry_resnet50_robust_100.png")
    expect(_side(page, "left")).to_have_attribute("alt", "dancing in the style of starry, by vgg19")
    expect(page.locator("#status")).to_have_text(
        "Content dancing, style starry; left vgg19, style weight 100, right resnet50_robust, style weight 100."
    )  # fmt: skip
    expect(page.locator("#scores")).to_contain_text("style distance")
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
    assert re.fullmatch(r"inset\(0px (calc\(100% - (79\.5|80|80\.5)%\)|(19\.5|20|20\.5)%) 0px 0px\)", clip)
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
    expect(_side(page, "right")).to_have_attribute("src", "a.png")


def test_the_magnifier_shows_ten_pixels_for_one(results: list[Result], tmp_path: Path, open_page: Open) -> None:
    page = open_page(write_gallery(results, tmp_path / "embedded.html", embed=True), "#zoom=10")
    _expect_loaded(page)
    page.mouse.move(*_center(page.locator("#stage"), 0.5, 0.25))
    width, height = page.locator("#closeup-left").evaluate("element => [element.clientWidth, element.clientHeight]")
    for side, blue in (("left", 40), ("right", 120)):
        column, row, found = _color(page, side, 0.5, 0.5)
        assert found == blue
        assert [column / 4, row / 4] == pytest.approx([32, 16], abs=1)
        # Twenty CSS pixels further, two pixels of the picture further.
        assert _color(page, side, 0.5 + 20 / width, 0.5)[0] == column + 8
        assert _color(page, side, 0.5, 0.5 + 20 / height)[1] == row + 8
    # At an edge the closeup stops with the picture.
    page.mouse.move(*_center(page.locator("#stage"), 0.001, 0.001))
    assert _color(page, "left", 2 / width, 2 / height) == [0, 0, 40]


def test_the_magnifier_by_keyboard(results: list[Result], tmp_path: Path, open_page: Open) -> None:
    page = open_page(write_gallery(results, tmp_path / "embedded.html", embed=True), "#at=0.5,0.5&zoom=10")
    _expect_loaded(page)
    magnifier = page.get_by_role("slider", name="Magnifier")
    magnifier.focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    column, row, _ = _color(page, "right", 0.5, 0.5)
    assert [column / 4, row / 4] == pytest.approx([0.6 * 64, 0.4 * 64], abs=1)
    page.keyboard.press("ArrowLeft")
    expect(magnifier).to_have_attribute("aria-valuetext", "59 % from the left, 40 % from the top")


def test_phone(path: Path, open_page: Open) -> None:
    phone = {"viewport": {"width": 375, "height": 700}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
    page = open_page(path, "", **phone)
    for view in ("Pictures", "Table"):
        page.get_by_role("button", name=view).tap()
        _expect_loaded(page)
        page.locator("summary:visible").first.tap()
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


def test_a_missing_combination_and_a_missing_picture_say_so(
    make_result: MakeResult, tmp_path: Path, open_page: Open
) -> None:
    made = [make_result("a.png", "ben", "scream", "vgg19"), make_result("b.png", "ben", "starry", "resnet50_robust")]
    page = open_page(write_gallery(made, tmp_path / "page.html"), "#left=vgg19&right=resnet50_robust&style=starry")
    expect(page.locator("#side-left figcaption")).to_have_text("no picture by vgg19")
    expect(_side(page, "right")).to_have_attribute("src", "b.png")
    expect(page.locator("#styles .letters")).to_have_text(["scream", "starry"])
    page.get_by_role("radio", name="scream").check()
    expect(_side(page, "left")).to_have_attribute("src", "a.png")


def test_a_choice_that_nobody_stylized_moves_to_the_nearest(
    make_result: MakeResult, tmp_path: Path, open_page: Open
) -> None:
    made = [
        make_result("a.png", "ben", "scream", "vgg19"),
        make_result("b.png", "dancing", "starry", "resnet50_robust"),
    ]
    page = open_page(write_gallery(made, tmp_path / "page.html"), "#content=ben&style=scream&left=vgg19&right=vgg19")
    page.get_by_role("radio", name="dancing").check()
    _expect_sides(page, "b.png", "b.png")
    expect(page.get_by_role("radio", name="starry")).to_be_checked()


@pytest.mark.parametrize("size", [(60, 24), (24, 60), (48, 48)])
def test_portrait_and_landscape_keep_their_shape(
    make_result: MakeResult, tmp_path: Path, open_page: Open, size: tuple[int, int]
) -> None:
    page = open_page(write_gallery([make_result("a.png", size=size)], tmp_path / "page.html"))
    box = page.locator("#stage").bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(size[0] / size[1], rel=0.02)
    assert box["height"] < 900
