"""The runs of tests/fake_device_runs.py on one or two real devices: `pytest -m gpu`."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from rich.console import Console
from torch.utils.data import DataLoader, TensorDataset

from rnst.attacks.ball import L2Ball
from rnst.attacks.pgd import PGD
from rnst.cli import main
from rnst.data.facts import DataFacts
from rnst.encoders.catalog import build_classifier
from rnst.encoders.encoder import Encoder
from rnst.encoders.weights.files import write_weights
from rnst.image.files import read_image, write_image
from rnst.optimization.memory import available_bytes
from rnst.stylization.stylize import stylize, stylize_folder
from rnst.training.robust_classifier import RobustClassifier
from tests.fake_device_runs import EVERY_KIND_OF_RUN, QUICK_RUNS, tiny_settings, write_inputs

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
_two = pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
_QUIET = Console(quiet=True)
_CLASSES = ("n01", "n02", "n03")
_GPU = torch.device("cuda")

MakePhotos = Callable[..., Path]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_inputs()


@pytest.mark.parametrize("options", [*QUICK_RUNS, *EVERY_KIND_OF_RUN, {"precision": "bf16", "tile": 32}], ids=str)
def test_stylize(options: dict[str, Any]) -> None:
    before = torch.cuda.max_memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    stylize(tiny_settings(**options), console=_QUIET, on_step=lambda *_: None)
    assert torch.cuda.max_memory_allocated() > 0, f"the GPU computed; {before} before"
    assert Path("new/out.png").is_file()


def test_stylize__the_picture_is_that_of_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """One step: rounding differs, and L-BFGS magnifies that over many steps."""
    there = stylize(tiny_settings(), console=_QUIET).image
    monkeypatch.setattr("rnst.machine.device", lambda *_: torch.device("cpu"))
    here = stylize(tiny_settings(output=Path("cpu.png")), console=_QUIET).image
    assert (there - here).abs().mean() < 2e-3


def test_resume__goes_on_on_the_gpu() -> None:
    def stop(step: int, *_: object) -> None:
        if step == 2:
            raise KeyboardInterrupt

    stylize(tiny_settings(steps=3), console=_QUIET, on_step=stop)
    assert stylize(tiny_settings(steps=3, resume=True), console=_QUIET).result.finished


def test_out_of_memory__tiles_are_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real allocation fails; the run then takes smaller tiles."""
    forward = Encoder.forward

    def greedy(encoder: Encoder, images: torch.Tensor, *rest: Any) -> dict[str, torch.Tensor]:
        if images.shape[-1] * images.shape[-2] > 90 * 90:
            torch.empty(2**48, dtype=torch.uint8, device=images.device)
        return forward(encoder, images, *rest)

    monkeypatch.setattr(Encoder, "forward", greedy)
    monkeypatch.setattr("rnst.stylization.picture.estimate", lambda *_: None)
    monkeypatch.setattr("rnst.stylization.picture.summary", lambda *_: "")
    result = stylize(tiny_settings(size=128, style_layers=["stem"], content_layers=["stem"], tile=128), console=_QUIET)
    assert result.result.settings["tile"] != 0


def test_available__what_the_allocator_holds_is_free() -> None:
    before = available_bytes(_GPU)
    block = torch.empty(2**30, dtype=torch.uint8, device=_GPU)
    del block
    assert available_bytes(_GPU) == pytest.approx(before, rel=0.01)


def test_evaluate_and_visualize(make_photos: MakePhotos) -> None:
    facts = {"architecture": "shufflenet_v2_x0_5", "classes": list(_CLASSES), "image_size": 32, "norm": "l2"}
    network = build_classifier("shufflenet_v2_x0_5", 3).eval()
    write_weights(Path("net.safetensors"), network.state_dict(), {**facts, "radius": 0.5})
    root = make_photos(_CLASSES, train=0, val=2)
    main(["evaluate", "net.safetensors", "--data", str(root), "--workers=0", "--tracking=off", "--steps=2"])
    for optimizer in ("pgd", "adam"):
        options = ["--size=32", "--steps=2", "--tracking=off", "--output=seen", f"--optimizer={optimizer}"]
        main(["visualize", "--networks", "net.safetensors", *options, "--photos", "coffee"])


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_training_step(tmp_path: Path, precision: Any) -> None:
    facts = DataFacts("tiny", _CLASSES, 32, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    task = RobustClassifier(facts, PGD(L2Ball(1.0), 2, 0.5, random_start=True), architecture="resnet18")
    photos = DataLoader(TensorDataset(torch.rand(6, 3, 32, 32), torch.arange(6) % 3), batch_size=3)
    options: dict[str, Any] = {"max_epochs": 1, "inference_mode": False, "logger": False, "precision": precision}
    trainer = pl.Trainer(default_root_dir=tmp_path, **options)
    trainer.fit(task, photos, photos)
    assert trainer.global_step == 2


@_two
def test_two_devices__share_a_picture_that_is_that_of_one() -> None:
    alone = stylize(tiny_settings(size=128, precision="fp32"), console=_QUIET)
    shared = stylize(tiny_settings(size=128, precision="fp32", devices=2, output=Path("two.png")), console=_QUIET)
    assert (read_image(Path("two.png")) - alone.image.clamp(0.0, 1.0)).abs().mean() < 2e-3
    assert shared.result.settings["devices"] == 2


@_two
def test_two_devices__take_a_picture_each() -> None:
    Path("frames").mkdir()
    for number in range(4):
        write_image(torch.rand(1, 3, 48, 64), Path(f"frames/{number}.png"))
    results = stylize_folder(tiny_settings(content="frames", output=Path("painted"), devices=2), console=_QUIET)
    assert len(results) == 4


@_two
def test_two_devices__a_killed_process_leaves_a_state_that_resumes() -> None:
    """With NCCL; what tests/two_processes.py asks of gloo."""
    program = (
        "import multiprocessing, os, signal, sys\nfrom pathlib import Path\nfrom rich.console import Console\n"
        "from rnst.stylization.stylize import stylize\nfrom tests.fake_device_runs import tiny_settings\n"
        "def kill(step, *_):\n    if step == 3:\n"
        "        os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)\n"
        "if __name__ == '__main__':\n"
        "    options = dict(steps=8, size=128, devices=2, resume=sys.argv[1] == 'resume')\n"
        "    watch = None if options['resume'] else kill\n"
        "    stylize(tiny_settings(**options), console=Console(quiet=True), on_step=watch)\n"
    )
    Path("program.py").write_text(program, encoding="utf-8")
    repository = str(Path(__file__).parents[1])
    for argument, status in (("kill", 1), ("resume", 0)):
        command = ["timeout", "-s", "KILL", "200", sys.executable, "program.py", argument]
        environment = {**os.environ, "PYTHONPATH": repository}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603
        assert (done.returncode != 0) == bool(status), done.stderr[-2000:]
        if status:
            assert "another device of this run was lost" in done.stderr
            assert Path("new/out.state.safetensors").is_file()
    assert json.loads(Path("new/out.json").read_text())["finished"]
