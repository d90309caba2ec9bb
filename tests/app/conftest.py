"""The page as users start it, once for a module, and tabs in which nothing may be asked of another machine."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_START = "from rnst.cli import main; main()"
_PATIENCE = 120_000  # ms
_HARMLESS = ("data:", "blob:")


@dataclass(frozen=True)
class Served:
    """A page that is served: its address, and the folder of its pictures."""

    address: str
    output: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if find_spec("gradio") is None:
        pytest.skip("gradio is not installed; it is the extra app")
    output = tmp_path_factory.mktemp("app") / "out"
    command = [sys.executable, "-c", _START, "app", "--output", str(output), "--port", "0", "--no-browser"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line.startswith("http://"):
                break
        assert lines[-1].startswith("http://127.0.0.1:"), lines
        yield Served(lines[-1].split()[0], output)
        process.terminate()
        rest = process.communicate(timeout=60)[1]
    assert "Traceback" not in rest, rest


OpenPage = Callable[..., "Page"]


@pytest.fixture
def open_app(served: Served, browser: "Browser") -> Iterator[OpenPage]:
    """A function that opens the page in a tab of its own; afterwards, nothing may have been asked of other machines."""
    asked: set[str] = set()
    wrong: list[str] = []
    pages: list[Page] = []

    def open_page(**options: Any) -> "Page":
        page = browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **options})
        page.set_default_timeout(_PATIENCE)
        page.on("request", lambda request: asked.add(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        pages.append(page)
        page.goto(served.address)
        page.locator("#draft").wait_for()
        return page

    yield open_page
    for page in pages:
        page.close()
    ours = urlsplit(served.address).netloc
    assert {url for url in asked if not url.startswith(_HARMLESS) and urlsplit(url).netloc != ours} == set()
    assert wrong == []
