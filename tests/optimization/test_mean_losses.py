from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from rnst.image.transforms import Shift, shifts_around
from rnst.optimization.mean_losses import mean_losses

Measure = Callable[[Tensor], dict[str, Tensor]]


def _measure(power: int) -> Measure:
    return lambda image: {"style": image.mean(), "total": image.pow(power).sum()}


def test_values_and_gradient_are_the_mean_of_all() -> None:
    image = torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    measures = [_measure(power) for power in (1, 2, 3)]
    losses = mean_losses(measures, image * 2)
    (3 * losses["total"]).backward()
    found, image.grad = image.grad, None
    expected = torch.stack([measure(image * 2)["total"] for measure in measures]).mean()
    (3 * expected).backward()
    torch.testing.assert_close(losses["total"], expected)
    torch.testing.assert_close(losses["style"], (image * 2).mean())
    torch.testing.assert_close(found, image.grad)
    assert not losses["style"].requires_grad


def test_one_is_left_as_it_is() -> None:
    image = torch.rand(1, 3, 4, 5, requires_grad=True)
    losses = mean_losses([_measure(2)], image)
    assert losses["style"].requires_grad


def test_the_backward_pass_of_losses_in_float32_stays_in_float32() -> None:
    image, mixing = torch.rand(1, 3, 8, 8, requires_grad=True), torch.randn(3, 3)

    def measure(own: Tensor) -> dict[str, Tensor]:
        with torch.autocast("cpu", enabled=False):
            mixed = mixing @ own.flatten(2)[0]
            return {"total": (mixed @ mixed.T).square().sum()}

    gradients: list[Tensor] = []
    for count in (1, 2):
        with torch.autocast("cpu", torch.bfloat16):
            total = mean_losses([measure] * count, image)["total"]
        gradients += torch.autograd.grad(total, image)
    assert torch.equal(*gradients)


def test_without_a_way_back() -> None:
    image = torch.rand(1, 3, 4, 5, requires_grad=True)
    with torch.no_grad():
        losses = mean_losses([_measure(1), _measure(2)], image)
    assert not losses["total"].requires_grad


@pytest.mark.parametrize(("count", "even"), [(1, False), (2, False), (4, True), (6, False), (8, True), (16, True)])
def test_four_shifts_cancel_what_a_stride_of_two_prints(count: int, even: bool) -> None:  # noqa: FBT001 - a parameter
    """3x3 windows at stride 2 see some pixels once, some twice, some four times."""
    image = torch.rand(1, 1, 24, 24, requires_grad=True)

    def measure(shift: Shift) -> Measure:
        return lambda own: {"total": F.avg_pool2d(shift(own), 3, 2).sum()}

    mean_losses([measure(shift) for shift in shifts_around(Shift(3, 5), count)], image)["total"].backward()
    assert image.grad is not None
    inside = image.grad[..., 6:-6, 6:-6]
    assert (inside.std() < 1e-6) == even
