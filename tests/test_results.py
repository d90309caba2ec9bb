import json
from dataclasses import replace
from pathlib import Path

import pytest

from rnst.errors import MissingPathError, RnstError, UnreadableFileError
from rnst.results import Result


def _result(folder: Path) -> Result:
    return Result(
        image=folder / "picture.png",
        content="tübingen <b>",
        styles=("starry", "scream"),
        encoder="resnet50_robust",
        settings={"steps": 300, "scales": [0.5, 1.0], "optimizer": {"name": "lbfgs"}, "tile": None},
        seconds=12.5,
        peak_memory_bytes=3 << 30,
        losses={"total": 0.5, "style": 0.4},
        scores={"ssim": 0.75},
        weights_sha256="ab" * 32,
        size=(512, 384),
    )


def test_round_trip(tmp_path: Path) -> None:
    result = _result(tmp_path)
    assert result.write() == result.sidecar == tmp_path / "picture.json"
    assert Result.read(result.sidecar) == result


def test_a_folder_of_results_can_be_moved(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    _result(tmp_path / "before").write()
    (tmp_path / "before").rename(tmp_path / "after")
    assert Result.read(tmp_path / "after" / "picture.json") == _result(tmp_path / "after")


def test_the_sidecar_names_no_folder(tmp_path: Path) -> None:
    assert str(tmp_path) not in _result(tmp_path).write().read_text()


def test_a_picture_named_elsewhere_is_looked_for_beside_the_sidecar(tmp_path: Path) -> None:
    sidecar = _result(tmp_path).write()
    sidecar.write_text(json.dumps({**json.loads(sidecar.read_text()), "image": "../../etc/picture.png"}))
    assert Result.read(sidecar).image == tmp_path / "picture.png"


def test_read__fields_of_a_newer_version_are_passed_over(tmp_path: Path) -> None:
    sidecar = _result(tmp_path).write()
    sidecar.write_text(json.dumps({**json.loads(sidecar.read_text()), "mood": "blue"}))
    assert Result.read(sidecar) == _result(tmp_path)


def test_read__optional_fields_may_be_missing(tmp_path: Path) -> None:
    sidecar = _result(tmp_path).write()
    content = json.loads(sidecar.read_text())
    for name in ("scores", "weights_sha256", "size"):
        del content[name]
    sidecar.write_text(json.dumps(content))
    assert Result.read(sidecar) == replace(_result(tmp_path), scores={}, weights_sha256="", size=(0, 0))


@pytest.mark.parametrize(
    "text",
    ["", "no json", "[]", "3", "null", "{}", '{"image": "a.png"}', '{"image": 3, "styles": 3}', "\xff"],
    ids=repr,
)
def test_read__not_one_of_ours(tmp_path: Path, text: str) -> None:
    (tmp_path / "other.json").write_text(text, encoding="latin-1")
    with pytest.raises(UnreadableFileError, match=r"cannot read .*other\.json as a result"):
        Result.read(tmp_path / "other.json")


def test_read__missing(tmp_path: Path) -> None:
    with pytest.raises(MissingPathError, match="result not found"):
        Result.read(tmp_path / "none.json")


def test_errors_have_one_root() -> None:
    assert issubclass(UnreadableFileError, RnstError)
    assert issubclass(MissingPathError, RnstError)
