import pytest
import torch
from torch import Tensor

from rnst.attacks.ball import L2Ball
from rnst.image.color import DecorrelatedColor
from rnst.image.parameters import frequency_scale
from rnst.optimization.prior_ball import PriorBall

_COLORS = DecorrelatedColor().matrix
_BALLS = [PriorBall(0.7, 1.0), PriorBall(0.7, None, _COLORS), PriorBall(0.7, 1.0, _COLORS)]
balls = pytest.mark.parametrize("ball", _BALLS, ids=["fourier", "colors", "both"])
_SHAPE = (3, 3, 9, 8)


def _drawn(ball: PriorBall, parameters: Tensor) -> Tensor:
    """A p, written down once more."""
    if ball.decay is not None:
        scale = frequency_scale(_SHAPE[-2:], ball.decay).squeeze(-1)
        parameters = torch.fft.irfft2(torch.fft.rfft2(parameters) * scale, s=_SHAPE[-2:])
    return parameters if ball.colors is None else torch.einsum("ij,njhw->nihw", ball.colors, parameters)


def test_without_priors_it_is_an_l2_ball() -> None:
    delta, plain, ball = torch.randn(_SHAPE), L2Ball(0.7), PriorBall(0.7)
    torch.testing.assert_close(ball.steepest(delta), plain.steepest(delta))
    torch.testing.assert_close(ball.project(delta), plain.project(delta))


@balls
def test_steepest__is_the_normalized_gradient_step_of_the_parameters(ball: PriorBall) -> None:
    parameters = torch.randn(_SHAPE, requires_grad=True)
    gradient = torch.randn(_SHAPE)
    (pulled,) = torch.autograd.grad((_drawn(ball, parameters) * gradient).sum(), parameters)
    torch.testing.assert_close(ball.steepest(gradient), _drawn(ball, L2Ball(1.0).steepest(pulled)))


@balls
def test_project__inside_and_idempotent(ball: PriorBall) -> None:
    sizes = torch.tensor([0.5, 1.0, 3.0]).view(-1, 1, 1, 1)
    parameters = 0.7 * sizes * L2Ball(1.0).steepest(torch.randn(_SHAPE))
    inside = ball.project(_drawn(ball, parameters))
    torch.testing.assert_close(inside, _drawn(ball, parameters * (1.0 / sizes).clamp_max(1.0)), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ball.project(inside), inside, atol=1e-5, rtol=1e-4)


@balls
def test_batch_equals_singles(ball: PriorBall) -> None:
    delta = torch.randn(_SHAPE)
    for operation in (ball.project, ball.steepest):
        singles = torch.cat([operation(delta[i : i + 1]) for i in range(len(delta))])
        torch.testing.assert_close(operation(delta), singles, atol=1e-6, rtol=1e-4)


def test_fourier_steps_are_smooth() -> None:
    step = PriorBall(1.0, 1.0).steepest(torch.randn(1, 3, 64, 64))
    white = L2Ball(1.0).steepest(torch.randn(1, 3, 64, 64))

    def grain(delta: Tensor) -> float:
        return float((delta[..., 1:] - delta[..., :-1]).square().mean() / delta.square().mean())

    assert grain(white) == pytest.approx(2.0, rel=0.1)
    assert grain(step) < 0.2 * grain(white)
