"""A page of results as a picture: `python -m tools.page_picture OUT.jpg PAGE.html [--width N] [--height N] [--top N]`.

It needs Chromium, and Playwright of the development group.
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import sync_playwright

_QUALITY = 88
_PATIENCE = 2_000  # ms, for pictures to load


def browser_path() -> str | None:
    """Chromium on the PATH."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(prog="python -m tools.page_picture")
    parser.add_argument("output", type=Path)
    parser.add_argument("page", type=Path)
    parser.add_argument("--width", type=int, default=1000)
    parser.add_argument("--height", type=int, default=1000)
    parser.add_argument("--top", type=int, default=0, help="pixels to scroll first")
    parser.add_argument("--at", default="", help="text to scroll to, the last of its kind")
    options = parser.parse_args(arguments)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": options.width, "height": options.height})
        page.goto(options.page.resolve().as_uri())
        if options.at:
            page.get_by_text(options.at).last.evaluate("found => found.scrollIntoView()")
        page.evaluate("top => window.scrollBy(0, top)", options.top)
        page.wait_for_timeout(_PATIENCE)
        page.screenshot(path=options.output, type="jpeg", quality=_QUALITY)
        browser.close()


if __name__ == "__main__":
    main()
