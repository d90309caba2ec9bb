"""Part 8: SIGKILL at random moments of four commands, and a disk that is full at each size: slow, with fixed seeds."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from rnst.cli import stylize
from rnst.encoders.weights.files import read_weights
from rnst.errors import RnstError
from rnst.image.files import read_image
from rnst.results import Result
from tests.cases.program import arguments, exit_status, pictures
from tests.cases.test_training_stops import _RECIPE, _TINY
from tests.conftest import MakePhotos

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("photo_and_painting")]
_MOMENTS, _SECONDS = 6, 580
_REPOSITORY = Path(__file__).parents[2]


def _inputs(make_photos: MakePhotos) -> None:
    root = make_photos()
    settings = {"size": 96, "supersample": 1.0, "steps": 6, "scales": 1, "weights": "random", "shifts": 1}
    sweep: dict[str, Any] = {
        "contents": ["cat.png"],
        "styles": ["waves.png"],
        "encoders": ["resnet18"],
        "tracking": "off",
    }
    sweep |= {"grid": {"style_weight": [1, 2]}, "settings": {**settings, "margin": 4, "save_every": 2}}
    Path("sweep.yaml").write_text(yaml.safe_dump(sweep))
    recipe = yaml.safe_load(_RECIPE.read_text(encoding="utf-8"))
    options = {**_TINY, "data.root": str(root), "checkpoint_steps": 1, "trainer.max_epochs": 3}
    for name, value in options.items():
        place, (*above, last) = recipe, name.split(".")
        for key in above:
            place = place.setdefault(key, {})
        place[last] = yaml.safe_load(value) if isinstance(value, str) else value
    Path("train.yaml").write_text(yaml.safe_dump({**recipe, "tracking": "off"}))


def _figures(command: str, seed: int) -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": str(_REPOSITORY), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-W", "ignore", "-m", "tests.cases.killed", command, str(_MOMENTS), str(seed)]
    done = subprocess.run(  # noqa: S603 - our own program
        words, check=False, env=environment, capture_output=True, text=True, timeout=_SECONDS
    )
    assert done.returncode == 0, done.stderr[-3000:]
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    sys.stdout.write(f"{command}: {figures}\n")
    return figures


def _equal(kind: str) -> bool:
    """Whether what was killed and resumed equals what was not."""
    if kind == "train":
        whole, parts = (read_weights(Path(name, "net.safetensors"))[0] for name in ("whole", "parts"))
        return all(torch.equal(tensor, parts[name]) for name, tensor in whole.items())
    if kind == "pack":
        # The index says when it was written.
        wholes, partials = (
            {p.relative_to(f): p.read_bytes() for p in f.rglob("*.*") if p.name != "index.json"} for f in _folders()
        )
        return wholes == partials
    made = [path.relative_to("whole") for path in Path("whole").rglob("*.json")]
    return bool(made) and all(_same_picture(Path("whole", name), Path("parts", name)) for name in made)


def _folders() -> Sequence[Path]:
    return Path("whole"), Path("parts")


def _same_picture(one: Path, other: Path) -> bool:
    first, second = Result.read(one), Result.read(other)
    same = read_image(first.image).equal(read_image(second.image))
    return same and first.losses == second.losses and first.scores == second.scores


@pytest.mark.parametrize("command", ["stylize", "sweep", "train", "pack"])
def test_killed_at_random_moments(command: str, make_photos: MakePhotos) -> None:
    """Run again with --resume: bit-equal, no broken file at any time, nothing left over at the end."""
    if command == "pack":
        pytest.importorskip("litdata", reason="the extra 'streaming' is not installed")
    _inputs(make_photos)
    figures = _figures(command, seed=3)
    assert figures["wrong"] == []
    assert figures["last"] == 0
    assert figures["killed"] >= 1
    assert figures["broken"] == []
    assert figures["left"] == []
    assert _equal(command)


def test_disk_that_is_full_at_every_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the longest file is that can be written: no traceback, and no file that cannot be read."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    statuses = dict[int, int]()
    for size in (0, 100, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000):
        folder = tmp_path / str(size)
        pictures(folder, "cat.png", "waves.png")
        words = arguments(
            content=folder / "cat.png", style=folder / "waves.png", output=folder / "out.png", save_every=1
        )
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            statuses[size] = exit_status(stylize, words)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert "Traceback" not in capsys.readouterr().err
        for path in folder.rglob("*.png"):
            read_image(path)
        assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    assert set(statuses.values()) == {0, 2}
    assert statuses[1_000_000] == 0


def test_two_runs_of_one_picture(tmp_path: Path) -> None:
    """Both end, and one of the two pictures is there, whole."""
    environment = {**os.environ, "PYTHONPATH": str(_REPOSITORY), "OMP_NUM_THREADS": "1"}
    program = [sys.executable, "-c", "from rnst.cli import stylize; stylize()", *arguments(steps=4, save_every=1)]
    runs = [subprocess.Popen(program, env=environment, cwd=tmp_path) for _ in range(2)]  # noqa: S603 - our own program
    assert [process.wait(_SECONDS) for process in runs] == [0, 0]
    try:
        assert Result.read(tmp_path / "out.json").finished
        read_image(tmp_path / "out.png")
    except RnstError as error:  # pragma: no cover - what the test is about
        pytest.fail(str(error))
