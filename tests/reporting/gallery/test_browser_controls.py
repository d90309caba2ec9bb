"""The controls of the page in a real browser, by keyboard alone and on a phone's width."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rnst.image.files import read_image, write_image
from rnst.reporting.gallery.names import Names
from rnst.reporting.gallery.page import write_gallery
from rnst.results import SNAPSHOT, Result

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; it is in the dev group")
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

MakeResult = Callable[..., Result]
WritePicture = Callable[..., Path]
Open = Callable[..., Page]

_TIMES = "\N{MULTIPLICATION SIGN}"
_PHONE = {"viewport": {"width": 375, "height": 700}}
_NAMES = Names({"resnet50_robust": "Robust <b>ResNet</b>"}, {"ben": "Big Ben"}, {"scream": "The Scream, 1893"})


@pytest.fixture
def controls(results: list[Result], write_picture: WritePicture, tmp_path: Path) -> Path:
    """The page with titles, curves, two kept steps of each picture, and scores of both kinds."""
    made = []
    for result in results:
        for step in (50, 100):
            path = write_picture(tmp_path / f"{result.image.stem}_{step:05d}.png", step, (64, 64))
            write_image(read_image(path), path, {SNAPSHOT: step})
        scores = {**result.scores, **dict.fromkeys(("texture_distance", "color_distance", "ssim", "noise_sigma"), 0.5)}
        curves: dict[str, list[float]] = {"step": [1, 2, 3], "total": [3.0, 2.0, 1.0], "style": [0.3, 0.2, 0.1]}
        curves["content"] = [0.1, 0.2, 0.3]
        made.append(replace(result, scores=scores, curves=curves))
    return write_gallery(made, tmp_path / "controls.html", names=_NAMES, start=("ben", "scream"))


def _side(page: Page, side: str) -> Locator:
    return page.locator(f"#side-{side} img")


def _press(page: Page, locator: Locator, key: str = "Enter") -> None:
    """Reach a control from the top by the tabulator alone, and press a key on it."""
    page.locator(".skip").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        if locator.evaluate("element => element === document.activeElement"):
            outline = locator.evaluate("element => getComputedStyle(element).outlineStyle")
            assert outline != "none", "the focus is visible"
            page.keyboard.press(key)
            return
    raise AssertionError(f"the tabulator does not reach {locator}")


def test_same_settings_first__and_the_best_of_each(make_result: MakeResult, tmp_path: Path, open_page: Open) -> None:
    made = [
        make_result(f"{encoder}{weight}.png", encoder=encoder, settings={"style_weight": weight},
                    scores={"style_distance": 0.5, "picked": float(weight == best)})
        for encoder, best in (("resnet50_standard", 1), ("resnet50_robust", 10))
        for weight in (1, 10)
    ]  # fmt: skip
    page = open_page(write_gallery(made, tmp_path / "page.html"), **_PHONE)
    same, best = page.get_by_role("button", name="Same settings"), page.get_by_role("button", name="Best of each")
    expect(same).to_have_attribute("aria-pressed", "true")
    expect(_side(page, "left")).to_have_attribute("src", "resnet50_standard10.png")
    expect(page.locator("#side-left figcaption")).to_have_text("resnet50_standard, style weight 10")
    _press(page, best)
    expect(_side(page, "left")).to_have_attribute("src", "resnet50_standard1.png")
    expect(page.locator("#side-left figcaption")).to_have_text("resnet50_standard, style weight 1")
    expect(page.locator("#side-right figcaption")).to_have_text("resnet50_robust, style weight 10")
    expect(page.locator("#setting-field")).to_be_hidden()
    _press(page, same, "Space")
    _press(page, page.get_by_label("Settings", exact=True), "ArrowUp")
    for side in ("left", "right"):
        expect(page.locator(f"#side-{side} figcaption")).to_contain_text("style weight 1")
    # Pictures chosen one by one are neither.
    page.locator(".card button[data-side=left]").last.press("Enter")
    expect(same).to_have_attribute("aria-pressed", "false")
    expect(best).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize("zoom", [3, 10])
def test_magnification__the_same_scale_on_both_sides(
    zoom: int, make_result: MakeResult, tmp_path: Path, open_page: Open
) -> None:
    small, large = ("a.png", "resnet50_standard", (32, 32)), ("b.png", "resnet50_robust", (64, 64))
    made = [make_result(name, encoder=encoder, size=size) for name, encoder, size in (small, large)]
    page = open_page(write_gallery(made, tmp_path / "page.html", embed=True), **_PHONE)
    expect(_side(page, "left")).to_have_js_property("naturalWidth", 32)
    button = page.get_by_role("button", name=f"{zoom}{_TIMES}")
    _press(page, button)
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".closeups figcaption")).to_contain_text([f"{2 * zoom}{_TIMES}", f"{zoom}{_TIMES}"])
    width = page.locator("#closeup-right").evaluate("element => element.clientWidth")
    box = page.locator("#reticle").evaluate("element => parseFloat(element.style.width)")
    assert box == pytest.approx(min(100.0, 100 * width / zoom / 64), rel=0.01)


def test_steps__go_back_to_intermediate_pictures(controls: Path, open_page: Open) -> None:
    page = open_page(controls, **_PHONE)
    steps = page.get_by_role("slider", name="Steps")
    expect(steps).to_have_attribute("aria-valuetext", "finished")
    _press(page, steps, "ArrowLeft")
    expect(steps).to_have_attribute("aria-valuetext", "step 100")
    for side, encoder in (("left", "standard"), ("right", "robust")):
        expect(_side(page, side)).to_have_attribute("src", f"ben_scream_resnet50_{encoder}_100_00100.png")
    page.keyboard.press("Home")
    expect(_side(page, "left")).to_have_attribute("src", "ben_scream_resnet50_standard_100_00050.png")
    page.keyboard.press("End")
    expect(_side(page, "left")).to_have_attribute("src", "ben_scream_resnet50_standard_100.png")


def test_no_steps_kept__no_slider(path: Path, open_page: Open) -> None:
    page = open_page(path)
    expect(page.locator("#step-field")).to_be_hidden()
    expect(page.locator("#curves")).to_be_hidden()


def test_difference(results: list[Result], tmp_path: Path, open_page: Open) -> None:
    page = open_page(write_gallery(results, tmp_path / "page.html"), **_PHONE)
    button = page.get_by_role("button", name="Difference")
    _press(page, button)
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("slider", name="Divider")).to_be_disabled()
    blend = page.locator("#side-left").evaluate("element => getComputedStyle(element).mixBlendMode")
    assert blend == "difference"
    page.locator("#reticle").evaluate("element => { element.style.visibility = 'hidden'; }")
    shown = _middle(page)
    assert shown[:2] == pytest.approx([0, 0], abs=3), "red and green are those of the place, on both sides"
    assert shown[2] == pytest.approx(2 * (120 - 40), abs=4), "twice the difference of the encoders' blue"
    _press(page, button, "Space")
    expect(page.get_by_role("slider", name="Divider")).to_be_enabled()


def _middle(page: Page) -> list[int]:
    """Color in the middle of the stage, as it is shown."""
    pixels = np.asarray(Image.open(io.BytesIO(page.locator("#stage").screenshot())).convert("RGB"))
    return [int(value) for value in pixels[pixels.shape[0] // 2, pixels.shape[1] // 2 + 40]]


def test_full_screen(path: Path, open_page: Open) -> None:
    page = open_page(path, **_PHONE)
    button = page.get_by_role("button", name="Full screen")
    _press(page, button)
    expect(button).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.fullscreenElement.id") == "viewer"
    page.evaluate("document.exitFullscreen()")
    expect(button).to_have_attribute("aria-pressed", "false")


def test_download__the_picture_of_each_side(results: list[Result], tmp_path: Path, open_page: Open) -> None:
    page = open_page(write_gallery(results, tmp_path / "page.html", embed=True), **_PHONE)
    for side, encoder in (("left", "standard"), ("right", "robust")):
        link = page.get_by_role("link", name=f"Download {side}")
        with page.expect_download() as begun:
            _press(page, link)
        name = f"ben_scream_resnet50_{encoder}_100.png"
        assert begun.value.suggested_filename == name
        assert Path(begun.value.path()).read_bytes() == (tmp_path / name).read_bytes(), "embedded without a loss"


def test_scores__in_words_with_the_winner_marked(controls: Path, open_page: Open) -> None:
    page = open_page(controls, **_PHONE)
    rows = page.locator("#scores-first tr")
    expect(rows).to_have_count(5)
    expect(rows.nth(0)).to_contain_text("style distance ↓ lower is better")
    expect(rows.nth(0)).to_contain_text("Distance to the style's colors and textures")
    expect(rows.nth(0).locator("td").nth(1).locator(".best")).to_have_text("better")
    expect(rows.nth(1)).to_contain_text("edge correlation ↑ higher is better")
    expect(rows.nth(1).locator("td").nth(0).locator(".best")).to_have_text("better")
    expect(rows.nth(2).locator(".best")).to_have_count(0)
    more = page.locator("#scores summary")
    expect(page.locator("#scores-more")).to_be_hidden()
    _press(page, more)
    expect(page.locator("#scores-more")).to_contain_text("pixel noise")
    expect(page.locator("#scores-more")).to_contain_text("style weight")


def test_loss_curves(controls: Path, open_page: Open) -> None:
    page = open_page(controls, **_PHONE)
    _press(page, page.locator("#curves summary"))
    plots = page.locator("#plots svg")
    expect(plots).to_have_count(3)
    expect(plots.nth(0)).to_have_attribute("aria-label", "style loss at the last step: left 0.100, right 0.100")
    expect(plots.nth(0).locator("polyline")).to_have_count(2)
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [375, 375]


def test_photo_and_painting_are_sides(controls: Path, open_page: Open) -> None:
    page = open_page(controls, **_PHONE)
    _press(page, page.get_by_label("Left", exact=True), "End")
    expect(_side(page, "left")).to_have_attribute("src", "inputs/scream.png")
    expect(page.locator("#side-left figcaption")).to_have_text("style picture The Scream, 1893")
    _press(page, page.get_by_label("Left", exact=True), "ArrowUp")
    expect(_side(page, "left")).to_have_attribute("src", "inputs/ben.png")
    expect(_side(page, "left")).to_have_attribute("alt", "content picture Big Ben")
    expect(page.locator(".face img")).to_have_count(4)


def test_names__are_text(controls: Path, open_page: Open) -> None:
    page = open_page(controls)
    expect(page.locator("#side-right figcaption")).to_have_text("Robust <b>ResNet</b>, style weight 100")
    expect(page.locator("#scores-right")).to_have_text("Robust <b>ResNet</b>, style weight 100")
    divider = page.get_by_role("slider", name="Divider between resnet50_standard")
    expect(divider).to_have_accessible_name(
        "Divider between resnet50_standard, style weight 100 and Robust <b>ResNet</b>, style weight 100"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_borders_of_controls__have_contrast(scheme: str, controls: Path, open_page: Open) -> None:
    """WCAG 2.1, 1.4.11: 3 : 1 against what surrounds them."""
    page = open_page(controls, color_scheme=scheme)
    paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    for control in ("select", "button", "input[type=search]"):
        for edge in page.locator(control).evaluate_all(
            "elements => elements.filter((e) => e.offsetWidth).map((e) => getComputedStyle(e))"
            ".filter((s) => s.borderTopWidth !== '0px').map((s) => s.borderTopColor)"
        ):
            assert _contrast(edge, paper) >= 3, (control, edge, paper)


def _contrast(one: str, two: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(two)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    values = [int(part) / 255 for part in color.removeprefix("rgb(").removesuffix(")").split(", ")]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_table__says_that_it_scrolls(controls: Path, open_page: Open) -> None:
    page = open_page(controls, "#view=table", **_PHONE)
    expect(page.get_by_text("scroll it sideways")).to_be_visible()
    _press(page, page.locator("#scroller"), "ArrowRight")
    expect(page.locator("#scroller")).not_to_have_js_property("scrollLeft", 0)


def test_print__every_picture_and_no_control(controls: Path, open_page: Open) -> None:
    page = open_page(controls)
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    loaded: Any = page.locator(".card img").evaluate_all("images => images.filter((i) => !i.src).length")
    assert loaded == 0
    expect(page.get_by_role("button", name="Difference")).to_be_hidden()
    colors = page.evaluate(
        "(({ backgroundColor, color }) => [backgroundColor, color])(getComputedStyle(document.body))"
    )
    assert colors[1] == "rgb(0, 0, 0)"
    expect(page.locator("#scores-first")).to_be_visible()


def test_picks_of_different_settings__say_so(make_result: MakeResult, tmp_path: Path, open_page: Open) -> None:
    picks = [
        make_result(f"{encoder}.png", encoder=encoder, settings={"style_weight": weight}, scores={"picked": 1.0})
        for encoder, weight in (("resnet50_standard", 1), ("resnet50_robust", 10))
    ]
    page = open_page(write_gallery(picks, tmp_path / "page.html", varied=["style_weight"]), **_PHONE)
    expect(page.locator("#side-left figcaption")).to_have_text("resnet50_standard, style weight 1")
    expect(page.locator("#side-right figcaption")).to_have_text("resnet50_robust, style weight 10")
    expect(page.get_by_role("button", name="Same settings")).to_be_disabled()
    expect(page.get_by_role("button", name="Best of each")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("photo", ["inputs/ben.png", None], ids=["photo", "no photo"])
def test_one_network__beside_the_photo(
    photo: str | None, make_result: MakeResult, write_picture: WritePicture, tmp_path: Path, open_page: Open
) -> None:
    write_picture(tmp_path / "inputs/ben.png", 7)
    made = [
        make_result(
            f"{weight}.png", settings={"style_weight": weight, "content_path": photo}, scores={"style_distance": weight}
        )
        for weight in (1, 2)
    ]
    page = open_page(write_gallery(made, tmp_path / "page.html"), **_PHONE)
    expect(_side(page, "right")).to_have_attribute("src", "1.png")
    if photo is not None:
        expect(_side(page, "left")).to_have_attribute("src", photo)
    else:
        expect(page.locator("#side-left figcaption")).to_be_hidden()
        expect(page.locator("#divider")).to_be_hidden()
        expect(page.locator("#closeup-left")).to_be_hidden()
        assert page.locator("#reticle").evaluate("element => element.clientWidth") > 10
    expect(page.locator("#modes")).to_be_hidden()
    expect(page.locator("#scores-left")).to_be_hidden()
    expect(page.locator("#scores-right")).to_be_visible()
    page.get_by_label("Settings", exact=True).select_option(index=1)
    expect(_side(page, "right")).to_have_attribute("src", "2.png")


def test_an_artifact_that_neither_picture_has__makes_none_better(
    make_result: MakeResult, tmp_path: Path, open_page: Open
) -> None:
    made = [
        make_result(f"{encoder}.png", encoder=encoder, scores={"nyquist_excess_rows_db": rows, "ssim": ssim})
        for encoder, rows, ssim in (("resnet50_standard", -2.8, 0.1), ("resnet50_robust", -2.2, 0.2))
    ]
    page = open_page(write_gallery(made, tmp_path / "page.html"), **_PHONE)
    expect(page.locator("#scores-first tr", has_text="Structural").get_by_text("better", exact=True)).to_have_count(1)
    expect(page.locator("#scores-first tr", has_text="rows").get_by_text("better", exact=True)).to_have_count(0)


def test_a_file_name_that_is_no_text(make_result: MakeResult, tmp_path: Path, open_page: Open) -> None:
    made = make_result("a.png", content=b"caf\xe9".decode("utf-8", "surrogateescape"))
    page = open_page(write_gallery([made], tmp_path / "page.html"), **_PHONE)
    expect(page.locator("html")).to_have_attribute("data-ready", "yes")
