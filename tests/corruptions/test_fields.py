import pytest
import torch

from rnst.corruptions.fields import clouds, ice


def _draw(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_clouds__cover_the_range_and_follow_the_seed() -> None:
    field = clouds(64, 64, 2.0, _draw(0))
    assert (float(field.min()), float(field.max())) == (0.0, 1.0)
    assert torch.equal(clouds(64, 64, 2.0, _draw(0)), field)
    assert not torch.equal(clouds(64, 64, 2.0, _draw(1)), field)
    assert clouds(50, 33, 2.0, _draw(0)).shape == (50, 33)


def test_clouds__are_smoother_at_a_higher_roughness_number() -> None:
    steps = [float(clouds(128, 128, number, _draw(3)).diff(dim=0).abs().mean()) for number in (1.4, 1.7, 2.0)]
    assert steps == sorted(steps, reverse=True)


def test_clouds__are_a_torus() -> None:
    field = clouds(64, 64, 2.0, _draw(2))
    within = float(field.diff(dim=0).abs().mean())
    assert float((field[0] - field[-1]).abs().mean()) < 2.0 * within


def test_ice__has_the_statistics_of_the_photos_that_it_stands_for() -> None:
    panes = [ice(128, 96, _draw(seed)) for seed in range(12)]
    means = torch.stack([pane.mean((1, 2)) for pane in panes])
    assert panes[0].shape == (3, 128, 96)
    assert bool((means[:, 0] < means[:, 1]).all())
    assert bool((means[:, 1] < means[:, 2]).all())
    assert float(means.min()) > 0.25
    assert float(means.max()) < 0.9
    assert float(means.std(0)[1]) > 0.05, "no two panes are alike"
    gray = torch.stack([pane.mean(0)[:96] for pane in panes])
    power = torch.fft.rfft2(gray - gray.mean((1, 2), keepdim=True)).abs().square().mean(0)
    frequency = torch.hypot(torch.fft.rfftfreq(96)[None], torch.fft.fftfreq(96)[:, None])
    octaves = [power[(frequency > low) & (frequency <= 2 * low)].mean() for low in (1 / 32, 1 / 16, 1 / 8, 1 / 4)]
    slope = float((octaves[-1] / octaves[0]).log2()) / 3
    assert slope == pytest.approx(-2.0, abs=0.7)
