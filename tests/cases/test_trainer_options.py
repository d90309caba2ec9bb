"""Kind C7: options of Lightning's Trainer that it refuses by a traceback, or not at all."""

from pathlib import Path

import pytest

from rnst.cli import train_robust
from tests.cases.program import exit_status
from tests.conftest import MakePhotos

_RECIPE = Path(__file__).parents[2] / "configs" / "train" / "imagenette.yaml"


@pytest.fixture(scope="module")
def photos(make_photos_once: MakePhotos) -> Path:
    return make_photos_once()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["train_robust.py"])


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("trainer.accelerator=gpu", "--trainer do not work here"),
        ("trainer.accelerator=x", "--trainer do not work here"),
        ("trainer.strategy=nothing", "--trainer do not work here"),
        ("trainer.profiler=x", "--trainer do not work here"),
        ("trainer.max_time=x", "--trainer do not work here"),
        ("trainer.val_check_interval=70", "--trainer do not work here"),
        ("trainer.precision=17", "--trainer.precision is 17, but must be"),
        ("trainer.max_epochs=-1", "--trainer.max_epochs is -1, but must be at least 1"),
        ("trainer.max_epochs=0", "--trainer.max_epochs is 0"),
        ("trainer.overfit_batches=2", "--trainer.overfit_batches is 2"),
        ("trainer.max_steps=0", "--trainer.max_steps is 0"),
        ("trainer.devices=0", "--trainer.devices is '0'"),
        ("trainer.devices=99", "--trainer.devices is '99'"),
        ("trainer.num_nodes=0", "--trainer.num_nodes is 0"),
        ("trainer.accumulate_grad_batches=0", "--trainer.accumulate_grad_batches is 0"),
        ("trainer.check_val_every_n_epoch=0", "--trainer.check_val_every_n_epoch is 0"),
        ("trainer.limit_train_batches=0", "--trainer.limit_train_batches is 0"),
        ("trainer.gradient_clip_val=-1", "--trainer.gradient_clip_val is -1"),
        ("seed_everything=-1", "--seed_everything is -1"),
        ("seed_everything=18446744073709551616", "--seed_everything is 18446744073709551616"),
        ("output=", "--output is '', but must be a file name"),
        ("model.attack=os.system", "a class with its options"),
        (
            "model.attack={class_path: subprocess.Popen, init_args: {args: [touch, executed]}}",
            "a class with its options",
        ),
    ],
)
def test_c7__one_line_before_anything_is_trained(
    option: str, said: str, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = ["--config", str(_RECIPE), "--data.root", str(photos), "--data.image_size=32", "--data.stages=null"]
    tiny = ["--model.architecture=tiny_vgg", "--data.batch_size=4", "--data.workers=0", "--tracking=off"]
    chosen = ["--trainer.accelerator=cpu", "--trainer.max_epochs=1", "--trainer.enable_progress_bar=false"]
    assert exit_status(train_robust, [*recipe, *tiny, *chosen, "--output=o.safetensors", f"--{option}"]) == 2
    message = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(message) == 1
    assert said in message[0]
    assert not Path("o.safetensors").exists()
    assert not Path("executed").exists()
