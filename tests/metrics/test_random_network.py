import numpy as np
import pytest
import torch
from torch.nn import functional as F

from rnst.errors import InvalidValueError
from rnst.metrics.random_network import CHANNELS, SEEDS, SMALLEST_SIDE, filters, layer_statistics


def test_weights_are_the_documented_ones() -> None:
    first, second, third = filters(1)
    # A change of these figures changes every style distance ever reported.
    assert first.flatten()[:3].tolist() == pytest.approx([0.318572, 0.25807, -0.069208], abs=1e-6)
    assert second.flatten()[:3].tolist() == pytest.approx([0.088037, 0.129043, 0.138186], abs=1e-6)
    assert third.flatten()[-3:].tolist() == pytest.approx([0.243403, -0.034597, 0.061345], abs=1e-6)


def test_weights_do_not_depend_on_global_generators() -> None:
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002 - the global generator is what must not matter
    before = filters(3)
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002 - see above
    assert all(torch.equal(*pair) for pair in zip(before, filters(3), strict=True))


def test_weights_are_normal_with_the_variance_of_he() -> None:
    scaled = torch.cat(
        [weight.flatten() * (weight[0].numel() / 2) ** 0.5 for seed in SEEDS for weight in filters(seed)]
    )
    assert scaled.mean().item() == pytest.approx(0.0, abs=0.02)
    assert scaled.std().item() == pytest.approx(1.0, abs=0.01)
    assert (scaled**4).mean().item() == pytest.approx(3.0, abs=0.1)


def test_seeds_give_different_networks() -> None:
    assert not any(torch.equal(filters(1)[0], filters(seed)[0]) for seed in SEEDS[1:])


def test_statistics_are_those_of_the_features() -> None:
    image = torch.rand(1, 3, 300, 310)  # more pixels than one block
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    features = (image - mean.view(1, 3, 1, 1)) / deviation.view(1, 3, 1, 1)
    for weight, found in zip(filters(2), layer_statistics(image, 2), strict=True):
        features = F.relu(F.conv2d(features, weight))
        values = features[0].flatten(1).double()
        torch.testing.assert_close(found.mean, values.mean(1))
        torch.testing.assert_close(found.covariance, torch.cov(values, correction=0))
        features = F.avg_pool2d(features, 2)


def test_smallest_picture_works_and_a_smaller_one_is_refused() -> None:
    side = SMALLEST_SIDE
    assert [len(layer.mean) for layer in layer_statistics(torch.rand(1, 3, side, side), 1)] == list(CHANNELS)
    with pytest.raises(InvalidValueError, match="at least 18 px"):
        layer_statistics(torch.rand(1, 3, side, side - 1), 1)
