"""What the documents say about flags and functions is so."""

import re
import runpy
from pathlib import Path

import pytest

from rnst.cli import stylize
from rnst.image.files import read_image

_DOCS = Path(__file__).parents[1] / "docs"
_FLAG = re.compile(r"(?<![\w-])--([a-z][a-z_]*)")


def _flags(capsys: pytest.CaptureFixture[str]) -> set[str]:
    with pytest.raises(SystemExit):
        stylize(["--help_all"])
    return set(_FLAG.findall(capsys.readouterr().out))


def _named_as_ours(text: str) -> set[str]:
    """Flags in prose, and in all columns of tables but the first, which holds those of the other programs."""
    named = set[str]()
    for line in text.splitlines():
        cells = line.split("|")[2:] if line.startswith("|") else [line]
        named |= {flag for cell in cells for flag in _FLAG.findall(cell)}
    return named


def test_coming_from__names_only_flags_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    named = _named_as_ours((_DOCS / "coming-from.md").read_text(encoding="utf-8"))
    assert len(named) > 30
    assert named - _flags(capsys) == set()


def test_python__the_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = re.findall(r"```python\n(.*?)```", (_DOCS / "python.md").read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    values = []
    for number, example in enumerate(examples):
        path = tmp_path / f"example{number}.py"
        path.write_text(example)
        values.append(runpy.run_path(str(path)))
    three_lines, options, parts = values
    assert read_image(Path("stylized.png")).shape == three_lines["picture"].image.shape == (1, 3, 43, 64)
    assert options["image"].shape == (1, 3, 43, 64)
    assert capsys.readouterr().out.splitlines()[-1].startswith("coffee.png (64, 43) ")
    assert Path("coffee.json").is_file()
    assert parts["losses"][-1] < parts["losses"][0]
    assert Path("combined.png").is_file()
