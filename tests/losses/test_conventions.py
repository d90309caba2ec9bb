"""Each convention against its closed form, written out in NumPy and float64 as its source has it."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from rnst.errors import UnknownNameError
from rnst.losses.conventions import CONVENTIONS, find_convention
from rnst.losses.objective import Objective, Weights
from rnst.losses.perceptual import ContentLoss, GramLoss

Array = npt.NDArray[np.float64]
_SHAPES = {"a": (6, 8, 9), "b": (11, 4, 5), "c": (3, 2, 6)}


def _features() -> dict[str, Tensor]:
    return {layer: torch.rand(1, *shape, dtype=torch.float64) for layer, shape in _SHAPES.items()}


def _columns(features: Tensor) -> Array:
    columns: Array = features.squeeze(0).flatten(1).numpy()
    return columns


def _raw_gram(features: Tensor) -> Array:
    columns = _columns(features)
    gram: Array = columns @ columns.T
    return gram


def _gatys2015_style(found: Tensor, target: Tensor) -> float:
    channels, positions = _columns(found).shape
    return float(((_raw_gram(found) - _raw_gram(target)) ** 2).sum() / (4 * channels**2 * positions**2))


def _neural_style_style(found: Tensor, target: Tensor) -> float:
    size = found.numel()
    return float(np.mean((_raw_gram(found) / size - _raw_gram(target) / size) ** 2))


def _gatys_torch_style(found: Tensor, target: Tensor) -> float:
    channels, positions = _columns(found).shape
    difference = _raw_gram(found) / positions - _raw_gram(target) / positions
    return float(1e3 / channels**2 * np.mean(difference**2))


def _mean_square(found: Tensor, target: Tensor) -> float:
    return float(np.mean((found.numpy() - target.numpy()) ** 2))


def _half_sum(found: Tensor, target: Tensor) -> float:
    return float(((found.numpy() - target.numpy()) ** 2).sum() / 2)


def _relative_style(found: Tensor, target: Tensor) -> float:
    gram, wanted = (_raw_gram(one) / _columns(one).shape[1] for one in (found, target))
    return float(((gram - wanted) ** 2).sum() / (wanted**2).sum())


def _relative_content(found: Tensor, target: Tensor) -> float:
    return float(((found.numpy() - target.numpy()) ** 2).sum() / (target.numpy() ** 2).sum())


# Name -> style and content loss of one layer, and whether layers are added.
_CLOSED_FORMS = {
    "relative": (_relative_style, _relative_content, False),
    "nakano": (_neural_style_style, _mean_square, True),
    "gatys2015": (_gatys2015_style, _half_sum, False),
    "neural-style": (_neural_style_style, _mean_square, True),
    "gatys-torch": (_gatys_torch_style, _mean_square, True),
}


def test_every_convention_has_its_closed_form() -> None:
    assert _CLOSED_FORMS.keys() == CONVENTIONS.keys()


@pytest.mark.parametrize("name", CONVENTIONS)
def test_closed_form(name: str) -> None:
    convention, (style_of, content_of, adds) = find_convention(name), _CLOSED_FORMS[name]
    assert convention.adds_layers == adds
    targets, found = _features(), _features()
    for layer in _SHAPES:
        loss = GramLoss(targets[layer], convention.style_factor)
        assert loss(found[layer]).item() == pytest.approx(style_of(found[layer], targets[layer]), rel=1e-12)
        content = ContentLoss(targets[layer], convention.content_factor)
        assert content(found[layer]).item() == pytest.approx(content_of(found[layer], targets[layer]), rel=1e-12)


def test_unknown__lists_all() -> None:
    with pytest.raises(
        UnknownNameError, match=r"'gatys'; .*valid: relative, nakano, gatys2015, neural-style, gatys-torch"
    ):
        find_convention("gatys")


def test_total_variation_of_neural_style() -> None:
    """There, pixels are bytes, and absolute differences of neighbors are added."""
    image = torch.rand(1, 3, 5, 7, dtype=torch.float64)
    pixels = 255 * image.numpy()
    expected = np.abs(np.diff(pixels, axis=2)).sum() + np.abs(np.diff(pixels, axis=3)).sum()
    found = Objective({}, {}, Weights(0.0, 0.0, 1.0, absolute_variation=True))({}, image)
    assert found["total_variation"].item() == pytest.approx(expected)
    assert CONVENTIONS["neural-style"].absolute_variation
