import pytest
import torch
from torch import Tensor, nn

from rnst.losses.conventions import relative_factor
from rnst.losses.perceptual import ContentLoss, GramLoss
from rnst.losses.regions import RegionalLoss
from rnst.losses.smoothing import Softened, SoftenedContentLoss, exponentials, softened
from rnst.losses.statistics import Moments, moments
from rnst.losses.wasserstein import WassersteinLoss
from tests.losses.added import added

_WHOLE = (slice(None), slice(None))


def _features(side: int = 6) -> Tensor:
    return 3 * torch.rand(1, 4, side, side + 1, dtype=torch.float64)


def _softmax(features: Tensor) -> Tensor:
    """Over all channels and places, as in the paper; the mean is 1 here."""
    return features.flatten().softmax(0).view_as(features) * features.numel()


def _measured(features: Tensor) -> Moments:
    return softened(moments(exponentials(features)))


def test_style__gram_matrix_of_the_softmax() -> None:
    target, features = _features(), _features(8)
    loss = Softened(GramLoss(_measured(target)))
    torch.testing.assert_close(loss(features), GramLoss(_softmax(target))(_softmax(features)))


def test_style__also_as_a_distribution() -> None:
    target, features = _features(), _features(8)
    loss = Softened(WassersteinLoss(_measured(target)))
    torch.testing.assert_close(loss(features), WassersteinLoss(_softmax(target))(_softmax(features)))


def test_content__difference_of_the_softmax() -> None:
    target, features = _features(), _features()
    expected = ContentLoss(_softmax(target))(_softmax(features))
    torch.testing.assert_close(SoftenedContentLoss(target)(features), expected)
    assert SoftenedContentLoss(target)(target).item() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("shift", [-5.0, 7.0])
def test_a_constant_does_not_matter(shift: float) -> None:
    target, features = _features(), _features()
    for loss in (Softened(GramLoss(_measured(target))), SoftenedContentLoss(target)):
        torch.testing.assert_close(loss(features + shift), loss(features))


@pytest.mark.parametrize("kind", ["style", "content"])
def test_gradient(kind: str) -> None:
    target = _features(3)
    style = Softened(GramLoss(_measured(target)))
    loss: nn.Module = style if kind == "style" else SoftenedContentLoss(target)
    assert torch.autograd.gradcheck(loss, [_features(3).requires_grad_()])


def test_halves_add_up() -> None:
    target, features = _features(), _features()
    style, content = Softened(GramLoss(_measured(target))), SoftenedContentLoss(target)
    windows = [(slice(None), slice(0, 3)), (slice(None), slice(3, None))]
    for loss in (style, content):
        first, second = (loss.statistics(features[(..., *window)], window) for window in windows)
        torch.testing.assert_close(loss.distance(added(first, second)), loss(features))


def test_regions_take_it() -> None:
    loss = Softened(GramLoss(_measured(_features())))
    features = _features(6)
    regions = RegionalLoss([loss], [torch.ones(1, 1, 6, 7, dtype=torch.float64)])
    torch.testing.assert_close(regions(features), loss(features))


@pytest.mark.parametrize("size", [25.0, 90.0, 1e4])
def test_large_activations__finite_with_gradients(size: float) -> None:
    features = (size * torch.rand(1, 8, 16, 16)).requires_grad_()
    target = torch.rand(1, 8, 16, 16)
    for loss in (Softened(GramLoss(_measured(target))), SoftenedContentLoss(target)):
        value = loss(features)
        (gradient,) = torch.autograd.grad(value, features)
        assert value.isfinite()
        assert gradient.isfinite().all()


def test_exponentials__smooth_where_they_turn_linear() -> None:
    around = torch.tensor([29.999, 30.001], dtype=torch.float64, requires_grad=True)
    values = exponentials(around)
    (slopes,) = torch.autograd.grad(values.sum(), around)
    size = torch.tensor(30.0, dtype=torch.float64).exp()
    torch.testing.assert_close(values / size, torch.tensor([0.999, 1.001]).double(), atol=1e-5, rtol=0)
    torch.testing.assert_close(slopes / size, torch.tensor([0.999, 1.0]).double(), atol=1e-5, rtol=0)


def test_autocast__float32() -> None:
    target, features = _features().float(), _features().float()
    losses = [Softened(GramLoss(_measured(target))), SoftenedContentLoss(target, relative_factor)]
    expected = [loss(features) for loss in losses]
    with torch.autocast("cpu", torch.bfloat16):
        for loss, value in zip(losses, expected, strict=True):
            assert torch.equal(loss(features), value)
            assert loss(features.bfloat16()).dtype == torch.float32
