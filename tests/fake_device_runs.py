"""Whole runs on a device that refuses to be mixed with the CPU: what would fail on a GPU fails here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from rich.console import Console
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from rnst.attacks.ball import L2Ball, LinfBall
from rnst.attacks.pgd import PGD
from rnst.cli import main
from rnst.data.facts import DataFacts
from rnst.encoders.catalog import build_classifier
from rnst.encoders.weights.files import write_weights
from rnst.image.files import read_image, write_image
from rnst.image.transforms import Placement
from rnst.stylization.live_page import LivePage
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.stylize import stylize
from rnst.training.losses import TradesLoss
from rnst.training.robust_classifier import RobustClassifier
from tests import fake_device
from tests.fake_device import DeviceTensor, MixedDevicesError

_CLASSES = ("n01", "n02", "n03")
_STEPS_COUNTED = (2, 5)

MakePhotos = Callable[..., Path]

QUICK_RUNS: list[dict[str, Any]] = [
    {"colors": "luminance", "scores": True, "scales": 2, "side": "short"},
    {"colors": "match", "content_mask": ["left.png"], "style_mask": ["left.png"], "tile": 32},
    {"style_loss": "gram", "init": "noise", "parameters": "pixels", "color_basis": "decorrelated"},
]
EVERY_KIND_OF_RUN: list[dict[str, Any]] = [
    {"colors": "histogram", "optimizer": "adam", "averaging": 0.9, "transforms": "robust", "steps": 2},
    {},
    {"tile": 32},
    {"parameters": "clamped", "supersample": 2.0},
    {"normalize_gradients": True},
    {"smoothing": "softmax", "content_weight": 0.0},
    {"init": "style_noise", "content": "none"},
    {"shifts_per_step": 2, "steps": 2},
    {"shifts_per_step": 2, "tile": 32},
    {"strides": "blur", "pooling": "avg", "relu": "leaky"},
    {"style": ["waves.png", "cat.png"], "style_weights": [1.0, 2.0], "tv_weight": 0.1},
    {"style": ["waves.png", "cat.png"], "content_mask": ["left.png"]},
    {"encoder": "vgg11", "style_layers": ["relu1_1"], "content_layers": ["relu2_1"], "convention": "gatys2015"},
]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_inputs()


def write_inputs() -> None:
    """Write a photo, a painting and a mask of its left half into the current folder."""
    left = torch.zeros(1, 3, 48, 64)
    left[..., :32] = 1.0
    pictures = {"cat": torch.rand(1, 3, 48, 64), "waves": torch.rand(1, 3, 44, 36), "left": left}
    for name, pixels in pictures.items():
        write_image(pixels, Path(f"{name}.png"))


def tiny_settings(**options: Any) -> StylizationSettings:
    tiny = {
        "content": "cat.png",
        "style": "waves.png",
        "output": Path("new/out.png"),
        "encoder": "resnet18",
        "weights": "random",
        "size": 64,
        "supersample": 1.0,
        "steps": 1,
        "scales": 1,
        "shifts": 2,
        "style_layers": ["stem", "layer1"],
        "content_layers": ["layer1"],
        "precision": "fp32",
        "save_every": 1,
        "tracking": "off",
    }
    return StylizationSettings(**{**tiny, **options})


def _stylize_on_fake_device(**options: Any) -> fake_device.FakeDevice:
    """A whole run, with snapshots, states and a live page."""
    with fake_device.available() as fake, LivePage() as page:
        stylize(tiny_settings(**options), console=Console(quiet=True), on_step=page)
        assert page._served.live.picture() is not None
    assert fake.computed > 500, "the network ran there"
    assert Path("new/out.png").is_file()
    assert not Path("new/out.state.safetensors").exists()
    return fake


@pytest.mark.parametrize(
    "options",
    QUICK_RUNS,
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_stylize(options: dict[str, Any]) -> None:
    _stylize_on_fake_device(**options)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    EVERY_KIND_OF_RUN,
    ids=str,
)
def test_stylize__every_kind_of_run(options: dict[str, Any]) -> None:
    _stylize_on_fake_device(**options)


@pytest.mark.slow
def test_resume__a_state_of_another_device_goes_on() -> None:
    def stop(step: int, _image: Tensor, _losses: object) -> None:
        if step == 2:
            raise KeyboardInterrupt

    with fake_device.available():
        stylize(tiny_settings(steps=3), console=Console(quiet=True), on_step=stop)
        assert Path("new/out.state.safetensors").is_file()
        resumed = stylize(tiny_settings(steps=3, resume=True), console=Console(quiet=True))
    whole = stylize(tiny_settings(steps=3, output=Path("whole.png")), console=Console(quiet=True))
    assert resumed.result.finished
    assert torch.equal(read_image(Path("whole.png")), read_image(Path("new/out.png"))), "the CPU computes for both"
    assert resumed.result.losses == whole.result.losses


def test_stylize__losses_are_copied_from_the_device_once_a_step() -> None:
    """Each copy waits for all that is queued on a GPU."""
    counts = []
    for steps in _STEPS_COUNTED:
        with fake_device.available() as fake:
            settings = tiny_settings(steps=steps, optimizer="adam", shifts=1, save_every=0)
            stylize(settings, console=Console(quiet=True))
        counts.append(fake.synchronizations)
    assert counts[1] - counts[0] == _STEPS_COUNTED[1] - _STEPS_COUNTED[0]


@pytest.fixture
def weights() -> Path:
    """A network of three classes, untrained, as a file with facts."""
    path = Path("net.safetensors")
    facts = {"architecture": "shufflenet_v2_x0_5", "classes": list(_CLASSES), "image_size": 32, "norm": "l2"}
    write_weights(path, build_classifier("shufflenet_v2_x0_5", 3).eval().state_dict(), {**facts, "radius": 0.5})
    return path


def test_evaluate(weights: Path, make_photos: MakePhotos) -> None:
    root = make_photos(_CLASSES, train=0, val=2)
    with fake_device.available() as fake:
        main(
            ["evaluate", str(weights), "--data", str(root), "--workers=0", "--tracking=off", "--radii=0.5", "--steps=2"]
        )
    assert fake.computed > 500


@pytest.mark.parametrize("optimizer", [pytest.param("pgd", marks=pytest.mark.slow), "adam"])
def test_visualize(weights: Path, optimizer: str) -> None:
    fixed = ["--size=32", "--steps=2", "--tracking=off", "--output=seen", "--photos", "coffee", "--redirect=1"]
    with fake_device.available() as fake:
        priors = ["--priors", "none", "fourier+colors+transforms"]
        main(["visualize", "--networks", str(weights), *fixed, *priors, f"--optimizer={optimizer}"])
    assert fake.computed > 500


@pytest.mark.parametrize(
    ("ball", "options"),
    [
        (L2Ball(1.0), {}),
        pytest.param(
            LinfBall(0.05), {"loss": TradesLoss(beta=6.0), "architecture": "tiny_vgg_bn"}, marks=pytest.mark.slow
        ),
    ],
    ids=["l2", "linf-trades"],
)
def test_training_step(tmp_path: Path, ball: Any, options: dict[str, Any]) -> None:
    """Two steps, a validation and a checkpoint of a training under attack from random starts."""
    facts = DataFacts("tiny", _CLASSES, 32, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    task = RobustClassifier(
        facts,
        PGD(ball, steps=2, step_size=0.02, random_start=True),
        radius_warmup_epochs=1.0,
        **{"architecture": "tiny_resnet", **options},
    )
    photos = DataLoader(TensorDataset(torch.rand(6, 3, 32, 32), torch.arange(6) % 3), batch_size=3)
    quiet: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    with fake_device.available() as fake:
        trainer = pl.Trainer(default_root_dir=tmp_path, max_epochs=1, inference_mode=False, **quiet)
        trainer.fit(task, photos, photos)
    assert trainer.global_step == 2
    assert fake.computed > 200


def test_mixing_is_found() -> None:
    """What this file relies on: it is refused what a GPU refuses."""
    with fake_device.available():
        there = torch.rand(2, 3, device=fake_device.device())
        mixes: tuple[Callable[[], Tensor], ...] = (
            lambda: there + torch.rand(2, 3),
            lambda: torch.cat([there, torch.rand(2, 3)]),
            lambda: torch.nn.functional.conv2d(there.view(1, 1, 2, 3), torch.rand(1, 1, 1, 1)),
            lambda: torch.rand(2, device=fake_device.device(), generator=torch.Generator()),
        )
        for mix in mixes:
            with pytest.raises(MixedDevicesError):
                mix()
        with pytest.raises(TypeError, match="can't convert fake:0 device type tensor to numpy"):
            there.numpy()
        assert (there * torch.tensor(2.0)).device == there.device, "a scalar of the CPU may be mixed in"
        assert torch.equal(there.cpu() + 1.0, (there + 1.0).cpu())


def test_placement__is_computed_where_the_image_is() -> None:
    image = torch.rand(1, 3, 20, 24)
    with fake_device.available() as fake:
        placed = Placement(pad=2, scale=1.1, angle=5.0)(image.to(fake_device.device()))
        before = fake.synchronizations
        assert placed.device == fake_device.device()
    assert before == 0
    assert isinstance(placed, DeviceTensor)
    assert torch.equal(placed.held, Placement(pad=2, scale=1.1, angle=5.0)(image))
