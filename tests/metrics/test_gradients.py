import math

import pytest
import torch

from rnst.metrics.gradients import gradient_coherence, gradient_high_frequencies


def test_white_noise() -> None:
    white = torch.randn(1, 3, 128, 128)
    assert gradient_coherence(white) == pytest.approx(1 / (2 * math.sqrt(math.pi)), abs=0.03)
    assert gradient_high_frequencies(white) == pytest.approx(1 - math.pi / 16, abs=0.01)


def test_smooth__and_ordered() -> None:
    line = torch.linspace(0.0, 2.0 * math.pi, 65)[:64]
    wave = line.sin().view(1, 1, 1, -1).expand(1, 3, 64, 64)
    assert gradient_coherence(wave) > 0.97
    assert gradient_high_frequencies(wave) < 1e-9
    mixed = wave + torch.randn(1, 3, 64, 64)
    assert gradient_coherence(torch.randn(1, 3, 64, 64)) < gradient_coherence(mixed) < gradient_coherence(wave)


def test_scale_and_offset_do_not_count__nothing_is_zero() -> None:
    gradient = torch.randn(1, 3, 32, 32)
    for measure in (gradient_coherence, gradient_high_frequencies):
        assert measure(1e-6 * gradient + 1e-6) == pytest.approx(measure(gradient), abs=1e-3)
        assert measure(torch.zeros(1, 3, 32, 32)) == 0.0
