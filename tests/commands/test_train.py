"""The real command, on every shipped recipe, with a tiny budget."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor

from rnst.cli import train_robust
from rnst.data.imagenet import IMAGENET
from rnst.data.packing import pack
from rnst.data.restricted_imagenet import RESTRICTED_IMAGENET
from rnst.encoders.catalog import build_classifier
from rnst.encoders.weights.files import load_into, read_weights, sha256_of, write_weights
from rnst.training.robust_classifier import RobustClassifier
from tests.offline_runs import read_run, run_folders
from tests.tracked_metrics import metrics_of_board, metrics_of_table

_CONFIGS = Path(__file__).parents[2] / "configs" / "train"
_RECIPES = sorted(_CONFIGS.rglob("*.yaml"))
_OVERLAYS = sorted((_CONFIGS.parent / "trainer").rglob("*.yaml"))
_ONE_STEP = """{class_path: rnst.attacks.pgd.PGD, init_args:
  {ball: {class_path: rnst.attacks.ball.L2Ball, init_args: {radius: 1.0}}, steps: 1}}"""
# Recipes that differ from another one in numbers or in the depth of a ResNet: the default tests read them, and the slow
# ones train them.
_VARIANTS = (
    *("imagenet_l2", "imagenette_resnet50", "imagenette_resnet50_standard", "imagenette_standard"),
    *("teacher_resnet18_standard", "teacher_resnet50", "teacher_resnet50_standard"),
)
_IMAGENETTE = _CONFIGS / "imagenette.yaml"
_TINY = {
    "data.image_size": 40,
    # Not smaller: VGG has five pools of two.
    "data.stages": "[{epochs: 1, image_size: 32}, {epochs: 1, image_size: 40}]",
    "data.batch_size": 4,
    "data.workers": 0,
    "model.evaluation": _ONE_STEP,
    "trainer.max_epochs": 1,
    "trainer.accelerator": "cpu",
    "trainer.devices": 1,
    "trainer.strategy": "auto",
    "trainer.num_nodes": 1,
    "trainer.benchmark": False,
    "trainer.check_val_every_n_epoch": 1,
    "trainer.log_every_n_steps": 1,
    "trainer.num_sanity_val_steps": 0,
    "trainer.limit_val_batches": 1,
    "trainer.limit_test_batches": 1,
    "trainer.enable_progress_bar": False,
    "tracking": "off",
}

MakePhotos = Callable[..., Path]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are kept below the current folder. And pytest's own arguments are not those of the command."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["train_robust.py"])


def _run(recipe: Path, root: Path, output: str, *more: str, **options: Any) -> None:
    settings = {**_TINY, "data.root": root, "output": output, **options}
    arguments = [f"--{name}={value}" for name, value in settings.items()]
    train_robust(["--config", str(recipe), *arguments, *more])


def _taught(path: Path, classes: list[str]) -> dict[str, Any]:
    """Options for a tiny teacher, whose file is made here."""
    write_weights(path, build_classifier("tiny_vgg", len(classes)).state_dict(), {"classes": classes})
    teacher = {"network": "tiny_vgg", "weights": str(path), "image_size": 48}
    return {f"model.teacher.{name}": value for name, value in teacher.items()}


def _refused(capsys: pytest.CaptureFixture[str], run: Callable[[], None]) -> str:
    """The error of a command that ends with status 2: one line, without a traceback."""
    with pytest.raises(SystemExit) as stopped:
        run()
    assert stopped.value.code == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1, message
    assert message.startswith("error: ")
    return message


def test_recipes_are_there() -> None:
    assert len(_RECIPES) >= 10
    assert len(_OVERLAYS) == 3


@pytest.mark.parametrize("recipe", [*_RECIPES, *_OVERLAYS], ids=lambda path: path.stem)
def test_recipe__says_what_it_is_for_and_how_it_is_run(recipe: Path) -> None:
    lines = recipe.read_text(encoding="utf-8").splitlines()
    run = next(number for number, line in enumerate(lines) if "python train_robust.py" in line)
    assert all(line.startswith("# ") for line in lines[: run + 1])
    assert recipe.stem == "restricted_imagenet" or f"{recipe.parent.name}/{recipe.name}" in lines[run]


@pytest.mark.parametrize(
    "recipe",
    [pytest.param(path, marks=[pytest.mark.slow] if path.stem in _VARIANTS else []) for path in _RECIPES],
    ids=lambda path: path.stem,
)
def test_recipe(recipe: Path, make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]) -> None:
    settings = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    names = list(RESTRICTED_IMAGENET)
    folders = [ids[0] for ids in RESTRICTED_IMAGENET.values()]
    options: dict[str, Any] = {}
    if settings["data"].get("classes") == "imagenet":
        names = list(IMAGENET)
    elif settings["data"].get("classes") == "none":
        names = ["x", "y", "z"]
        options = _taught(Path("teacher.safetensors"), names)
    elif settings["data"].get("classes", "folders") == "folders":  # the folders take the place of CIFAR's archive, too
        names = folders = [f"n{number}" for number in range(4)]
        options = {"data.source": "folders", "data.classes": "folders"}
    _run(recipe, make_photos(folders, train=1, val=1), "new/net.safetensors", **options)

    state, facts = read_weights(Path("new/net.safetensors"))
    assert facts["classes"] == names
    assert facts["architecture"] == settings["model"]["architecture"]
    assert (facts["data"], facts["image_size"], facts["epochs"]) == (settings["data"]["name"], 40, 1)
    ball = settings["model"]["attack"].get("init_args", {}).get("ball", {"init_args": {"radius": 0.0}})
    assert facts["radius"] == ball["init_args"]["radius"]
    assert 0.0 <= facts["accuracy_attacked"] <= facts["accuracy_clean"] + 0.5
    assert {"norm", "steps", "mean", "std", "evaluation", "command", "versions"} <= facts.keys()
    network = build_classifier(facts["architecture"], len(names))
    load_into(network, state, "net.safetensors")
    assert all(tensor.isfinite().all() for tensor in network.state_dict().values())
    # With `half`, kernels are stored as float16 and read back as float32.
    stored = {tensor.dtype for tensor in state.values() if tensor.dim() > 1}
    assert stored == {torch.float16 if settings.get("half") else torch.float32}
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}

    counted = "agreement with the teacher" if "teacher" in facts else "accuracy"
    assert f"net.safetensors: {counted}" in capsys.readouterr().out
    kept = Path("new/net.run")
    assert yaml.safe_load((kept / "config.yaml").read_text())["data"]["batch_size"] == 4
    (table,) = kept.rglob("metrics.csv")
    assert "val/accuracy_attacked" in table.read_text()
    (checkpoint,) = (kept / "checkpoints").glob("*.ckpt")
    newest, stated = read_weights(checkpoint)
    assert stated.items() <= facts.items()
    assert {"architecture", "classes", "mean", "std", "radius"} <= stated.keys()
    load_into(build_classifier(facts["architecture"], len(names)), newest, checkpoint)


@pytest.mark.parametrize("name", _VARIANTS)
def test_variant__is_read(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        train_robust(["--config", name, "--print_config"])
    assert stopped.value.code == 0
    read, written = (
        yaml.safe_load(text) for text in (capsys.readouterr().out, (_CONFIGS / f"{name}.yaml").read_text())
    )
    assert read["model"]["recipe"].items() >= written["model"].get("recipe", {}).items()
    assert read["data"]["name"] == written["data"]["name"]
    assert read["model"]["architecture"] == written["model"]["architecture"]


def test_without_a_config_it_is_the_recipe_of_the_article(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        train_robust(["--print_config"])
    assert stopped.value.code == 0
    settings = yaml.safe_load(capsys.readouterr().out)
    assert settings["model"]["architecture"] == "resnet50"
    assert settings["data"]["classes"] == "restricted_imagenet"
    attack = settings["model"]["attack"]["init_args"]
    assert attack["ball"] == {"class_path": "rnst.attacks.ball.L2Ball", "init_args": {"radius": 3.0}}
    assert (attack["steps"], attack["step_size"]) == (7, 0.5)


@pytest.fixture(scope="module")
def whole_runs() -> dict[Any, tuple[dict[str, Tensor], dict[str, Any]]]:
    """Weights and facts of trainings that were not stopped, by their average: how often states are kept is no part."""
    return {}


@pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty")  # it holds what we resume from
@pytest.mark.parametrize(
    ("options", "done"),
    [
        ({}, 3),
        ({"checkpoint_steps": 1, "ema": 0.9, "monitor": "{every: 2, photos: 4, steps: 1}"}, 4),
        ({"checkpoint_steps": 1}, 1),
    ],
    ids=["after an epoch", "within an epoch, averaged and watched", "within the first epoch"],
)
def test_resume__equals_a_training_that_was_not_stopped(
    make_photos: MakePhotos,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    done: int,
    whole_runs: dict[Any, tuple[dict[str, Tensor], dict[str, Any]]],
) -> None:
    root, settings = make_photos(), {"trainer.max_epochs": 2, "half": False, **options}
    died = done + 2 if done == 3 else done + 1  # within the step after the last one kept, or one later
    average = options.get("ema")
    if average not in whole_runs:
        _run(_IMAGENETTE, root, "whole.safetensors", **settings)
        whole_runs[average] = read_weights(Path("whole.safetensors"))
    whole, whole_facts = whole_runs[average]

    step, steps = RobustClassifier.training_step, list[tuple[int, int]]()

    def fragile(task: RobustClassifier, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        steps.append((task.current_epoch, batch_idx))
        if len(steps) == died:
            raise RuntimeError("the machine went off")
        return step(task, batch, batch_idx)

    monkeypatch.setattr(RobustClassifier, "training_step", fragile)
    with pytest.raises(RuntimeError, match="went off"):
        _run(_IMAGENETTE, root, "parts.safetensors", **settings)
    assert not (tmp_path / "parts.safetensors").exists()
    begun = len(steps)
    _run(_IMAGENETTE, root, "parts.safetensors", "--resume", **settings)
    every_step = [(epoch, batch) for epoch in range(2) for batch in range(3)]
    assert steps[:begun] == every_step[:begun]
    assert steps[begun:] == every_step[done:], "what was complete is not repeated"
    parts, parts_facts = read_weights(Path("parts.safetensors"))
    for name, tensor in whole.items():
        assert torch.equal(parts[name], tensor), name
    assert parts_facts["epochs"] == whole_facts["epochs"] == 2
    assert parts_facts.get("averaged") == average


@pytest.mark.slow
def test_killed_and_resumed__equals_a_training_that_was_not(make_photos: MakePhotos, tmp_path: Path) -> None:
    """SIGKILL, whenever: while it steps, draws or writes."""
    options = {**_TINY, "data.root": make_photos(train=8), "trainer.max_epochs": 4, "half": False, "ema": 0.9}
    options |= {"checkpoint_steps": 1}
    arguments = [f"--{name}={value}" for name, value in options.items()]
    program = [sys.executable, "-c", "from rnst.cli import train_robust; train_robust()", "--config", str(_IMAGENETTE)]
    environment = {**os.environ, "PYTHONPATH": str(_CONFIGS.parents[1])}

    def start(output: str, *more: str) -> subprocess.Popen[bytes]:
        command = [*program, *arguments, f"--output={output}", *more]
        return subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603

    assert start("whole.safetensors").wait(300) == 0
    state = tmp_path / "parts.run" / "checkpoints" / "steps.ckpt"
    killed = start("parts.safetensors")
    while not state.exists() or state.stat().st_size == 0:
        assert killed.poll() is None
        time.sleep(0.05)
    time.sleep(0.4)
    killed.kill()
    assert killed.wait(60) == -signal.SIGKILL
    assert start("parts.safetensors", "--resume").wait(300) == 0
    whole, parts = (read_weights(tmp_path / f"{name}.safetensors")[0] for name in ("whole", "parts"))
    assert all(torch.equal(parts[name], tensor) for name, tensor in whole.items())


def test_resume__with_other_settings_is_refused(
    make_photos: MakePhotos, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_photos()

    def stopped(*_: object) -> Tensor:
        raise RuntimeError("the machine went off")

    monkeypatch.setattr(RobustClassifier, "validation_step", stopped)  # after an epoch of steps
    with pytest.raises(RuntimeError, match="went off"):
        _run(_IMAGENETTE, root, "net.safetensors", **{"checkpoint_steps": 1})
    kept = Path("net.run/config.yaml").read_text()
    options = {"data.batch_size": 2}
    message = _refused(capsys, lambda: _run(_IMAGENETTE, root, "net.safetensors", "--resume", **options))
    assert "--data.batch_size is 2, but the run in net.run was started with 4" in message
    assert Path("net.run/config.yaml").read_text() == kept


def test_the_same_seed_gives_the_same_weights(make_photos: MakePhotos) -> None:
    root, states = make_photos(), []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        _run(_IMAGENETTE, root, f"{name}.safetensors", seed_everything=seed)
        states.append(read_weights(Path(f"{name}.safetensors"))[0])
    for name in states[0]:
        torch.testing.assert_close(states[0][name], states[1][name])
    assert not torch.equal(states[0]["conv1.weight"], states[2]["conv1.weight"])


def test_resume__nothing_to_resume_from(make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]) -> None:
    message = _refused(capsys, lambda: _run(_IMAGENETTE, make_photos(), "net.safetensors", "--resume"))
    assert "Start without --resume" in message


@pytest.mark.parametrize("classes", ["folders", "restricted_imagenet"])
def test_missing_data(capsys: pytest.CaptureFixture[str], tmp_path: Path, classes: str) -> None:
    options = {"data.classes": classes, "model.architecture": "resnet18"}
    message = _refused(capsys, lambda: _run(_IMAGENETTE, Path("nowhere"), "net.safetensors", **options))
    assert str(tmp_path / "nowhere" / "train") in message, "it names the missing folder"
    assert "configs/train/imagenette.yaml" in message, "it names the recipe for a small set"
    assert not Path("net.safetensors").exists()
    assert not Path("net.run").exists(), "no empty run is left behind"


def test_fewer_photos_than_a_batch__no_random_weights_are_exported(
    make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"data.batch_size": 13}  # of 12 photos
    message = _refused(capsys, lambda: _run(_IMAGENETTE, make_photos(), "net.safetensors", **options))
    assert "too few photos for one batch: 12 of 13" in message
    assert "Lower --data.batch_size" in message
    assert not Path("net.safetensors").exists()
    assert not Path("net.run").exists(), "no empty run is left behind"


def test_fewer_validation_photos_than_devices(make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"data.validation_photos": 1, "trainer.devices": 2, "trainer.strategy": "ddp"}
    with pytest.raises(SystemExit) as stopped:
        _run(_IMAGENETTE, make_photos(), "net.safetensors", **options)
    assert stopped.value.code == 2
    (message,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert "1 validation photos for 2 devices" in message
    assert "--data.validation_photos" in message


def test_time_alone_ends_a_run(make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]) -> None:
    root, options = make_photos(), {"trainer.max_epochs": "null", "trainer.max_time": "00:00:00:01"}
    message = _refused(capsys, lambda: _run(_IMAGENETTE, root, "net.safetensors", **options))
    assert "--trainer.max_epochs is None, but must be given" in message, "its schedule spans the run"
    assert not Path("net.run").exists()
    _run(_IMAGENETTE, root, "net.safetensors", **options, **{"model.recipe.schedule": "step"})
    assert Path("net.safetensors").exists()


def test_monitor__is_for_trainings_under_attack(make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]) -> None:
    """A recipe's monitor does not keep its user from a training without an attack; asked for, it is refused."""
    root, standard = make_photos(), {"model.attack": "rnst.attacks.attack.NoAttack", "data.classes": "folders"}
    standard |= {"model.architecture": "tiny_vgg"}
    fast = _CONFIGS / "fast.yaml"
    message = _refused(capsys, lambda: _run(fast, root, "net.safetensors", "--monitor.every=500", **standard))
    assert "--monitor.every is 500, but must be 0 where the training has no radius" in message
    assert not Path("net.run").exists()
    _run(fast, root, "net.safetensors", **standard)
    assert "the monitor of the recipe is left out" in capsys.readouterr().err
    assert Path("net.safetensors").exists()


