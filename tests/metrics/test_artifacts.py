import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from rnst.errors import InvalidValueError
from rnst.metrics.artifacts import (
    CHECKERBOARD,
    COLUMNS,
    ROWS,
    high_frequency_fraction,
    high_pass,
    noise_sigma,
    nyquist_excess_db,
    overlap_cv,
    phase_cv,
)

FREQUENCIES = (COLUMNS, ROWS, CHECKERBOARD)


def _gray(values: Tensor) -> Tensor:
    return values.float().expand(1, 3, *values.shape[-2:])


def _noise(side: int = 256, deviation: float = 0.05) -> Tensor:
    return 0.5 + deviation * torch.randn(side, side)


def _wave(frequency: tuple[float, float], side: int = 256) -> Tensor:
    index = torch.arange(side)
    return torch.cos(2.0 * math.pi * (frequency[0] * index[:, None] + frequency[1] * index[None, :]))


@pytest.mark.parametrize("place", FREQUENCIES)
def test_excess_is_at_the_right_frequency_only(place: tuple[float, float]) -> None:
    plain, image = _noise(), _noise() + 0.02 * _wave(place)
    for frequency in FREQUENCIES:
        assert abs(nyquist_excess_db(_gray(plain), frequency)) < 2.0
        excess = nyquist_excess_db(_gray(image), frequency)
        assert excess > 10.0 if frequency == place else abs(excess) < 2.0


def test_excess_of_period_four_is_seen_where_it_is() -> None:
    image = _gray(_noise() + 0.02 * _wave((0.0, 0.25)))
    assert nyquist_excess_db(image, (0.0, 0.25)) > 10.0
    assert abs(nyquist_excess_db(image, COLUMNS)) < 2.0


def test_excess_grows_with_amplitude_and_not_with_contrast() -> None:
    noise, wave = _noise(), _wave(COLUMNS)
    weak, strong = (nyquist_excess_db(_gray(noise + amplitude * wave), COLUMNS) for amplitude in (0.02, 0.04))
    assert strong - weak == pytest.approx(6.0, abs=1.0)  # twice the amplitude
    faded = 0.5 + 0.5 * (noise + 0.02 * wave - 0.5)
    assert nyquist_excess_db(_gray(faded), COLUMNS) == pytest.approx(weak, abs=0.01)


def test_excess_is_relative_to_the_neighborhood() -> None:
    across = torch.fft.rfftfreq(256).clamp_min(1.0 / 256)
    falling = torch.fft.irfft(torch.fft.rfft(torch.randn(256, 256)) / across**2)
    # The whole spectrum's median lies 10 dB above the power at half a cycle.
    assert abs(nyquist_excess_db(_gray(falling / falling.std()), COLUMNS)) < 5.0


def test_rows_and_columns_swap_with_the_picture() -> None:
    image = _gray(_noise(96) + 0.02 * _wave(ROWS, 96))
    assert nyquist_excess_db(image, ROWS) == pytest.approx(nyquist_excess_db(image.mT, COLUMNS))


def test_excess_of_smooth_and_flat_pictures_is_nothing() -> None:
    ramp = torch.linspace(0.0, 1.0, 128).expand(128, 128)
    for image in (torch.full((128, 128), 0.3), ramp):
        assert abs(nyquist_excess_db(_gray(image), CHECKERBOARD)) < 0.5


def test_excess_needs_a_whole_segment() -> None:
    with pytest.raises(InvalidValueError, match="at least 64 px"):
        nyquist_excess_db(torch.rand(1, 3, 63, 100))


@pytest.mark.parametrize("shape", [(256, 256), (200, 311)])
def test_white_noise_has_the_area_outside_of_the_circle(shape: tuple[int, int]) -> None:
    image = _gray(torch.randn(shape))
    assert high_frequency_fraction(image) == pytest.approx(1.0 - math.pi / 16.0, abs=0.02)
    assert high_frequency_fraction(image, above=0.5) == pytest.approx(1.0 - math.pi / 4.0, abs=0.02)


@pytest.mark.parametrize(("frequency", "fraction"), [((0.0, 0.2), 0.0), ((0.2, 0.2), 1.0), ((0.3, 0.0), 1.0)])
def test_waves_fall_on_their_side_of_the_circle(frequency: tuple[float, float], fraction: float) -> None:
    assert high_frequency_fraction(_gray(0.5 + 0.2 * _wave(frequency))) == pytest.approx(fraction, abs=1e-3)


def test_flat_picture_has_no_high_frequencies() -> None:
    # The mean of equal numbers may be off by a rounding error, which is white noise.
    for value in (0.1, 0.3, 0.5, 0.7):
        assert high_frequency_fraction(torch.full((1, 3, 33, 57), value)) == 0.0


@pytest.mark.parametrize("deviation", [0.01, 0.1])
def test_noise_is_measured_on_top_of_shading(deviation: float) -> None:
    shading = torch.linspace(-0.3, 0.3, 256)[:, None] * torch.linspace(0.5, 1.0, 256)[None, :]
    assert noise_sigma(_gray(shading + _noise(256, deviation))) == pytest.approx(deviation, rel=0.03)


def test_high_pass_is_the_mask_of_immerkaer() -> None:
    mask = torch.tensor([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]], dtype=torch.float64)
    values = torch.rand(20, 30)
    expected = F.conv2d(values.double()[None, None], mask[None, None])[0, 0]
    np.testing.assert_allclose(high_pass(_gray(values)), expected.numpy(), atol=1e-6)


@pytest.mark.parametrize(
    ("kernel", "stride", "expected"),
    [(7, 2, 0.203), (3, 2, 0.484), (1, 2, math.sqrt(3.0)), (11, 4, 0.22), (2, 2, 0.0), (4, 2, 0.0), (8, 2, 0.0)],
)
def test_overlap_of_kernels_follows_the_closed_form(kernel: int, stride: int, expected: float) -> None:
    cotangents = torch.randn(64, 4, 48, 48)
    weights = torch.randn(4, 1, kernel, kernel)
    # Fresh white weights for each sample would need a loop; the kernels' own unevenness is averaged out over pairs.
    gradients = [F.conv_transpose2d(cotangents[i : i + 1], torch.randn_like(weights), stride=stride) for i in range(64)]
    inner = torch.cat(gradients)[..., 2 * kernel : -2 * kernel, 2 * kernel : -2 * kernel]
    assert phase_cv(inner.double().numpy(), stride) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(
    ("kernel", "stride", "expected"),
    [(7, 2, 0.203), (3, 2, 0.484), (1, 2, math.sqrt(3.0)), (11, 4, 0.224), (2, 2, 0.0), (8, 2, 0.0), (5, 1, 0.0)],
)
def test_overlap_cv__of_known_layers(kernel: int, stride: int, expected: float) -> None:
    assert overlap_cv(kernel, stride) == pytest.approx(expected, abs=1e-3)


def test_phase_cv_of_one_position_and_of_none() -> None:
    signal = np.zeros((17, 19))
    assert phase_cv(signal, 4) == 0.0
    signal[::4, ::4] = 1.0
    assert phase_cv(signal, 4) == pytest.approx(math.sqrt(15.0))
    assert phase_cv(signal, 1) == 0.0


@pytest.mark.parametrize("stride", [0, 18])
def test_phase_cv_refuses_a_stride_that_does_not_fit(stride: int) -> None:
    with pytest.raises(InvalidValueError, match="stride"):
        phase_cv(np.zeros((17, 19)), stride)
