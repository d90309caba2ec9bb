"""Paths among settings: names in pictures, relative in sidecars, found again from there."""

from pathlib import Path

import pytest

from rnst.recorded_paths import located, names_only, seen_from, without_folders

_WORDS = {"content": "coffee", "init": "style_noise", "color_basis": "rgb", "weights": "own", "encoder": "timm/net"}


def test_words_are_no_paths(tmp_path: Path) -> None:
    (tmp_path / "own").touch()
    for change in (names_only, lambda values: seen_from(values, tmp_path)):
        assert change(_WORDS) == _WORDS
    assert located(_WORDS, tmp_path, tmp_path / "a.png") == _WORDS


def test_there_and_back(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / "in" / name).touch()
    settings = {"style": [f"{tmp_path}/in/a.png", f"{tmp_path}/in/b.png"], "steps": 3, "content": "flow"}
    relative = seen_from(settings, tmp_path / "out")
    assert relative["style"] == ["../in/a.png", "../in/b.png"]
    assert located(relative, tmp_path / "out", tmp_path / "out" / "x.png") == settings
    assert names_only(settings)["style"] == ["a.png", "b.png"]


def test_a_picture_is_not_its_own_input(tmp_path: Path) -> None:
    (tmp_path / "cat.png").touch()
    settings = {"content": "cat.png"}
    assert located(settings, tmp_path, tmp_path / "cat.png") == settings
    assert located(settings, tmp_path, tmp_path / "dog.png") == {"content": str(tmp_path / "cat.png")}


def test_what_is_seen_from_the_picture_is_not_in_it() -> None:
    settings = {"content_path": "../../home/ann/cat.png", "style_paths": ["x.png"], "tracking_folder": "/home/ann/runs"}
    assert names_only({**settings, "output": "/home/ann/a.png"}) == {"output": "a.png"}


def test_hostile_values_change_nothing() -> None:
    values = {
        "content": "a\0b/c.png",
        "style": [3, None],
        "init": "https://example.org/a.png",
        "weights": "x" * 9000 + ".pt",
    }
    assert located(values, Path("here"), Path("here/a.png")) == values


def test_a_command_holds_no_folders() -> None:
    words = [
        "--data.root",
        "/home/ann/photos",
        "--config=/ann/my.yaml",
        "--output",
        "nets/a.pt",
        "--x=a=/b",
    ]
    plain = ["--data.root", "photos", "--config=my.yaml", "--output", "nets/a.pt", "--x=a=/b"]
    assert without_folders(words) == plain


@pytest.mark.parametrize(
    ("word", "plain"),
    [
        ('["/home/ann/a b.png", "/home/ann/c.png"]', '["a b.png", "c.png"]'),
        ("--style=[/home/ann/a.png, /home/ann/b.png]", "--style=[a.png, b.png]"),
        ("--init.data={root: /home/ann/photos}", "--init.data={root: photos}"),
        ("-c/home/ann=b/my.yaml", "-cmy.yaml"),
        ("resnet18:/home/ann/a.pt", "resnet18:a.pt"),
        ("[a/b.png, 1/2]", "[a/b.png, 1/2]"),
        ("--data.root=s3://photos/set", "--data.root=s3://photos/set"),
        ("--note=a / b", "--note=a / b"),
    ],
)
def test_folders_leave_lists_and_short_options(word: str, plain: str) -> None:
    assert without_folders([word]) == [plain]
