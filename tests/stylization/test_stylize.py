import io
import signal
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console
from torch import Tensor

from rnst.encoders.catalog import build_classifier
from rnst.encoders.weights.files import sha256_of, write_weights
from rnst.errors import InvalidValueError, MissingPathError, RnstError, UnknownNameError, UnreadableFileError
from rnst.image.files import read_image, read_picture, reduced, resize, to_bytes, write_image
from rnst.results import Result, snapshots_of
from rnst.stylization.inputs import read_inputs
from rnst.stylization.job import resolve
from rnst.stylization.progress import StylizationProgress
from rnst.stylization.scale_runner import ScaleRunner
from rnst.stylization.schedule import AugmentationSchedule
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.stylize import stylize
from tests.offline_runs import read_run, run_folders


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, size in (("cat", (30, 40)), ("waves", (44, 36))):
        write_image(torch.rand(1, 3, *size), tmp_path / f"{name}.png")
    for name in ("WANDB_API_KEY", "WANDB_MODE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def _settings(**options: Any) -> StylizationSettings:
    tiny = {
        "content": "cat.png",
        "style": "waves.png",
        "output": Path("new/out.png"),
        "encoder": "resnet18",
        "weights": "random",
        "size": 48,
        "supersample": 1.0,
        "steps": 2,
        "scales": 1,
        "shifts": 2,
        "style_layers": ["stem", "layer1"],
        "content_layers": ["layer1"],
        "precision": "fp32",
    }
    return StylizationSettings(**{**tiny, **options})


def _stylize(**options: Any) -> tuple[Result, str]:
    written = io.StringIO()
    return stylize(_settings(**options), console=Console(file=written, width=200)).result, written.getvalue()


def test_picture_and_sidecar_are_complete() -> None:
    result, shown = _stylize(scales=2, style_layers=None, content_layers=None)
    assert result.image == Path("new/out.png")
    assert sorted(path.name for path in Path("new").iterdir()) == ["out.json", "out.png"]
    assert read_image(result.image).shape == (1, 3, 36, 48)
    assert Result.read(result.sidecar) == result
    assert (result.content, result.styles, result.encoder) == ("cat", ("waves",), "resnet18")
    assert (result.size, result.weights_sha256) == ((48, 36), "")
    assert result.seconds > 0
    assert result.peak_memory_bytes > 1 << 20
    assert {"total", "style", "content", "total_variation"} == result.losses.keys()
    expected = _settings(
        scales=2,
        style_weight=15.0,
        content_weight=1.0,
        tv_weight=5.0,
        style_loss="w2",
        learning_rate=1.0,
        fourier_decay=0.3,
        init="content",
        style_layers=["layer1", "layer2", "layer3"],
        style_layer_weights=[3.0, 1.0, 0.3],
        style_weights=[1.0],
        content_layers=["layer2"],
        content_layer_weights=[1.0],
        group="cat in the style of waves",
        tile=0,
        sequence=False,
        sequence_weight=0.0,
        flow="still",
    )
    sources = {"content_path": "../cat.png", "style_paths": ["../waves.png"]}
    assert dict(result.settings) == {**expected.as_dict(), **sources}, "what was not set is as it was used"
    hashes = {"content": [sha256_of(Path("cat.png"))], "style": [sha256_of(Path("waves.png"))]}
    assert result.sources_sha256 == hashes
    assert "4/4" in shown


def test_the_same_seed_gives_the_same_picture() -> None:
    pictures = [read_image(_stylize(seed=seed, init="noise")[0].image) for seed in (1, 1, 2)]
    assert torch.equal(pictures[0], pictures[1])
    assert not torch.equal(pictures[0], pictures[2])


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
@pytest.mark.parametrize("encoder", ["resnet18", "vgg11"])
def test_precision(encoder: str, precision: str) -> None:
    layers = {"style_layers": ["relu1_1"], "content_layers": ["relu2_1"]} if encoder == "vgg11" else {}
    result, _ = _stylize(encoder=encoder, precision=precision, **layers)
    assert all(0.0 <= loss < 1e3 for loss in result.losses.values())


def test_weights__a_file_and_its_hash() -> None:
    write_weights(Path("net.safetensors"), build_classifier("resnet18", 5).state_dict(), {"radius": 2.0})
    result, _ = _stylize(weights="net.safetensors")
    assert result.weights_sha256 == sha256_of(Path("net.safetensors"))


def test_save_every__only_the_pictures_of_this_run() -> None:
    of_the_user = Path("new/out_00003.png")
    write_image(torch.rand(1, 3, 30, 40), of_the_user)
    image = _stylize(steps=3, scales=1, save_every=2)[0].image
    assert [step for step, _ in snapshots_of(image)] == [2]
    _stylize(steps=1, scales=1)
    assert snapshots_of(image) == []
    assert of_the_user.is_file()


def test_save_every__pictures_of_all_scales() -> None:
    _stylize(steps=3, scales=2, save_every=2)
    names = [f"out_{step:05d}.png" for step in (2, 4, 6)]
    assert sorted(path.name for path in Path("new").glob("*.png")) == sorted(["out.png", *names])
    assert read_image(Path("new/out_00002.png")).shape == (1, 3, 26, 34)
    assert read_image(Path("new/out_00004.png")).shape == (1, 3, 36, 48)


@pytest.mark.parametrize(
    "options",
    [{"colors": "luminance"}, {"content_mask": ["left.png"]}, {"content": "cutout.png", "colors": "luminance"}],
    ids=["colors kept", "masks", "transparency"],
)
def test_what_is_seen_meanwhile_is_what_will_be_saved(options: dict[str, Any]) -> None:
    """Snapshots and reports have the colors, the free parts and the transparency of the photo, as the result has."""
    photo = torch.rand(1, 3, 30, 40)
    write_image(photo, Path("cat.png"))
    left = torch.zeros(1, 3, 30, 40)
    left[..., :20] = 1.0
    write_image(left, Path("left.png"))
    Image.fromarray(np.dstack([to_bytes(photo), np.full((30, 40), 128, np.uint8)])).save("cutout.png")
    reported: list[Tensor] = []
    settings = _settings(**{"save_every": 2, **options})
    stylize(settings, console=Console(quiet=True), on_step=lambda _step, image, _losses: reported.append(image))
    job = resolve(settings)
    inputs = read_inputs(job.pictures, job.resolution)
    saved = read_picture(Path("new/out_00002.png"))
    torch.testing.assert_close(saved.image, reported[1], rtol=0.0, atol=0.51 / 255)
    finished_again = inputs.finished(reported[1], settings.colors)
    assert (finished_again - reported[1]).abs().mean() < 1e-3, "but for colors that had to be clipped"
    assert (saved.alpha is None) == (inputs.photo is None or inputs.photo.alpha is None)
    if settings.content_mask:
        free = resize(photo, (36, 48))[..., 26:]
        torch.testing.assert_close(saved.image[..., 26:], free, rtol=0.0, atol=1.01 / 255)


@pytest.mark.parametrize("init", ["content", "style", "noise", "start.png"])
def test_init(init: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(torch.rand(1, 3, 20, 20), Path("start.png"))
    starts = []
    optimize = ScaleRunner.optimize

    def remembering(runner: ScaleRunner, scale: Any, start: Any, *rest: Any) -> Any:
        starts.append(start)
        return optimize(runner, scale, start, *rest)

    monkeypatch.setattr(ScaleRunner, "optimize", remembering)
    _stylize(init=init, seed=3)
    noise = 0.4 + 0.2 * torch.rand(1, 3, 36, 48, generator=torch.Generator().manual_seed(3))
    files = {"content": "cat.png", "style": "waves.png", "start.png": "start.png"}
    expected = resize(read_image(Path(files[init])), (36, 48)) if init in files else noise
    torch.testing.assert_close(resize(starts[0], (36, 48)), expected)


def test_scales__each_begins_with_the_picture_of_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = []
    optimize = ScaleRunner.optimize

    def remembering(runner: ScaleRunner, scale: Any, start: Any, *rest: Any) -> Any:
        stylized = optimize(runner, scale, start, *rest)
        pictures.append((start, stylized.image))
        return stylized

    monkeypatch.setattr(ScaleRunner, "optimize", remembering)
    result, _ = _stylize(scales=3, size=64)
    assert len(pictures) == 3
    for (_, coarse), (start, _) in pairwise(pictures):
        assert torch.equal(start, coarse)
    torch.testing.assert_close(read_image(result.image), pictures[-1][1], rtol=0.0, atol=0.51 / 255)


def _interrupted_after(calls: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, and Ctrl-C after so many calls of it."""
    made = []

    def interrupting(*arguments: Any) -> Any:
        made.append(1)
        if len(made) > calls:
            raise KeyboardInterrupt
        return function(*arguments)

    return interrupting


@pytest.mark.parametrize(("step", "size"), [(3, (48, 36)), (7, (48, 36)), (2, (34, 26))], ids=str)
def test_interrupt__keeps_the_best_picture(step: int, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    scales, steps = (1, 9) if size == (48, 36) else (2, 5)
    hook = "on_train_batch_end"
    monkeypatch.setattr(StylizationProgress, hook, _interrupted_after(step - 1, StylizationProgress.on_train_batch_end))
    result, shown = _stylize(steps=steps, scales=scales)
    assert "stopped; keeping the best picture so far" in shown
    assert result.size == size
    assert read_image(result.image).shape[-2:] == (size[1], size[0])
    assert Result.read(result.sidecar).losses["total"] > 0


def test_interrupt__before_the_second_scale_has_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AugmentationSchedule, "of", _interrupted_after(1, AugmentationSchedule.of))
    result, shown = _stylize(scales=2)
    assert "stopped" in shown
    assert result.size == (34, 26), "the picture of the first scale is kept"
    assert result.sidecar.is_file()


def test_interrupt__before_there_is_any_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        StylizationProgress, "on_train_start", _interrupted_after(0, StylizationProgress.on_train_start)
    )
    with pytest.raises(KeyboardInterrupt):
        _stylize()
    assert not Path("new/out.png").exists()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"content": "dog.png"}, MissingPathError),
        ({"style": "dog.png"}, MissingPathError),
        ({"init": "dog.png"}, MissingPathError),
        ({"weights": "dog.pth"}, MissingPathError),
        ({"content": "text.jpg"}, UnreadableFileError),
        ({"encoder": "resnet17"}, UnknownNameError),
        ({"style_layers": ["relu4_2"]}, UnknownNameError),
        ({"content_layers": ["relu4_2"]}, UnknownNameError),
    ],
    ids=str,
)
def test_mistakes__found_before_anything_is_written(options: dict[str, Any], error: type[RnstError]) -> None:
    Path("text.jpg").write_text("this is a text")
    with pytest.raises(error):
        _stylize(tracking="wandb", **options)
    assert not Path("new").exists()


def test_tracking__an_offline_run_tells_it_all() -> None:
    result, _ = _stylize(tracking="wandb", steps=2, scales=2, save_every=2)
    (folder,) = run_folders(Path("new"))
    run = read_run(folder)
    assert run.finished
    assert (run.group, run.job_type, run.tags) == ("cat in the style of waves", "stylize", ("resnet18", "cat", "waves"))
    assert run.name == "cat x waves | resnet18 | w15"
    assert run.config["pictures"]["content"] == "cat"
    told = {name: value for part in run.config.values() for name, value in part.items()}
    assert {name: told[name] for name in ("encoder", "style_weight", "size", "shifts")} == {
        name: result.settings[name] for name in ("encoder", "style_weight", "size", "shifts")
    }
    rows = [row for row in run.history if "loss/total" in row]
    assert [row["trainer/global_step"] for row in rows] == [0, 1, 2, 3, 4]
    losses = {"loss/style", "loss/content", "loss/total_variation", "loss/style/stem", "loss/content/layer1"}
    assert losses <= rows[0].keys()
    evaluations = run.column("optim/evaluations")
    assert evaluations == sorted(evaluations), "counted over both scales"
    assert [row["trainer/global_step"] for row in run.history if "picture" in row] == [1, 3, 4]
    assert rows[-1]["loss/total"] == pytest.approx(result.losses["total"]), "the last row is that of the picture"
    assert rows[-1]["perf/seconds"] == result.seconds
    assert rows[-1]["perf/peak_memory_bytes"] == result.peak_memory_bytes
    assert len(run.column("input/content")) == len(run.column("input/style")) == 1


def test_sidecar__has_the_curves_of_the_losses() -> None:
    result, _ = _stylize(steps=3, scales=2)
    assert result.curves.keys() == {"step", "total", "style", "content"}
    assert result.curves["step"] == [1, 2, 3, 4, 5, 6]
    assert all(len(values) == 6 for values in result.curves.values())
    assert Result.read(result.sidecar).curves == result.curves


def test_options_outrank_settings_and_every_step_is_reported() -> None:
    steps = []

    def report(step: int, image: Tensor, losses: Mapping[str, float]) -> None:
        steps.append((step, tuple(image.shape), set(losses)))

    console = Console(quiet=True)
    image, result = stylize(_settings(), console=console, on_step=report, size=64, scales=2, output=Path("new/api.png"))
    names = {"total", "style", "content", "total_variation"}
    sizes = [(1, 3, 34, 45), (1, 3, 34, 45), (1, 3, 48, 64), (1, 3, 48, 64)]
    assert steps == [(number + 1, size, names) for number, size in enumerate(sizes)]
    assert result.size == (64, 48)
    torch.testing.assert_close(read_image(result.image), image, rtol=0.0, atol=0.51 / 255)
    with pytest.raises(TypeError, match="stile"):
        stylize(stile="waves.png")


def test_supersample__is_optimized_large_and_delivered_at_the_size_asked_for() -> None:
    """The result is the larger picture, reduced: strokes keep their size, since the style grows with the picture."""
    large = stylize(_settings(size=96, output=Path("new/large.png")), console=Console(quiet=True)).image
    result, shown = _stylize(supersample=2.0)
    assert (result.size, large.shape) == ((48, 36), (1, 3, 72, 96))
    expected = reduced(large, (36, 48))
    assert (read_image(result.image) - expected).abs().max() <= 0.5 / 255 + 1e-6
    assert "48 x 36 pixels, optimized at 96 x 72, 2 steps" in shown


def test_supersample__keeps_transparency_masks_and_the_luminance_of_colors() -> None:
    photo = torch.rand(1, 4, 30, 40)
    Image.fromarray((photo[0].permute(1, 2, 0) * 255).to(torch.uint8).numpy(), "RGBA").save("glass.png")
    left = torch.zeros(1, 3, 36, 48)
    left[..., :24] = 1.0
    write_image(left, Path("left.png"))
    masks = {"content_mask": ["left.png"], "style": "waves.png"}
    result, _ = _stylize(content="glass.png", supersample=1.5, save_every=1, colors="luminance", **masks)
    written, whole = read_picture(result.image), read_picture(Path("glass.png"))
    assert written.alpha is not None
    assert whole.alpha is not None
    assert torch.allclose(written.alpha, resize(whole.alpha, (36, 48)), atol=1 / 255)
    photo_there = resize(whole.image, (36, 48))[..., 30:]
    seen = written.alpha[..., 30:] > 0.5
    assert ((written.image[..., 30:] - photo_there).abs() * seen).max() <= 1 / 255, "outside the mask is the photo"
    snapshot = read_picture(Path("new/out_00001.png"))
    assert snapshot.size == (36, 48)


@pytest.mark.parametrize(
    ("optimizer", "stops"),
    [
        ("lbfgs", (1, 6, 11)),
        ("adam", (3, 6, 12)),
        pytest.param("lbfgs", tuple(range(1, 13)), marks=pytest.mark.slow),
    ],
    ids=["lbfgs", "adam", "lbfgs at every step"],
)
def test_resume__goes_on_as_if_it_had_not_been_stopped(
    stops: tuple[int, ...], optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal anywhere: within a scale, before another augmentation or scale, behind the last step."""
    monkeypatch.setattr("rnst.stylization.job.STEPS_OF_AN_AUGMENTATION", 2)
    monkeypatch.setattr("rnst.stylization.picture.scores_of", lambda *given: dict(given[-1].first_losses))
    options: dict[str, Any] = {"steps": 6, "scales": 2, "supersample": 1.5, "optimizer": optimizer, "init": "noise"}
    console = Console(quiet=True)
    whole = stylize(_settings(output=Path("new/whole.png"), **options), console=console)
    for step in stops:

        def stop(number: int, _image: Tensor, _losses: Mapping[str, float], *, last: int = step) -> None:
            if number == last:
                signal.raise_signal(signal.SIGTERM if last % 2 else signal.SIGINT)

        stopped = stylize(_settings(**options), console=console, on_step=stop)
        assert not stopped.result.finished
        steps = list[int]()

        def remember(number: int, *_: object, into: list[int] = steps) -> None:
            into.append(number)

        resumed = stylize(_settings(**options), resume=True, console=console, on_step=remember)
        assert steps == list(range(step + 1, 13)), f"stopped after step {step}"
        assert torch.equal(resumed.image, whole.image), f"stopped after step {step}"
        assert resumed.result.losses == whole.result.losses
        assert resumed.result.scores == whole.result.scores, "they compare with the first picture of the first session"
        assert resumed.result.seconds > stopped.result.seconds
        assert resumed.result.finished
        assert not list(Path("new").glob("*.state*")), "a finished picture leaves no state"


def test_resume__refuses_other_settings_and_what_is_no_state() -> None:
    def stop(*_: Any) -> None:
        signal.raise_signal(signal.SIGINT)

    stylize(_settings(), console=Console(quiet=True), on_step=stop)
    with pytest.raises(InvalidValueError, match=r"--size is 64, but must be 48, as in the stopped run"):
        _stylize(resume=True, size=64)
    photo = Path("cat.png").read_bytes()
    write_image(torch.rand(1, 3, 30, 40), Path("cat.png"))
    with pytest.raises(InvalidValueError, match=r"--resume is 'true', but must be false: files"):
        _stylize(resume=True)
    Path("cat.png").write_bytes(photo)
    Path("new/out.state.safetensors").write_text("this is a text")
    with pytest.raises(UnreadableFileError, match="state of a stopped picture"):
        _stylize(resume=True)


def test_resume__without_a_state_starts_at_the_beginning() -> None:
    assert _stylize(resume=True)[0].finished
