import time
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from rnst.encoders.encoder import load_encoder
from rnst.encoders.names import find_network
from rnst.image.files import write_image
from rnst.optimization.tiles import whole
from rnst.optimization.tiling import Limits
from rnst.stylization.estimate import Estimate, TooLargeError, estimate, line_through, summary
from rnst.stylization.inputs import Inputs
from rnst.stylization.job import resolve
from rnst.stylization.regions import Region, Source
from rnst.stylization.scale_runner import ScaleRunner
from rnst.stylization.scales import Scale
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.stylize import stylize
from rnst.stylization.tiling import tiling_of_picture

_CPU = torch.device("cpu")


def test_check__advises_a_size_that_fits() -> None:
    Estimate(1.0, 3e9, 1e9, 4e9).check((4000, 3000), 4000)
    with pytest.raises(TooLargeError, match=r"3000 x 4000 pixels need about 16\.0 GB more, and 4\.0 GB are free. Lower "
                       r"--size to 2000 or less"):  # fmt: skip
        Estimate(1.0, 16e9, 1e9, 4e9).check((4000, 3000), 4000)
    with pytest.raises(TooLargeError, match="Lower --size to 1500 or less"):
        Estimate(1.0, 16e9, 1e9, 4e9).check((4000, 3000), 3000)  # the short side is what --size is


@pytest.mark.parametrize(("seconds", "shown"), [(40.0, "40 s"), (600.0, "10 min"), (9000.0, "2.5 h")])
def test_summary(seconds: float, shown: str) -> None:
    plan = [Scale((100, 200), 5, 0), Scale((200, 400), 5, 5)]
    line = summary(Limits(precision="fp32"), plan[-1].size, plan, Estimate(seconds, 2e9, 5e8, 9e9), _CPU)
    assert line.startswith("400 x 200 pixels, 2 scales of 5 steps on ")
    assert line.endswith(f" CPU threads in fp32: about {shown} and 2.5 GB")


def test_a_picture_that_cannot_fit_is_refused_before_anything_is_stylized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rnst.stylization.estimate.available_bytes", lambda _: 1e6)
    write_image(torch.rand(1, 3, 30, 40), Path("cat.png"))
    options: dict[str, Any] = {"weights": "random", "size": 64, "tracking": "off", "tile": 0}
    with pytest.raises(TooLargeError):
        stylize(content="cat.png", style="cat.png", output=Path("out.png"), console=Console(quiet=True), **options)
    assert not Path("out.png").exists()


def test_tiles_and_shifts_take_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the views are twice the time; tiles take as much longer as their grid says, and less memory."""
    monkeypatch.setattr("rnst.stylization.estimate._line", lambda *_: (0.0, 1e-6))
    encoder, _ = load_encoder(find_network("vgg11"), ["relu2_1"], weights="random")
    plan, found, grids = [Scale((300, 400), 10, 0)], {}, {}
    for name, options in {"whole": {"tile": 0}, "tiles": {"tile": 100}, "shifts": {"shifts_per_step": 2}}.items():
        layers: dict[str, Any] = {"style_layers": ["relu2_1"], "content_layers": ["relu2_1"]}
        job = resolve(StylizationSettings(**layers, **options, precision="fp32"))  # type: ignore[arg-type]
        tiling = tiling_of_picture(job.limits, job.look, job.augmentations, encoder)
        found[name] = estimate(job, encoder, plan, _CPU, tiling)
        grids[name] = tiling.grid((364, 464))
    grid = grids["tiles"]
    assert found["shifts"].seconds == pytest.approx(2 * found["whole"].seconds)
    assert found["tiles"].tiles == len(grid.tiles) > 9
    assert found["tiles"].seconds / found["whole"].seconds == pytest.approx(grid.cost(1) / whole(grid.size).cost(1))
    assert found["tiles"].seconds > 1.5 * found["whole"].seconds
    assert found["tiles"].needed < 0.7 * found["whole"].needed
    assert str(found["tiles"]).endswith(f"in {len(grid.tiles)} tiles")


def test_a_resumed_scale__only_the_steps_that_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnst.stylization.estimate._line", lambda *_: (0.0, 1e-6))
    encoder, _ = load_encoder(find_network("vgg11"), ["relu2_1"], weights="random")
    job = resolve(StylizationSettings(style_layers=["relu2_1"], content_layers=["relu2_1"], precision="fp32"))
    tiling = tiling_of_picture(job.limits, job.look, job.augmentations, encoder)
    all_, half, none = (
        estimate(job, encoder, [Scale((30, 40), 100, 0, done)], _CPU, tiling).seconds for done in (0, 50, 100)
    )
    assert all_ - half == pytest.approx(half - none)
    assert none < 0.1 * all_, "what is left is the measuring of targets"


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["resnet18", "vgg13"])
def test_time__within_a_factor_of_two(encoder: str) -> None:
    row = find_network(encoder)
    job = resolve(StylizationSettings(encoder=encoder, precision="fp32", tracking="off"))
    network, _ = load_encoder(row, job.look.layers, weights="random")
    content = torch.rand(1, 3, 150, 200)
    plan = [Scale((150, 200), 20, 0)]
    runner = ScaleRunner(job, network, Inputs(None, content, (Region((Source(content, 1.0),)),), content))
    expected = estimate(job, network, plan, _CPU, runner.tiling).seconds
    began = time.perf_counter()
    runner.optimize(plan[0], content, [], [])
    taken = time.perf_counter() - began
    assert expected / 2 < taken < expected * 2, f"{encoder}: expected {expected:.1f} s, took {taken:.1f} s"


def test_line__what_a_fast_device_spends_on_launching_is_not_taken_for_pixels() -> None:
    """An evaluation of 50 ms, and 1 s for each megapixel: at 2048 x 2048, 160 pixels alone say 12 times as much."""
    points = [(side**2, 0.05 + 1e-6 * side**2) for side in (160, 480)]
    assert line_through(points) == pytest.approx((0.05, 1e-6))
    assert line_through(points[:1]) == pytest.approx((0.0, points[0][1] / 160**2))
    assert line_through([(100, 2.0), (200, 1.0)]) == (0.0, 1.0 / 200), "noise that turned the line around"
    assert line_through([(100, 1.0), (200, 3.0)]) == (0.0, 3.0 / 200)
