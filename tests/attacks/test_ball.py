import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from rnst.attacks.ball import Ball, L2Ball, LinfBall
from rnst.errors import InvalidValueError

_RADIUS = 0.7
_BALLS = [L2Ball(_RADIUS), LinfBall(_RADIUS)]
_SHAPES = [(4, 3, 8, 6), (8, 3, 8, 8), (5, 7), (3, 2, 5)]  # among them: batch equal to height and width
_DTYPES = [torch.float32, torch.float64]

balls = pytest.mark.parametrize("ball", _BALLS, ids=lambda ball: ball.norm)
shapes = pytest.mark.parametrize("shape", _SHAPES, ids=str)
dtypes = pytest.mark.parametrize("dtype", _DTYPES, ids=str)


def _norm(ball: Ball, delta: Tensor) -> Tensor:
    flat = delta.flatten(1)
    return flat.norm(dim=1) if isinstance(ball, L2Ball) else flat.abs().amax(1)


@balls
@shapes
@dtypes
def test_project__inside_nearest_and_idempotent(ball: Ball, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    delta = torch.randn(shape, dtype=dtype) * torch.linspace(0.0, 3.0, shape[0]).to(dtype).view(
        -1, *[1] * len(shape[1:])
    )
    inside = ball.project(delta)
    assert inside.dtype == dtype
    assert (_norm(ball, inside) <= _RADIUS * (1 + 1e-5)).all()
    torch.testing.assert_close(ball.project(inside), inside)
    was_inside = _norm(ball, delta) <= _RADIUS
    assert torch.equal(inside[was_inside], delta[was_inside])
    # No other point of the ball is nearer to what was projected.
    others = ball.random_start(delta)
    assert ((delta - inside).flatten(1).norm(dim=1) <= (delta - others).flatten(1).norm(dim=1) + 1e-5).all()


@balls
@shapes
def test_batch_equals_singles(ball: Ball, shape: tuple[int, ...]) -> None:
    delta = torch.randn(shape)
    for operation in (ball.project, ball.steepest):
        singles = torch.cat([operation(delta[i : i + 1]) for i in range(len(delta))])
        torch.testing.assert_close(operation(delta), singles)


@balls
def test_channels_last_equals_contiguous(ball: Ball) -> None:
    delta = torch.randn(4, 3, 8, 6)
    for operation in (ball.project, ball.steepest):
        torch.testing.assert_close(operation(delta.to(memory_format=torch.channels_last)), operation(delta))
    start = ball.random_start(delta.to(memory_format=torch.channels_last))
    assert (_norm(ball, start) <= _RADIUS * (1 + 1e-5)).all()


def test_steepest__l2_is_parallel_to_the_gradient_and_of_unit_length() -> None:
    gradient = torch.randn(6, 3, 5, 5)
    direction = L2Ball(1.0).steepest(gradient)
    torch.testing.assert_close(direction.flatten(1).norm(dim=1), torch.ones(6))
    cosine = torch.cosine_similarity(direction.flatten(1), gradient.flatten(1))
    torch.testing.assert_close(cosine, torch.ones(6))


def test_steepest__linf_is_the_sign() -> None:
    gradient = torch.tensor([[10.0, -1.0, 0.0]])
    assert torch.equal(LinfBall(1.0).steepest(gradient), torch.tensor([[1.0, -1.0, 0.0]]))


@balls
def test_steepest__no_gradient_is_no_step(ball: Ball) -> None:
    assert torch.equal(ball.steepest(torch.zeros(2, 3, 4, 4)), torch.zeros(2, 3, 4, 4))


@balls
@dtypes
@pytest.mark.parametrize("shape", [(4000, 2), (4000, 1, 2, 2)], ids=str)
def test_random_start__uniform_in_the_ball(ball: Ball, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    start = ball.random_start(torch.empty(shape, dtype=dtype))
    assert start.dtype == dtype
    # In d dimensions, the d-th power of the norm of a uniform point is uniform.
    shares = ((_norm(ball, start) / _RADIUS) ** math.prod(shape[1:])).sort().values
    expected = torch.linspace(0.0, 1.0, len(shares), dtype=dtype)
    assert (shares - expected).abs().max() < 1.95 / math.sqrt(len(shares))  # Kolmogorov and Smirnov at 0.1 %
    standard_error = _RADIUS / math.sqrt(len(start))
    assert (start.mean(0).abs() < 4 * standard_error).all()  # no preferred direction


def test_scaled__an_l2_norm_grows_with_the_image_a_maximum_does_not() -> None:
    assert L2Ball(_RADIUS).scaled(0.5) == L2Ball(_RADIUS * 0.5)
    assert LinfBall(_RADIUS).scaled(0.5) == LinfBall(_RADIUS)
    change = torch.full((1, 3, 8, 8), 0.1)
    for ball in (L2Ball(change.norm().item()), LinfBall(0.1)):
        doubled = torch.full((1, 3, 16, 16), 0.1)
        torch.testing.assert_close(ball.scaled(2.0).project(doubled * 3), doubled, msg="the same strength per pixel")


@balls
def test_negative_radius_is_refused(ball: Ball) -> None:
    with pytest.raises(InvalidValueError, match="radius"):
        replace(ball, radius=-1.0)


@balls
def test_radius_zero_allows_nothing(ball: Ball) -> None:
    none, delta = replace(ball, radius=0.0), torch.randn(3, 3, 4, 4)
    assert torch.equal(none.project(delta), torch.zeros_like(delta))
    assert torch.equal(none.random_start(delta), torch.zeros_like(delta))


@pytest.mark.parametrize("ball", [L2Ball, LinfBall])
@pytest.mark.parametrize("radius", [-1.0, math.nan, math.inf])
def test_a_radius_that_is_no_length__is_refused(ball: type[Ball], radius: float) -> None:
    with pytest.raises(InvalidValueError, match=r"ball\.radius"):
        ball(radius)


def test_a_linf_radius_in_levels__is_refused_and_translated() -> None:
    with pytest.raises(InvalidValueError, match=r"8\.0.*at most 1.*8 of 255 levels is 0\.031373"):
        LinfBall(8.0)


@pytest.mark.parametrize("ball", [L2Ball(2.0), LinfBall(0.25)])
def test_project__leaves_what_is_inside_where_it_is(ball: Ball) -> None:
    """Half of the radius in a random direction, in few dimensions and in many."""
    for size in (2, 7):
        inside = 0.5 * ball.radius * ball.steepest(torch.randn(5, 3, size, size))
        assert torch.equal(ball.project(inside), inside)
