from pathlib import Path

import pytest

from rnst.cli import main
from rnst.errors import MissingPathError
from rnst.image.files import read_image
from rnst.training.curves import draw, learning_curves

_HEADER = "epoch,step,train/loss,val/accuracy_attacked,val/accuracy_clean\n"


def _table(folder: Path, version: int, *rows: str) -> None:
    path = folder / "metrics" / f"version_{version}" / "metrics.csv"
    path.parent.mkdir(parents=True)
    path.write_text(_HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")


def test_learning_curves__by_epochs_done(tmp_path: Path) -> None:
    _table(tmp_path, 0, "0,9,2.0,,", "1,19,,0.2,0.3", "2,25,1.5,,", "3,39,,0.3,0.5")
    assert learning_curves(tmp_path) == {"clean": ([2, 4], [0.3, 0.5]), "under attack": ([2, 4], [0.2, 0.3])}


def test_learning_curves__what_a_resumed_training_did_again_counts(tmp_path: Path) -> None:
    _table(tmp_path, 2, "1,15,1.0,,", "1,19,,0.25,0.35", "2,29,,0.4,0.6")
    _table(tmp_path, 10, "2,21,1.0,,", "2,29,,0.5,0.7")
    _table(tmp_path, 0, "0,9,,0.1,0.2", "1,19,,0.9,0.9")
    assert learning_curves(tmp_path)["clean"] == ([1, 2, 3], [0.2, 0.35, 0.7])


def test_draw__nothing_yet(tmp_path: Path) -> None:
    assert learning_curves(tmp_path) == {}
    with pytest.raises(MissingPathError, match="Nothing was validated yet"):
        draw(tmp_path / "curve.png", {})


def test_command__runs_of_the_same_name_are_all_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("a", "b"):
        _table(tmp_path / folder / "robust.run", 0, "0,9,,0.1,0.2")
    runs = [str(tmp_path / folder / "robust.run") for folder in ("a", "b")]
    main(["curve", *runs, "--output", str(tmp_path / "curve.png")])
    assert capsys.readouterr().out.count("under attack: ") == 2


@pytest.mark.parametrize("ending", [".png", ".pdf", ".svg"])
def test_command__a_plot_of_ours_is_replaced(tmp_path: Path, ending: str) -> None:
    _table(tmp_path / "robust", 0, "0,9,,0.1,0.2")
    for _ in range(2):
        main(["curve", str(tmp_path / "robust"), "--output", str(tmp_path / f"curve{ending}")])


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("robust", "standard"):
        _table(tmp_path / name, 0, "0,9,,0.1,0.2", "1,19,,0.3,0.4")
    main(["curve", str(tmp_path / "robust"), str(tmp_path / "standard"), "--output", str(tmp_path / "curve.png")])
    assert read_image(tmp_path / "curve.png").shape[1] == 3
    assert "standard: clean: 40.0% after 2 epochs" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        main(["curve", str(tmp_path / "absent")])
    assert stopped.value.code == 2
