"""Results with tiny pictures: red tells the column of a pixel, green its row, blue the encoder."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rnst.results import Result

SIDE = 64
CONTENTS = ("ben", "dancing")
STYLES = ("scream", "starry")
BLUE = {"resnet50_standard": 40, "resnet50_robust": 120, "vgg19": 200}

MakeResult = Callable[..., Result]
WritePicture = Callable[..., Path]


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
    """A function that paints a picture under `tmp_path` and writes its sidecar."""

    def make(name: str, content: str = "ben", style: str = "scream", encoder: str = "vgg19", **changes: object) -> Result:
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
    made = []
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