def test_one_class__nothing_to_tell_apart(make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]) -> None:
    message = _refused(capsys, lambda: _run(_IMAGENETTE, make_photos(("n01",)), "net.safetensors"))
    assert "photos of n01 alone" in message


def test_a_training_that_learns_nothing__says_so(make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]) -> None:
    """All photos of the validation are of the last class; a network of such a learning rate answers the first."""
    options = {"model.recipe.learning_rate": 1e-12, "data.evaluation_photos": 3, "trainer.limit_test_batches": 1.0}
    root = make_photos([f"n{number:02d}" for number in range(9)], train=1, val=1)
    _run(_IMAGENETTE, root, "net.safetensors", **options)
    accuracy = read_weights(Path("net.safetensors"))[1]["accuracy_clean"]
    assert ("that of guessing among 9 classes" in capsys.readouterr().err) == (accuracy < 1.2 / 9)


def test_photos_too_small_for_the_network(
    make_photos: MakePhotos, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"data.stages": "[{epochs: 1, image_size: 24}]"}
    recipe = _CONFIGS / "imagenette_vgg16.yaml"
    message = _refused(capsys, lambda: _run(recipe, make_photos(), "net.safetensors", **options))
    assert "24 pixels" in message
    assert "vgg16_bn, which needs 32" in message
    assert not (tmp_path / "net.run").exists()


