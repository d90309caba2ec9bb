"""`rnst gallery`: which pictures and inputs the page carries, and how."""

import base64
import re
from pathlib import Path

import pytest
import torch

from rnst.cli import main
from rnst.image.files import image_from_bytes, read_image, write_image
from rnst.results import Result

_SCENE = (torch.linspace(0.0, 1.0, 96).view(1, 1, 1, 96) * torch.linspace(0.2, 1.0, 96).view(1, 1, 96, 1)).expand(
    1, 3, 96, 96
)


@pytest.fixture
def swept(tmp_path: Path) -> Path:
    """A folder with two pictures of one photo, of which one is picked."""
    write_image(torch.rand(1, 3, 40, 40), tmp_path / "photo.png")
    write_image(torch.rand(1, 3, 40, 40), tmp_path / "painting.png")
    for number in range(2):
        image = tmp_path / f"{number}.png"
        write_image(_SCENE * (1.0 - 0.5 * number), image)
        settings = {"content_path": "photo.png", "style_paths": ["painting.png"]}
        scores = {"picked": float(number)}
        Result(image, "photo", ("painting",), "vgg19", settings, 1.0, 1, {}, scores, size=(96, 96)).write()
    return tmp_path


def _embedded(page: Path) -> list[bytes]:
    found = re.findall(r'id="picture-\d+">data:image/\w+;base64,(.*?)</script>', page.read_text(encoding="utf-8"))
    return [base64.b64decode(content) for content in found]


def test_quality__pictures_are_carried_as_jpeg(swept: Path) -> None:
    page = swept / "page.html"
    main(["gallery", str(swept), "--picked", "--embed", "--quality", "90", "--output", str(page)])
    carried = _embedded(page)
    assert len(carried) == 3, "the picked picture, its photo and its painting"
    assert all(content.startswith(b"\xff\xd8\xff") for content in carried)
    assert torch.allclose(image_from_bytes(carried[0], "carried"), read_image(swept / "1.png"), atol=0.03)


def test_without_inputs__no_photo_and_no_painting_are_carried(swept: Path) -> None:
    page = swept / "page.html"
    main(["gallery", str(swept), "--embed", "--without_inputs", "--output", str(page)])
    assert sorted(_embedded(page)) == sorted((swept / f"{n}.png").read_bytes() for n in range(2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--quality", "90"], r"--quality .*--embed"),
        (["--picked"], r"picked result"),
    ],
)
def test_refused(swept: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    (swept / "1.json").unlink()
    with pytest.raises(SystemExit) as stopped:
        main(["gallery", str(swept), *options, "--output", str(swept / "page.html")])
    assert stopped.value.code == 2
    assert re.search(message, capsys.readouterr().err)
    assert not (swept / "page.html").exists()
