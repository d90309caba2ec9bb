"""Sheets hold every picture, at one height, in rows."""

from pathlib import Path

from PIL import Image

from tools.picture_sheet import sheet


def _pictures(folder: Path, *sizes: tuple[int, int]) -> list[Path]:
    paths = [folder / f"{number}.png" for number in range(len(sizes))]
    for path, size in zip(paths, sizes, strict=True):
        Image.new("RGB", size, "red").save(path)
    return paths


def test_rows_and_heights(tmp_path: Path) -> None:
    pictures = [(path, "caption") for path in _pictures(tmp_path, (20, 10), (10, 10), (40, 20))]
    whole = sheet(pictures, columns=2, height=100)
    assert whole.size == (200 + 8 + 100, 2 * (100 + 30) + 8)
    assert whole.getpixel((10, 10)) == whole.getpixel((250, 10)) == whole.getpixel((10, 150)) == (255, 0, 0)
    assert whole.getpixel((250, 150)) == (255, 255, 255)


def test_without_captions_there_is_no_room_for_them(tmp_path: Path) -> None:
    assert sheet([(path, "") for path in _pictures(tmp_path, (10, 10))], columns=1, height=50).size == (50, 50)


def test_a_long_caption__is_as_wide_as_its_picture_at_most(tmp_path: Path) -> None:
    picture = _pictures(tmp_path, (10, 10))[0]
    short, long = (sheet([(picture, text)], columns=1, height=180) for text in ("woman", "woman with a hat: standard"))
    for whole in (short, long):
        columns = whole.crop((0, 182, 180, 210)).convert("L").point(lambda value: 255 * (value < 200)).getbbox()
        assert columns is not None
        assert columns[0] > 0
        assert columns[2] < 180