def test_unknown_architecture(make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"model.architecture": "resnet17"}
    message = _refused(capsys, lambda: _run(_IMAGENETTE, make_photos(), "net.safetensors", **options))
    assert "unknown architecture 'resnet17'" in message
    assert "resnet18" in message, "it lists the valid ones"


def test_no_photo(make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_photos()
    (root / "train" / "n01" / "broken.jpg").write_text("this is no photo")
    message = _refused(capsys, lambda: _run(_IMAGENETTE, root, "net.safetensors", **{"data.skip_broken": 0}))
    assert "broken.jpg" in message


def test_output_is_kept_when_a_new_run_fails(make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]) -> None:
    Path("net.safetensors").write_text("the old weights")
    root = make_photos()
    shutil.rmtree(root / "val")
    _refused(capsys, lambda: _run(_IMAGENETTE, root, "net.safetensors"))
    assert Path("net.safetensors").read_text() == "the old weights"


@pytest.mark.parametrize("mistake", ["--model.atack.steps=3", "--data.crop=sideways", "--trainer.max_epochs=many"])
def test_a_mistyped_option(make_photos: MakePhotos, capsys: pytest.CaptureFixture[str], mistake: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        _run(_IMAGENETTE, make_photos(), "net.safetensors", mistake)
    assert stopped.value.code == 2
    assert mistake.split("=")[0].strip("-").split(".")[1] in capsys.readouterr().err


def test_help__the_first_screen_is_short(capsys: pytest.CaptureFixture[str]) -> None:
    train_robust(["--help"])
    text = capsys.readouterr().out
    assert text.count("\n") < 50
    assert text.startswith("usage: train_robust.py")
    assert all(word in text for word in ("--data.root", "--resume", "--monitor.every", "train/fast", "trainer/ddp"))


def test_an_overlay_alone_is_laid_over_the_default_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        train_robust(["--config=trainer/ddp", "--print_config"])
    settings = yaml.safe_load(capsys.readouterr().out)
    assert settings["trainer"]["sync_batchnorm"] is True
    assert settings["data"]["name"] == "restricted_imagenet"


def test_configurations_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("fast", "train/fast", "train/fast.yaml", str(_CONFIGS / "fast.yaml")):
        with pytest.raises(SystemExit):
            train_robust(["--config", name, "--print_config"])
        assert yaml.safe_load(capsys.readouterr().out)["monitor"]["every"] == 500
    message = _refused(capsys, lambda: train_robust(["--config", "fats"]))
    assert "unknown configuration 'fats'; did you mean train/fast? valid:" in message
    assert "train/fast" in message


def test_tracking__a_run_that_others_can_be_compared_with(
    make_photos: MakePhotos, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    options = {"trainer.max_epochs": 2, "trainer.log_every_n_steps": 50, "model.radius_warmup_epochs": 1}
    _run(_IMAGENETTE, make_photos(), "new.safetensors", tracking="wandb,tensorboard", **options)
    folder = Path("new.run")
    assert capsys.readouterr().out.splitlines()[-1].endswith("the run is in new.run")
    (offline,) = run_folders(Path())
    assert offline.parent == folder / "wandb"
    run = read_run(offline)
    assert run.finished
    assert (run.job_type, run.group, run.name) == ("train", "imagenette", "imagenette | resnet18 | l2 1.8 | new")
    assert set(run.tags) == {"imagenette", "resnet18", "l2", "radius 1.8"}
    assert run.config.keys() >= {"data", "model", "trainer", "run", "versions"}
    assert run.config["model"]["attack"]["ball"] == {"class": "L2Ball", "radius": 1.8}
    assert run.config["weights_sha256"] == sha256_of(Path("new.safetensors"))
    assert run.config["weights_facts"]["architecture"] == "resnet18"
    assert str(tmp_path) not in json.dumps(run.config), "paths differ for each run, without information"
    every_step = ("train/loss", "train/learning_rate", "train/radius", "train/accuracy_attacked")
    for name in (*every_step, "perf/images_per_second"):
        assert len(run.column(name)) == 6, f"{name} is there from the first of 2 x 3 steps"
    # The radius grows to 1.8 at 40 pixels in the first epoch, which runs at 32; the second one runs at 40.
    assert run.column("train/radius") == pytest.approx([0.48, 0.96, 1.44, 1.8, 1.8, 1.8])
    assert len(run.column("val/accuracy_attacked")) == 2
    assert run.column("attack")
    (table,) = folder.glob("metrics/version_*/metrics.csv")
    (board,) = folder.glob("tensorboard/version_*")
    of_table = metrics_of_table(table)
    assert of_table == pytest.approx(metrics_of_board(board), rel=1e-5)
    assert {name for _, name in of_table} >= {*every_step, "val/accuracy_clean", "test/accuracy_attacked"}


@pytest.mark.parametrize("path", _RECIPES, ids=lambda path: path.stem)
def test_small_recipes__are_validated_in_every_epoch(path: Path) -> None:
    if path.stem.startswith(("imagenette", "animals", "cifar10")):
        settings = yaml.safe_load(path.read_text())
        assert settings["trainer"]["check_val_every_n_epoch"] == 1
        assert 0 < settings["data"]["validation_photos"] <= 500, "so that the training is not slowed"


def test_loggers_of_the_user__replace_ours(make_photos: MakePhotos) -> None:
    logger = "{class_path: pytorch_lightning.loggers.CSVLogger, init_args: {save_dir: mine}}"
    options = {"trainer.logger": logger, "tracking": "wandb,csv"}
    _run(_IMAGENETTE, make_photos(), "net.safetensors", **options)
    (mine,) = Path("mine").rglob("metrics.csv")
    (ours,) = Path("net.run").rglob("metrics.csv")
    assert metrics_of_table(mine) == metrics_of_table(ours)
    assert not run_folders(Path())


def test_packed_photos__teach_what_the_folder_teaches(make_photos: MakePhotos, tmp_path: Path) -> None:
    pytest.importorskip("litdata", reason="litdata is not installed; it is the extra streaming")
    root = make_photos(side=32)
    pack(root, tmp_path / "packed")
    _run(_IMAGENETTE, root, "folder.safetensors")
    _run(_IMAGENETTE, tmp_path / "packed", "streamed.safetensors", **{"data.source": "streamed"})
    (wanted, _), (state, facts) = (read_weights(Path(f"{name}.safetensors")) for name in ("folder", "streamed"))
    assert facts["classes"] == ["n01", "n02", "n03"]
    assert all(torch.equal(state[name], tensor) for name, tensor in wanted.items())


def test_weights_that_are_not_finite_are_not_exported(
    make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"model.recipe.learning_rate": 1e30, "model.recipe.schedule": "constant"}
    message = _refused(capsys, lambda: _run(_IMAGENETTE, make_photos(), "net.safetensors", **options))
    assert "diverged" in message
    assert not Path("net.safetensors").exists()


def test_weights_too_large_for_float16_are_exported_as_float32(
    make_photos: MakePhotos, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = make_photos()
    _run(_IMAGENETTE, photos, "half.safetensors")
    monkeypatch.setattr("rnst.training.train._LARGEST_HALF", 1e-3)
    _run(_IMAGENETTE, photos, "whole.safetensors")
    assert "too large for float16" in capsys.readouterr().err
    assert Path("whole.safetensors").stat().st_size > 1.9 * Path("half.safetensors").stat().st_size


@pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty")  # it holds what we resume from
def test_teacher_and_start__unlabeled_photos_of_several_roots_and_a_stop_in_between(
    make_photos: MakePhotos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start is the student itself after no step; what is stopped and resumed ends as what was not."""
    recipe, root = _CONFIGS / "teacher_resnet18.yaml", make_photos()
    make_photos(("more",), val=0).joinpath("train", "more").rename(tmp_path / "more")
    shutil.rmtree(root / "val" / "more")
    start = build_classifier("tiny_resnet", 2).state_dict()
    write_weights(tmp_path / "start.safetensors", start, {"classes": ["p", "q"], "mean": [0.4] * 3, "std": [0.2] * 3})
    options = {
        **_taught(tmp_path / "teacher.safetensors", ["x", "y", "z"]),
        **{"model.architecture": "tiny_resnet", "weights": tmp_path / "start.safetensors", "half": False},
        **{"data.root": f"[{root}, {tmp_path / 'more'}]", "checkpoint_steps": 1, "trainer.max_epochs": 2},
        "monitor": "{every: 2, photos: 4, steps: 1}",
    }
    _run(recipe, root, "whole.safetensors", **options)
    step, steps = RobustClassifier.training_step, list[int]()

    def fragile(task: RobustClassifier, batch: tuple[Tensor, ...], batch_idx: int) -> Tensor:
        steps.append(len(batch))
        if len(steps) == 3:
            raise RuntimeError("the machine went off")
        return step(task, batch, batch_idx)

    monkeypatch.setattr(RobustClassifier, "training_step", fragile)
    with pytest.raises(RuntimeError, match="went off"):
        _run(recipe, root, "parts.safetensors", **options)
    _run(recipe, root, "parts.safetensors", "--resume", **options)
    assert steps == [4] * (3 + 6), "batches of four parts: 4 steps an epoch; the third came twice, the first two once"
    (whole, facts), (parts, _) = (read_weights(Path(f"{name}.safetensors")) for name in ("whole", "parts"))
    assert all(torch.equal(parts[name], tensor) for name, tensor in whole.items())
    assert whole.keys() == start.keys(), "none of the teacher"
    assert (facts["classes"], facts["mean"], facts["std"]) == (["x", "y", "z"], [0.4] * 3, [0.2] * 3)
    assert (facts["teacher"]["network"], facts["started_from"]) == ("tiny_vgg", "start.safetensors")
    checkpoint = torch.load(  # noqa: TID251 - its own file
        next(Path("whole.run/checkpoints").glob("*.ckpt")), weights_only=True
    )
    assert {name.split(".")[0] for name in checkpoint["state_dict"]} <= {"network", "clean_accuracy", "robust_accuracy"}


def test_unlabeled_photos_without_a_teacher(make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"data.classes": "none", "model.architecture": "tiny_resnet"}
    message = _refused(capsys, lambda: _run(_IMAGENETTE, make_photos(), "net.safetensors", **options))
    assert "data.classes" in message
    assert "model.teacher" in message
