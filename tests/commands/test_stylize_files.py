"""What stylize.py stores in its files: size and resolution of a print, credits of the photo, and no place on a disk."""

import io
import json
import os
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from rnst.cli import stylize
from rnst.errors import InvalidValueError
from rnst.image.credits import Credits, exif_of
from rnst.image.files import read_image, read_picture, write_image
from rnst.image.metadata import read_settings
from rnst.results import Result
from rnst.stylization.settings import StylizationSettings

_TINY = [
    "--size=32",
    "--supersample=1",
    "--steps=1",
    "--scales=1",
    "--shifts=1",
    "--precision=fp32",
    "--weights=random",
]
_PRINT = _TINY[1:]
_PHOTO = Credits("© Ann", "Ann Öst", "2026:11:29 23:00:01", (150.0, 150.0), {0x010F: "Maker"})


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "secret").mkdir()
    monkeypatch.chdir(tmp_path / "kept")
    monkeypatch.setattr("sys.argv", ["stylize.py"])
    write_image(torch.rand(1, 3, 48, 64), tmp_path / "secret" / "cat.png", credits_=_PHOTO)
    write_image(torch.rand(1, 3, 44, 36), tmp_path / "secret" / "waves.png")


def _refusal(*arguments: str) -> str:
    with redirect_stderr(io.StringIO()) as errors, pytest.raises(SystemExit) as stop:
        stylize(list(arguments))
    assert stop.value.code == 2
    return errors.getvalue()


def _pictures(tmp_path: Path) -> list[str]:
    return [f"{tmp_path}/secret/cat.png", f"{tmp_path}/secret/waves.png"]


def test_credits_by_level(tmp_path: Path) -> None:
    stored = {}
    for level in ("none", "settings", "all"):
        stylize([*_pictures(tmp_path), *_TINY, f"--metadata={level}", f"--output={level}.png"])
        stored[level] = read_picture(Path(f"{level}.png")).credits
        assert bool(read_settings(Path(f"{level}.png"))) == (level != "none")
        assert Result.read(Path(f"{level}.json")).finished
    assert stored == {level: _PHOTO.kept(level) for level in ("none", "settings", "all")}


def test_16_bits_in_a_png_round_to_the_8_bits(tmp_path: Path) -> None:
    for name, options in (("flat.png", []), ("deep.png", ["--depth=16"]), ("deep.tif", [])):
        stylize([*_pictures(tmp_path), *_TINY, *options, f"--output={name}"])
    deep = read_image("deep.png")
    assert torch.equal(deep, read_image("deep.tif"))
    assert torch.equal((deep * 255).round(), (read_image("flat.png") * 255).round())
    assert not torch.equal((deep * 255).round() / 255, deep)
    assert "--depth is 16, but must be 8 for a.jpg" in _refusal(*_pictures(tmp_path), "--depth=16", "--output=a.jpg")


def test_print_is_the_size_in_pixels(tmp_path: Path) -> None:
    """A photo of 4:3 on a sheet of 3:4: the sheet is turned; 40 mm at 50.8 dpi are 80 pixels."""
    stylize([*_pictures(tmp_path), *_PRINT, "--print=30x40mm", "--dpi=50.8", "--output=print.png"])
    stylize([*_pictures(tmp_path), *_PRINT, "--size=80", "--output=size.png"])
    assert torch.equal(read_image("print.png"), read_image("size.png"))
    assert read_picture(Path("print.png")).credits.dpi == pytest.approx((50.8, 50.8), abs=0.01)
    assert read_picture(Path("size.png")).credits.dpi == (150.0, 150.0)
    settings = Result.read(Path("print.json")).settings
    assert (settings["size"], settings["print"], settings["dpi"]) == (80, None, 50.8)
    stylize(["--config=print.json", "--output=again.png"])
    assert torch.equal(read_image("again.png"), read_image("print.png"))


@pytest.mark.parametrize(
    "sheet", ["30x40", "x", "0x10cm", "30cm", "1x1x1cm", "-3x4cm", "nanx4cm", "1e9x1in", "9999999x1mm"]
)
def test_print_nonsense_is_refused(tmp_path: Path, sheet: str) -> None:
    refusal = _refusal(*_pictures(tmp_path), f"--print={sheet}")
    assert refusal.count("\n") == 1
    assert "the sides of a sheet in cm, mm or in, as 30x40cm" in refusal


def test_print_beside_a_size_is_refused(tmp_path: Path) -> None:
    pictures = _pictures(tmp_path)
    assert "--print chooses the size; omit --size" in _refusal(*pictures, "--print=3x4cm", "--size=512")
    with pytest.raises(InvalidValueError, match="--size is 300, but must be left away with --print"):
        StylizationSettings(print="3x4cm", size=300)
    sheet = ["--config=print", "--print=30x40mm", "--dpi=50.8"]
    assert _repeated(*pictures, *sheet)["size"] == 80, "the command line outranks the size of a preset"
    Path("own.yaml").write_text("print: 30x40mm\n")
    assert _repeated(*pictures, "--config=own.yaml", "--size=99")["size"] == 99
    assert "a sheet for at least 32 pixels; at 10 dpi it has 16" in _refusal(*pictures, "--print=3x4cm", "--dpi=10")


def _repeated(*arguments: str) -> dict[str, Any]:
    import yaml

    from rnst.commands import stylize as command

    shown = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", shown)
        command.run([*arguments, "--print_config"])
    found: dict[str, Any] = yaml.safe_load(shown.getvalue())
    return found


