"""Two processes equal one on the same global batch, through the real Trainer."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

# Synchronized batch norm is there for GPUs alone; here the normalization keeps its statistics, as it does under attack.
_PROGRAM = """
import sys
from pathlib import Path
import pytorch_lightning as pl
import torch
from safetensors.torch import save_file
from rnst.attacks.ball import L2Ball
from rnst.attacks.pgd import PGD
from rnst.data.datamodules import PhotoFolders
from rnst.training.recipe import Recipe
from rnst.training.robust_classifier import RobustClassifier
from rnst.training.losses import AdversarialLoss

class Frozen(RobustClassifier):
    def on_train_batch_start(self, *_):
        self.network.eval()

torch.set_num_threads(1)
root, output, ranks = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
pl.seed_everything(0)
photos = {"classes": "folders", "name": "tiny", "image_size": 24, "crop": "shifted", "workers": 0}
data = PhotoFolders(root, batch_size=6 // ranks, **photos)
attack = PGD(L2Ball(1.0), steps=2, step_size=0.6)
recipe = Recipe(learning_rate=0.02, schedule="constant")
model = Frozen(
    data.facts, attack, architecture="resnet18", recipe=recipe, loss=AdversarialLoss(class_weights=(3.0, 1.0, 0.5))
)
trainer = pl.Trainer(
    accelerator="cpu", devices=ranks, strategy="ddp" if ranks > 1 else "auto", max_epochs=2, logger=False,
    enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
    reload_dataloaders_every_n_epochs=1, default_root_dir=str(Path(output).parent),
)
trainer.fit(model, datamodule=data)
accuracy = trainer.callback_metrics["val/accuracy_clean"].clone()
if trainer.is_global_zero:
    assert trainer.global_step == 4
    state = {name: tensor.contiguous() for name, tensor in model.network.state_dict().items()}
    save_file({**state, "accuracy": accuracy.view(1)}, output)
"""


@pytest.mark.slow
def test_two_processes_equal_one(make_photos: Callable[..., Path], tmp_path: Path) -> None:
    root = make_photos(train=4, val=3)
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM, encoding="utf-8")
    states = []
    for ranks in (1, 2):
        output = tmp_path / f"{ranks}.safetensors"
        # SIGTERM does not end a pair that waits for each other; SIGKILL does.
        command = ["timeout", "-s", "KILL", "240", sys.executable, str(program), str(root), str(output), str(ranks)]
        ended = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own program
        assert ended.returncode == 0, ended.stderr[-2000:]
        states.append(load_file(output))
    one, two = states
    assert one["accuracy"] == two["accuracy"], "each photo of the validation was counted once"
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-4, atol=1e-5, msg=name)
