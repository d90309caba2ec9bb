"""Results with tiny pictures (red tells the column of a pixel, green its row, blue the encoder), and a browser."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from rnst.reporting.gallery.page import write_gallery
from rnst.results import Result

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

SIDE = 64
CONTENTS = ("ben", "dancing")
STYLES = ("scream", "starry")
BLUE = {"resnet50_standard": 40, "resnet50_robust": 120, "vgg19": 200}

MakeResult = Callable[..., Result]
WritePicture = Callable[..., Path]

_ON_DISK = ("file:", "data:")
_PATIENCE = 20_000  # ms; other programs may keep the machine busy


def _write_picture(path: Path, blue: int, size: tuple[int, int] = (SIDE, SIDE)) -> Path:
    width, height = size
    rows, columns = np.mgrid[:height, :width] * 4 % 256
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.stack([columns, rows, np.full_like(rows, blue)], axis=-1).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def write_picture() -> WritePicture:
    return _write_picture


@pytest.fixture
def make_result(tmp_path: Path) -> MakeResult:
    """A function that makes a picture under `tmp_path` and writes its sidecar."""

    def make(
        name: str, content: str = "ben", style: str = "scream", encoder: str = "vgg19", **changes: object
    ) -> Result:
        size = changes.setdefault("size", (SIDE, SIDE))
        assert isinstance(size, tuple)
        values: dict[str, object] = {
            "settings": {}, "seconds": 1.5, "peak_memory_bytes": 10, "losses": {"total": 0.5}, "scores": {}, **changes,
        }  # fmt: skip
        image = _write_picture(tmp_path / name, BLUE.get(encoder, 0), size)
        result = Result(image=image, content=content, styles=(style,) if style else (), encoder=encoder, **values)  # type: ignore[arg-type]  # whatever a test wants to try
        result.write()
        return result

    return make


@pytest.fixture
def results(make_result: MakeResult, tmp_path: Path) -> list[Result]:
    """Two contents, two styles, three encoders, two style weights each; the second one picked."""
    for number, name in enumerate((*CONTENTS, *STYLES)):
        _write_picture(tmp_path / "inputs" / f"{name}.png", 10 * number, (20, 20))
    made: list[Result] = []
    for content in CONTENTS:
        for style in STYLES:
            for number, encoder in enumerate(BLUE):
                for weight in (1, 100):
                    settings = {
                        "content_path": f"inputs/{content}.png", "style_paths": [f"inputs/{style}.png"],
                        "style_weight": weight, "steps": 300,
                    }  # fmt: skip
                    distance = round(0.5 - 0.1 * number + 0.01 * len(made), 4)
                    scores = {"style_distance": distance, "edge_correlation": 0.9 - 0.01 * len(made)}
                    if weight != 1:
                        scores["picked"] = 1.0
                    name = f"{content}_{style}_{encoder}_{weight}.png"
                    made.append(make_result(name, content, style, encoder, settings=settings, scores=scores))
    return made


@pytest.fixture
def path(results: list[Result], tmp_path: Path) -> Path:
    """The page of all results."""
    return write_gallery(results, tmp_path / "page.html")


@pytest.fixture
def open_page(browser: "Browser") -> "Iterator[Callable[..., Page]]":
    """A function that opens a file; at the end no error may have shown, and nothing may have left the disk."""
    wrong: list[str] = []
    contexts: list[BrowserContext] = []

    def watch(page: "Page") -> None:
        page.on("console", lambda message: wrong.extend([message.text] if message.type == "error" else []))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: wrong.extend([] if request.url.startswith(_ON_DISK) else [request.url]))

    def open_(path: Path, fragment: str = "", **options: Any) -> "Page":
        contexts.append(browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **options}))
        page = contexts[-1].new_page()
        page.set_default_timeout(_PATIENCE)
        watch(page)
        page.goto(path.as_uri() + fragment)
        page.locator("html[data-ready]").wait_for()
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not wrong