def test_a_picture_holds_names_and_is_repeated_where_they_are(tmp_path: Path) -> None:
    secret, out = tmp_path / "secret", tmp_path / "out"
    stylize([*_pictures(tmp_path), *_TINY, f"--output={out}/cat.png", f"--init={secret}/waves.png"])
    inside = read_settings(out / "cat.png")
    assert (inside["content"], inside["style"], inside["init"]) == ("cat.png", "waves.png", "waves.png")
    beside = json.loads((out / "cat.json").read_text())["settings"]
    assert (beside["content"], beside["style"]) == ("../secret/cat.png", "../secret/waves.png")
    assert Result.read(out / "cat.json").settings["content"] == str(secret / "cat.png")
    # The picture itself is called cat.png as well, and is not its own content.
    assert "picture not found: cat.png. Give --content a picture" in _refusal(f"--config={out}/cat.png")
    (out / "cat.png").rename(secret / "made.png")
    assert _repeated(f"--config={secret}/made.png")["content"] == str(secret / "cat.png"), "beside the picture"
    (secret / "made.png").rename(tmp_path / "made.png")
    os.chdir(secret)
    assert _repeated("--config=../made.png")["content"] == "cat.png", "in the current folder"


def test_a_folder_that_is_moved_keeps_its_records(tmp_path: Path) -> None:
    (tmp_path / "kept" / "in").mkdir()
    for name in ("cat.png", "waves.png"):
        (tmp_path / "secret" / name).rename(tmp_path / "kept" / "in" / name)
    stylize([f"{tmp_path}/kept/in/cat.png", f"{tmp_path}/kept/in/waves.png", *_TINY, "--output=out/a.png"])
    (tmp_path / "kept").rename(tmp_path / "moved")
    assert _repeated(f"--config={tmp_path}/moved/out/a.json")["content"] == f"{tmp_path}/moved/in/cat.png"
    assert Result.read(tmp_path / "moved" / "out" / "a.json").settings["style"] == f"{tmp_path}/moved/in/waves.png"


def test_no_file_tells_where_it_was_made(tmp_path: Path) -> None:
    tracked = ["--tracking=tensorboard,csv", f"--tracking_folder={tmp_path}/out/tracked"]
    common = [*_pictures(tmp_path), *_TINY, "--encoder=resnet18", *tracked]
    stylize([*common, f"--output={tmp_path}/out/a.png", "--save_every=1", "--compare=resnet18_standard"])
    for ending in ("jpg", "tif", "webp", "avif", "heic"):
        stylize([*common, f"--output={tmp_path}/out/{ending}.{ending}"])
    stylize([*common, f"--output={tmp_path}/out/b.png", "--grid", "seed=0,1"])
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {".html", ".csv", ".json", ".heic", ".png"} < {path.suffix for path in files}
    place = str(tmp_path).encode()
    assert not [path.name for path in files if place in path.read_bytes()]


def test_exif_of_a_photo_is_not_the_settings_of_a_picture(tmp_path: Path) -> None:
    Image.new("RGB", (40, 40)).save(tmp_path / "photo.jpg", exif=exif_of(_PHOTO, "a caption"))
    assert "it carries none" in _refusal(f"--config={tmp_path}/photo.jpg")


def test_a_folder__pictures_of_other_settings_stay(tmp_path: Path) -> None:
    """The default folder is as the default name of one picture: a repeated command finds it, another one does not."""
    photos = Path("photos")
    for number in range(2):
        write_image(torch.rand(1, 3, 32, 32), photos / f"{number}.png")
    painting = f"{tmp_path}/secret/waves.png"
    stylize([str(photos), painting, *_TINY])
    stylize([str(photos), painting, *_TINY])
    assert [path.name for path in Path("outputs").iterdir()] == ["photos--waves"]
    first = {path: path.read_bytes() for path in Path("outputs").rglob("*.png")}
    stylize([str(photos), painting, *_TINY, "--seed=1"])
    assert sorted(path.name for path in Path("outputs").iterdir()) == ["photos--waves", "photos--waves-2"]
    assert all(path.read_bytes() == content for path, content in first.items())


def test_a_folder__its_name_holds_resolved_values(tmp_path: Path) -> None:
    write_image(torch.rand(1, 3, 32, 32), Path("photos/a.png"))
    stylize(["photos", f"{tmp_path}/secret/waves.png", *_TINY, "--output=o/{style_weight}-{seed}"])
    assert [path.name for path in Path("o").iterdir()] == ["15-0"]


def test_a_folder_with_print__one_broken_photo_stops_no_other(tmp_path: Path) -> None:
    write_image(torch.rand(1, 3, 32, 32), Path("photos/a.png"))
    Path("photos/b.png").write_bytes(b"no picture")
    refusal = _refusal("photos", f"{tmp_path}/secret/waves.png", *_PRINT, "--print=1x1cm", "--dpi=100", "--output=o")
    assert "b.png" in refusal
    assert Path("o/a.png").is_file()


def test_the_short_side__of_a_long_picture_is_refused_before_the_work(tmp_path: Path) -> None:
    write_image(torch.rand(1, 3, 4, 2400), Path("long.png"))
    given = ["long.png", f"{tmp_path}/secret/waves.png", *_TINY, "--side=short", "--margin=0", "--output=o.webp"]
    assert "o.webp" in _refusal(*given)
