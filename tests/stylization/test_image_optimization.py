import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from rnst.image.parameters import FourierImage, ImageParameter, PixelImage
from rnst.image.transforms import Shift
from rnst.losses.objective import Objective, Weights
from rnst.losses.perceptual import ContentLoss, GramLoss
from rnst.optimization.averaging import RunningMean
from rnst.optimization.optimizers import PixelOptimizer, ThriftyLBFGS
from rnst.stylization.fitting import fit
from rnst.stylization.image_optimization import AugmentedObjective, Features, ImageOptimization, Schedule
from rnst.stylization.state import State

_SIDE = 12
_ADAM = PixelOptimizer("adam", 0.05)


class _Encoder(nn.Module):
    """One convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3, padding=1)
        self.requires_grad_(requires_grad=False)
        self.seen: list[torch.dtype] = []

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        features: Tensor = self.convolution(images)
        self.seen.append(features.dtype)
        return {"layer": features}


def _view(encoder: nn.Module, offset: tuple[int, int] = (0, 0)) -> AugmentedObjective:
    with torch.no_grad():
        style = encoder(torch.rand(1, 3, _SIDE, _SIDE))["layer"]
        content = encoder(torch.rand(1, 3, _SIDE + offset[0], _SIDE + offset[1]))["layer"]
    weights = Weights(1.0, 1.0, 0.1)
    return AugmentedObjective(
        Shift(*offset), Objective({"layer": GramLoss(style)}, {"layer": ContentLoss(content)}, weights)
    )


class _Recorder:
    """An objective that writes down what it is asked; the loss is the distance of the picture to `goal`."""

    def __init__(self, goal: float = 0.9) -> None:
        self.goal = goal
        self.images: list[Tensor] = []
        self.losses: list[float] = []

    def __call__(self, features: Features, image: Tensor) -> dict[str, Tensor]:  # noqa: ARG002 - an objective
        loss = (image - self.goal).square().mean()
        self.images.append(image.detach().clone())
        self.losses.append(loss.item())
        return {"total": loss}


def _task(
    optimizer: PixelOptimizer, views: Sequence[AugmentedObjective] | None = None, **options: Any
) -> ImageOptimization:
    torch.manual_seed(0)
    encoder = _Encoder()
    image = options.pop("image", None) or PixelImage.from_image(torch.rand(1, 3, _SIDE, _SIDE))
    return ImageOptimization(image, encoder, views or [_view(encoder)], optimizer, Schedule(**{"steps": 6, **options}))


def _trainer(folder: Path, *callbacks: pl.Callback, **options: Any) -> pl.Trainer:
    return pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        max_epochs=1,
        logger=False,
        callbacks=list(callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        **options,
    )


def _fit(task: ImageOptimization, folder: Path, **options: Any) -> ImageOptimization:
    _trainer(folder, **options).fit(task)
    return task


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("kind", [PixelImage, FourierImage])
@pytest.mark.parametrize("optimizer", [PixelOptimizer(), _ADAM], ids=lambda settings: settings.name)
def test_loss_falls_and_only_the_image_moves(
    optimizer: PixelOptimizer, kind: type[ImageParameter], precision: str, tmp_path: Path
) -> None:
    task = _task(optimizer, image=kind.from_image(torch.rand(1, 3, _SIDE, _SIDE)))
    frozen = {name: tensor.clone() for name, tensor in task.encoder.state_dict().items()}
    targets = [buffer.clone() for buffer in task._objectives.buffers()]
    start = task()
    with torch.no_grad():
        first = task.views[0].objective(task.encoder(start), start)["total"].item()
    _fit(task, tmp_path, precision=precision)

    assert task.best.losses["total"] < 0.97 * first
    assert task.best.image is not None
    assert not torch.equal(task.best.image, start)
    assert task.best.image.dtype == torch.float32
    assert not task.best.image.requires_grad
    assert 0.0 <= task.best.image.min() <= task.best.image.max() <= 1.0
    for name, tensor in task.encoder.state_dict().items():
        assert torch.equal(tensor, frozen[name]), name
    assert all(torch.equal(a, b) for a, b in zip(targets, task._objectives.buffers(), strict=True))
    assert isinstance(task.encoder, _Encoder)
    assert task.encoder.seen[-1] == (torch.bfloat16 if precision == "bf16-mixed" else torch.float32)


def test_the_optimizer_has_the_image_alone() -> None:
    task = _task(_ADAM)
    (group,) = task.configure_optimizers().param_groups
    assert [id(parameter) for parameter in group["params"]] == [id(parameter) for parameter in task.image.parameters()]


def test_best_image_is_that_of_the_lowest_loss(tmp_path: Path) -> None:
    recorder = _Recorder()
    task = _fit(_task(PixelOptimizer("adam", 0.5), [AugmentedObjective(Shift(), recorder)], steps=12), tmp_path)
    best = min(range(len(recorder.losses)), key=recorder.losses.__getitem__)
    assert 0 < best < len(recorder.losses) - 1, "the last loss is the lowest, so this test shows nothing"
    assert task.best.losses == {"total": recorder.losses[best]}
    assert task.best.image is not None
    assert torch.equal(task.best.image, recorder.images[best])


def test_best_image__a_loss_that_is_no_number_is_none(tmp_path: Path) -> None:
    task = _fit(_task(_ADAM, [AugmentedObjective(Shift(), _Recorder(math.nan))], steps=2), tmp_path)
    assert task.best.image is None


class _Restless(_Recorder):
    """A goal that is another noise each time."""

    def __call__(self, features: Features, image: Tensor) -> dict[str, Tensor]:
        noise = torch.rand(image.shape, generator=torch.Generator().manual_seed(len(self.images)))
        self.images.append(image.detach().clone())
        return {"total": (image - 0.3 - 0.4 * noise).square().mean(), "style": features["layer"].mean()}


def test_averaging__the_mean_is_kept_shown_and_smoother(tmp_path: Path) -> None:
    recorder = _Restless()
    optimizer = PixelOptimizer("adam", 0.1, averaging=0.98)
    image = PixelImage.from_image(torch.full((1, 3, _SIDE, _SIDE), 0.5))
    task = _fit(_task(optimizer, [AugmentedObjective(Shift(), recorder)], image=image, steps=80), tmp_path)
    mean = RunningMean(0.98)
    for picture in recorder.images[:80]:
        mean.add(picture)
    assert mean.picture is not None
    assert task.best.image is not None
    torch.testing.assert_close(task.best.image, mean.picture)
    assert torch.equal(task(), task.best.image)
    assert task.best.image.std() < 0.5 * recorder.images[79].std()
    assert len(recorder.images) == 81, "the mean itself is evaluated once"
    assert torch.equal(recorder.images[80], task.best.image)
    assert task.best.losses.keys() == {"total", "style"}


def test_averaging__lbfgs_keeps_the_lowest(tmp_path: Path) -> None:
    recorder = _Recorder()
    task = _fit(_task(PixelOptimizer(averaging=0.99), [AugmentedObjective(Shift(), recorder)]), tmp_path)
    assert task.best.losses["total"] == min(recorder.losses)


def test_averaging__what_is_no_number_stays_out(tmp_path: Path) -> None:
    recorder = _Broken(math.nan, 4, 5)
    optimizer = PixelOptimizer("adam", 0.01, averaging=0.9)
    task = _fit(_task(optimizer, [AugmentedObjective(Shift(), recorder)], steps=14), tmp_path)
    assert task.best.image is not None
    assert task.best.image.isfinite().all()
    assert task.best.losses["total"] < recorder.losses[0]


def test_views_take_turns__the_last_one_stays(tmp_path: Path) -> None:
    recorders = [_Recorder() for _ in range(3)]
    views = [AugmentedObjective(Shift(index, 0), recorder) for index, recorder in enumerate(recorders)]
    _fit(_task(_ADAM, views, steps=8, hold=2), tmp_path)
    assert [len(recorder.losses) for recorder in recorders] == [2, 2, 4]


@pytest.mark.parametrize(("done", "changes"), [(3, [10]), (10, [10]), (13, [])])
def test_views__a_run_that_goes_on_keeps_what_lbfgs_knows_of_its_view(
    done: int, changes: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = [AugmentedObjective(Shift(), _Recorder()), AugmentedObjective(Shift(), _Recorder())]
    task = _task(PixelOptimizer(), seen, steps=16, hold=10, done=done)
    found: list[int] = []
    monkeypatch.setattr(ThriftyLBFGS, "objective_changed", lambda _: found.append(done + task.global_step))
    _fit(task, tmp_path)
    assert found == changes


def test_views__the_network_sees_the_picture_moved(tmp_path: Path) -> None:
    task = _task(
        _ADAM, [AugmentedObjective(Shift(), _Recorder()), AugmentedObjective(Shift(5, 3), _Recorder())], steps=2, hold=1
    )
    sizes = []
    task.encoder.register_forward_pre_hook(lambda _, images: sizes.append(images[0].shape[-2:]))
    _fit(task, tmp_path)
    assert sizes == [(_SIDE, _SIDE), (_SIDE + 5, _SIDE + 3)]


def test_views__lbfgs_forgets_the_loss_of_the_last_one(tmp_path: Path) -> None:
    bright, dark = _Recorder(0.9), _Recorder(0.1)
    task = _task(
        PixelOptimizer(), [AugmentedObjective(Shift(), bright), AugmentedObjective(Shift(), dark)], steps=20, hold=10
    )
    _fit(task, tmp_path)
    assert min(bright.losses) < 0.01
    assert dark.losses[0] == pytest.approx(0.64, abs=0.25), "the first thing it does is to look"
    assert min(dark.losses) < 0.7 * dark.losses[0]


def test_lbfgs__one_step_is_one_or_a_few_evaluations(tmp_path: Path) -> None:
    task = _fit(_task(PixelOptimizer(), steps=10), tmp_path)
    assert isinstance(task.encoder, _Encoder)
    assert 10 <= len(task.encoder.seen) - 2 <= 20  # two measured the targets
    assert task.global_step == 10


def test_the_same_seed_gives_the_same_picture(tmp_path: Path) -> None:
    first, second = (_fit(_task(PixelOptimizer()), tmp_path).best.image for _ in range(2))
    assert first is not None
    assert second is not None
    assert torch.equal(first, second)


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _fit(_task(_ADAM, steps=2), tmp_path)
    assert not list(tmp_path.iterdir())


def test_log__rows_are_numbered_from_the_first_step(tmp_path: Path) -> None:
    class Rows(pl.loggers.CSVLogger):
        """Keeps what it is given."""

        def log_metrics(self, metrics: Any, step: int | None = None) -> None:
            rows.append((step, sorted(name for name in metrics if name.startswith("loss"))))

    rows: list[tuple[int | None, list[str]]] = []
    trainer = pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=Rows(tmp_path),
        log_every_n_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    trainer.fit(_task(PixelOptimizer(), steps=3, first_step=10))
    losses = ("content", "content/layer", "style", "style/layer", "total", "total_variation")
    names = [f"loss/{name}" for name in losses]
    assert rows == [(step, names) for step in (10, 11, 12)]


class _Broken(_Recorder):
    """A `_Recorder` that is fooled once, or always, after some evaluations.

    Args:
        value: what the loss is multiplied by then.
        begin: number of the first wrong evaluation.
        end: number of the first one that is right again.
    """

    def __init__(self, value: float, begin: int, end: float = math.inf) -> None:
        super().__init__()
        self.value, self.begin, self.end = value, begin, end

    def __call__(self, features: Features, image: Tensor) -> dict[str, Tensor]:
        losses = super().__call__(features, image)
        wrong = self.begin <= len(self.losses) < self.end
        return {"total": losses["total"] * self.value} if wrong else losses


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e6])
@pytest.mark.parametrize(
    "optimizer", [PixelOptimizer(line_search=False), PixelOptimizer("adam", 0.01)], ids=lambda chosen: chosen.name
)
def test_trouble__back_to_the_best_picture_and_on(
    optimizer: PixelOptimizer, value: float, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = _Broken(value, 4, 5)
    task = _fit(_task(optimizer, [AugmentedObjective(Shift(), recorder)], steps=14), tmp_path)
    (record,) = (record for record in caplog.records if record.name.startswith("rnst"))
    assert "going on from the best picture" in record.getMessage()
    assert min(recorder.losses[5:]) < min(recorder.losses[:3]), "it went on, and got further"
    assert task.best.losses["total"] == min(recorder.losses[:3] + recorder.losses[4:])
    assert all(parameter.isfinite().all() for parameter in task.image.parameters())


def test_trouble__for_ever_ends_early_with_the_best_picture(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorder = _Broken(math.nan, 5)
    task = _fit(
        _task(PixelOptimizer(line_search=False), [AugmentedObjective(Shift(), recorder)], steps=50, hold=50), tmp_path
    )
    assert task.global_step < 15
    assert task.best.losses["total"] == min(recorder.losses[:4])
    assert task.best.image is not None
    assert torch.equal(task(), task.best.image)
    said = [record.getMessage() for record in caplog.records if record.name.startswith("rnst")]
    assert len(said) == 4
    assert "ending with the best picture" in said[-1]


@pytest.mark.parametrize("name", ["lbfgs", "adam"])
def test_trouble__an_exploding_learning_rate(
    name: Literal["lbfgs", "adam"], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = _Steep(0.53)
    image = PixelImage.from_image(torch.full((1, 3, _SIDE, _SIDE), 0.5))
    optimizer = PixelOptimizer(name, learning_rate=1e4, line_search=False)
    task = _fit(_task(optimizer, [AugmentedObjective(Shift(), recorder)], image=image, steps=40, hold=40), tmp_path)
    assert math.inf in recorder.losses
    assert task.best.losses["total"] < (recorder.losses[0] if name == "lbfgs" else math.inf)
    assert task.best.image is not None
    assert torch.equal(task(), task.best.image) or name == "lbfgs"
    assert any("NaN" in record.getMessage() for record in caplog.records)


def test_trouble__a_stall_in_bfloat16_ends_in_float32(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Coarse(nn.Module):
        """Under autocast its gradient points uphill, as one that consists of rounding errors may."""

        def forward(self, features: Features, image: Tensor) -> dict[str, Tensor]:
            rounded = features["layer"].dtype == torch.bfloat16
            total = (image - 0.6).square().mean()  # far from the knee, where pictures move slowly
            return {"total": 2.0 * total.detach() - total if rounded else total}

    task = _task(PixelOptimizer(), [AugmentedObjective(Shift(), Coarse())], steps=50, hold=50)
    with torch.no_grad():
        before = (task() - 0.6).square().mean().item()
    _fit(task, tmp_path, precision="bf16-mixed")
    assert isinstance(task.encoder, _Encoder)
    assert task.encoder.seen[0] == torch.bfloat16
    assert task.encoder.seen[-1] == torch.float32
    assert task.best.losses["total"] < 0.01 * before
    (record,) = (record for record in caplog.records if record.name.startswith("rnst"))
    assert "no longer changes" in record.getMessage()


class _Steep(_Recorder):
    """A valley between cliffs."""

    def __call__(self, features: Features, image: Tensor) -> dict[str, Tensor]:
        loss = torch.expm1(1e3 * super().__call__(features, image)["total"])
        self.losses[-1] = loss.item()
        return {"total": loss}


class _Stop(pl.Callback):
    """Presses Ctrl-C behind a step, and keeps the state as a file would."""

    def __init__(self, step: int, path: Path) -> None:
        self._step, self._path = step, path
        self.losses: list[float] = []

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: object) -> None:
        self.losses.append(pl_module.losses["total"])
        if trainer.global_step == self._step:
            State(0, self._step, pl_module.run_state(), {}, {}, 0.0).write(self._path)
            raise KeyboardInterrupt


_STEPS, _HOLD = 14, 4
_RUNS: dict[str, tuple[PixelOptimizer, type[_Recorder], int]] = {
    "lbfgs": (PixelOptimizer(history=3), _Recorder, _HOLD),
    "lbfgs, no line search": (PixelOptimizer(line_search=False), _Recorder, _HOLD),
    "lbfgs, restarts": (PixelOptimizer(learning_rate=1e4, line_search=False), _Steep, 100),
    "adam": (PixelOptimizer("adam", 0.05), _Recorder, _HOLD),
    "adam, mean": (PixelOptimizer("adam", 0.05, averaging=0.9), _Recorder, 1),
    "adam, mean, restarts": (PixelOptimizer("adam", 1e4, averaging=0.9), _Steep, _HOLD),
}


def _kept(task: ImageOptimization) -> dict[str, Any]:
    best = task.best
    assert best.image is not None
    return {
        "image": best.image,
        "parameters": [parameter.detach() for parameter in task.image.parameters()],
        "losses": best.losses,
        "first losses": best.first_losses,
        "policy": task._policy.state_dict(),
    }


@pytest.mark.parametrize("run", _RUNS)
def test_state__a_run_stopped_at_any_step_goes_on_as_if_it_had_not_been(
    run: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    optimizer, objective, hold = _RUNS[run]

    def begun(done: int) -> ImageOptimization:
        goals = (0.9, 0.2, 0.6, 0.3) if objective is _Recorder else (0.53,) * 4
        views = [AugmentedObjective(Shift(), objective(goal)) for goal in goals]
        noise = torch.rand(1, 3, _SIDE, _SIDE, generator=torch.Generator().manual_seed(1))
        image = FourierImage.from_image(noise) if objective is _Recorder else PixelImage.from_image(0.4 + 0.2 * noise)
        return _task(optimizer, views, image=image, steps=_STEPS, hold=hold, done=done)

    whole, watcher = begun(0), _Stop(-1, tmp_path)
    fit(_trainer(tmp_path, watcher), whole)
    expected, losses = _kept(whole), watcher.losses
    assert ("restarts" in run) == ("going on from the best picture" in caplog.text)
    for step in range(1, len(losses) + 1):
        stop = _Stop(step, tmp_path / "state")
        assert not fit(_trainer(tmp_path, stop), begun(0))
        rest, resumed = _Stop(-1, tmp_path), begun(step)
        resumed.load_run_state(State.read(tmp_path / "state").content)
        assert fit(_trainer(tmp_path, rest), resumed)
        assert repr([*stop.losses, *rest.losses]) == repr(losses), f"stopped after step {step}"
        torch.testing.assert_close(_kept(resumed), expected, rtol=0.0, atol=0.0, msg=f"stopped after step {step}")
