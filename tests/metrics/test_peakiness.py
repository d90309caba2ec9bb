import pytest
import torch

from rnst.metrics.peakiness import peak, softmax_entropy


def test_even_activation__full_entropy_and_no_peak() -> None:
    even = torch.full((2, 3, 4, 5), 7.0)
    torch.testing.assert_close(softmax_entropy(even), torch.ones(2, dtype=torch.float64))
    torch.testing.assert_close(peak(even), torch.ones(2, dtype=torch.float64))


def test_tower__no_entropy_and_a_peak_as_high_as_there_are_values() -> None:
    tower = torch.zeros(1, 3, 4, 5)
    tower[0, 1, 2, 3] = 1000.0
    assert softmax_entropy(tower).item() < 1e-6
    assert peak(tower).item() == pytest.approx(60.0)
    assert peak(0.0 * tower).item() == 0.0, "a dead layer"


def test_two_towers__half_of_the_entropy_of_four_values() -> None:
    values = torch.tensor([1000.0, 1000.0, 0.0, 0.0]).view(1, 1, 2, 2)
    assert softmax_entropy(values).item() == pytest.approx(0.5)


def test_scale__moves_the_entropy_and_not_the_peak() -> None:
    features = torch.rand(1, 4, 5, 6)
    assert peak(features * 10).item() == pytest.approx(peak(features).item())
    assert softmax_entropy(features * 10).item() < softmax_entropy(features).item() - 0.01
