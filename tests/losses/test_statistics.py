import numpy as np
import pytest
import torch

from rnst.losses.statistics import moments
from tests.losses.added import added


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_moments__oracle(dtype: torch.dtype) -> None:
    features = torch.randn(1, 5, 6, 7, dtype=dtype)
    found = moments(features)
    columns = features.double().numpy().reshape(5, 42)
    assert found.count == 42.0
    assert found.outer.dtype == found.total.dtype == dtype
    np.testing.assert_allclose(found.total, columns.sum(1), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.outer, columns @ columns.T, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.gram, columns @ columns.T / 42, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("cut", [1, 4])
def test_moments__additive_over_parts(axis: int, cut: int) -> None:
    features = torch.randn(1, 4, 8, 9, dtype=torch.float64)
    extent = features.shape[axis]
    one, other = (moments(part) for part in torch.split(features, [cut, extent - cut], axis))
    both, whole = added(one, other), moments(features)
    assert both.count == whole.count
    torch.testing.assert_close(both.total, whole.total)
    torch.testing.assert_close(both.outer, whole.outer)
    torch.testing.assert_close(both.gram, whole.gram)


def test_moments__order_of_positions_does_not_matter() -> None:
    features = torch.randn(1, 4, 6, 6, dtype=torch.float64)
    shuffled = features.flatten(2)[..., torch.randperm(36)].view(1, 4, 6, 6)
    torch.testing.assert_close(moments(shuffled).gram, moments(features).gram)


def test_gram__symmetric_and_positive() -> None:
    gram = moments(torch.randn(1, 6, 5, 5, dtype=torch.float64)).gram
    torch.testing.assert_close(gram, gram.T)
    assert torch.linalg.eigvalsh(gram).min() > -1e-12


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision__sums_in_float32_also_under_autocast(dtype: torch.dtype) -> None:
    features = torch.full((1, 2, 64, 64), 16.0, dtype=dtype)  # 64 * 64 * 16 ** 2 is beyond float16
    with torch.autocast("cpu", torch.bfloat16):
        found = moments(features)
    assert found.outer.dtype == torch.float32
    assert found.outer.tolist() == [[2.0**20, 2.0**20]] * 2


def test_layout__does_not_matter() -> None:
    features = torch.randn(1, 4, 6, 5)
    torch.testing.assert_close(moments(features.to(memory_format=torch.channels_last)).outer, moments(features).outer)
