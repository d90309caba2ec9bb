"""The commands of the tutorial run as written, and so does the notebook; only sizes are reduced."""

import ast
import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from rnst.image.files import write_image
from tools.documentation_commands import DOCS, ROOT, blocks, programs, run

_CHAPTERS = sorted((DOCS / "tutorial").glob("[0-9]*.md"))
_NOTEBOOK = ROOT / "notebooks" / "tutorial.ipynb"
_TINY = {
    "stylize.py": "--size=96 --supersample=1 --steps=1 --scales=1 --shifts=1 --save_every=0",
    "train_robust.py": (
        "--data.image_size=32 --data.stages='[{epochs: 1, image_size: 32}]' --data.batch_size=4 --data.workers=0 "
        "--trainer.max_epochs=1 --trainer.check_val_every_n_epoch=1 --trainer.num_sanity_val_steps=0 "
        "--trainer.limit_val_batches=1 --trainer.limit_test_batches=1 --trainer.enable_progress_bar=false "
        "--trainer.accelerator=cpu --trainer.devices=1 --tracking=off"
    ),
    "evaluate": "--photos=3 --image_size=32 --steps 1 --radii 0 0.5 --workers=0 --accelerator=cpu --tracking=off",
    "sweep": (
        """--settings='{"size": 96, "supersample": 1, "steps": 1, "scales": 1, "save_every": 0}' """
        "--encoders resnet18_standard resnet18_robust --tracking=off"
    ),
}
"""Program or command -> options that make its work small."""


def _shows_only(command: tuple[str, ...]) -> bool:
    return command[:2] == ("rnst", "models")


def _commands(chapter: Path) -> list[tuple[str, ...]]:
    found = [command for block in blocks(chapter) if not block.title for command in block.commands]
    return [command for command in found if command[0] in programs() and not _shows_only(command)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*checkpoint directory.*exists and is not empty:UserWarning")
def test_the_commands_run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_photos: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """All chapters in one folder, as a reader has it: later ones use files of earlier ones."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    monkeypatch.setattr("sys.argv", ["train_robust.py"])
    shutil.move(make_photos(), tmp_path / "imagenette2-160")
    for name, sides in (("photo.jpg", (48, 64)), ("painting.jpg", (64, 64))):
        write_image(torch.rand(1, 3, *sides), tmp_path / name)
    for chapter in _CHAPTERS:
        for command in _commands(chapter):
            more = shlex.split(_TINY.get(command[1] if command[0] == "rnst" else command[0], ""))
            run(command, more)
            assert capsys.readouterr().out, command
    for name in ("final.png", "compared.html", "mine.png", "three/index.html", "sweeps/smoke/index.html", "both.png"):
        assert (tmp_path / "outputs" / name).is_file(), name


def test_commands_were_found() -> None:
    assert [len(_commands(chapter)) > 1 for chapter in _CHAPTERS] == [True] * 5


def test_the_notebook_runs() -> None:
    cells = json.loads(_NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, object] = {}
    sizes = 0
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        assert cell["outputs"] == []
        tree = ast.parse("".join(cell["source"]))
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                tiny = {"SIZE": 64, "STEPS": 1}.get(node.targets[0].id)
                sizes += tiny is not None
                node.value = node.value if tiny is None else ast.copy_location(ast.Constant(tiny), node.value)
        exec(compile(tree, _NOTEBOOK.name, "exec"), names)  # noqa: S102 - our own notebook
    assert sizes == 2
    assert names["pair"].size[0] == 2 * names["robust"].pil.size[0] + 8  # type: ignore[attr-defined]
    assert names["robust"].image.shape[-1] == 64  # type: ignore[attr-defined]
