"""The page of a contact sheet in a real browser: by mouse, by keyboard, on a telephone, in the dark."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from rnst.image.files import write_image
from rnst.reporting.contact_sheet.page import Entry, write_contact_page

pytest.importorskip("playwright.sync_api", reason="playwright is not installed; it is in the dev group")
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

_COMMANDS = ["python stylize.py 'a b.png' --style_weight 1", "python stylize.py --style_weight 3 --name '<&>'"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("sheet")
    write_image(torch.rand(1, 3, 192, 256), folder / "draft.png")
    entries = [Entry(f"number {number}", command, folder / "draft.png") for number, command in enumerate(_COMMANDS)]
    missing = Entry("number 2", "", None, "it failed")
    write_contact_page([*entries, missing], [""], ["one", "two", "three"], "a contact sheet", folder / "sheet.html")
    return (folder / "sheet.html").as_uri()


@pytest.fixture(params=[(1280, "light"), (375, "dark")], ids=["desktop", "telephone"])
def page(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    width, scheme = request.param
    context: Any = browser.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    found = context.new_page()
    problems = list[str]()
    found.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    found.on("pageerror", lambda error: problems.append(str(error)))
    found.goto(address)
    yield found
    context.close()
    assert problems == []


def test_a_click_shows_and_copies_the_command(page: Page) -> None:
    page.get_by_role("button", name="number 1").click()
    expect(page.locator("#command")).to_have_text(_COMMANDS[1])
    expect(page.get_by_role("status")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == _COMMANDS[1]
    expect(page.get_by_role("button", name="number 1")).to_have_attribute("aria-pressed", "true")


def test_by_keyboard_alone(page: Page) -> None:
    for _ in range(2):  # the sheet, which scrolls, and its first picture
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#command")).to_have_text(_COMMANDS[0])
    expect(page.get_by_role("status")).to_have_text("Copied.")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator("#command")).to_have_text(_COMMANDS[1])
    expect(page.get_by_role("button", name="number 0")).to_have_attribute("aria-pressed", "false")


def test_nothing_is_wider_than_the_window(page: Page) -> None:
    page.get_by_role("button", name="number 0").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.documentElement).backgroundColor]"
    )
    assert ink != paper


def test_without_a_clipboard(page: Page) -> None:
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.get_by_role("button", name="number 0").click()
    expect(page.get_by_role("status")).to_contain_text("opied")
    expect(page.locator("#command")).to_have_text(_COMMANDS[0])
