"""The page of `rnst app` with a draft on it, as a picture: `python -m tools.app_picture OUT.jpg [--width N] [--dark]`.

It needs Chromium, Playwright of the development group, and the extra app.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tools.page_picture import browser_path

_START = "from rnst.cli import main; main()"
_QUALITY = 80
_PATIENCE = 300_000  # ms, for a draft on a busy machine
_SETTLED = 3_000  # ms


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(prog="python -m tools.app_picture")
    parser.add_argument("output", type=Path)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=1100)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--drawn", action="store_true", help="draw a region first")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, _served(Path(folder)) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": options.width, "height": options.height},
            color_scheme="dark" if options.dark else "light",
        )
        page.set_default_timeout(_PATIENCE)
        page.goto(address)
        _draft(page, drawn=options.drawn)
        jpeg = options.output.suffix.lower() != ".png"
        quality = {"type": "jpeg", "quality": _QUALITY} if jpeg else {"full_page": True}
        page.screenshot(path=options.output, **quality)
        browser.close()


def _draft(page: Page, *, drawn: bool) -> None:
    page.locator("#draft").wait_for()
    page.wait_for_timeout(_SETTLED)
    if drawn:
        box = page.locator("#editor canvas").last.bounding_box() or {"x": 0, "y": 0, "width": 1, "height": 1}
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in ((0.4, 0.4), (0.6, 0.5))]
        page.mouse.move(*places[0])
        page.mouse.down()
        page.mouse.move(*places[1], steps=10)
        page.mouse.up()
    page.locator("#draft").click()
    page.locator("#picture img").wait_for()
    page.wait_for_timeout(_SETTLED)
    page.evaluate("window.scrollTo(0, 0)")


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """The address of the page."""
    command = [sys.executable, "-c", _START, "app", "--output", str(folder), "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        lines = process.stderr or ()
        yield next(line.split()[0] for line in lines if line.startswith("http://"))
        process.terminate()


if __name__ == "__main__":
    main()
