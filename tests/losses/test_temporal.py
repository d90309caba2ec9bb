import pytest
import torch
from torch import Tensor

from rnst.losses.objective import Objective, Weights
from rnst.losses.perceptual import ContentLoss
from rnst.losses.temporal import TemporalObjective


def _objective(features: Tensor) -> Objective:
    return Objective({}, {"layer": ContentLoss(features)}, Weights(1.0, 2.0, 0.0))


def _temporal(stylized: Tensor, photos: tuple[Tensor, Tensor], weight: float) -> TemporalObjective:
    torch.manual_seed(0)
    return TemporalObjective(_objective(torch.rand(1, 4, 3, 3)), stylized, photos, weight)


def test_still__is_held_to_the_last_stylized_frame() -> None:
    photo, stylized, image = torch.rand(3, 1, 3, 6, 8)
    features = {"layer": torch.rand(1, 4, 3, 3)}
    temporal = _temporal(stylized, (photo, photo), 7.0)
    parts, without = temporal(features, image), temporal.objective(features, image)
    torch.testing.assert_close(parts["temporal"], (image - stylized).square().mean())
    torch.testing.assert_close(parts["total"], without["total"] + 7.0 * parts["temporal"])
    assert torch.equal(parts["content"], without["content"])
    assert temporal(features, stylized)["temporal"] == 0


def test_moved__is_free() -> None:
    photo, stylized, image = torch.rand(3, 1, 3, 6, 8)
    then = photo.clone()
    then[..., :4] = 1 - then[..., :4].round()
    image.requires_grad_()
    temporal = _temporal(stylized, (then, photo.round()), 1.0)
    still = temporal.still[0, 0]
    assert (still[:, :4] < 1e-6).all()
    loss = temporal.distance(temporal.statistics({"layer": torch.rand(1, 4, 3, 3)}), image)["temporal"]
    (gradient,) = torch.autograd.grad(loss, image)
    assert (gradient[..., :4].abs() < 1e-6).all()


@pytest.mark.parametrize(("change", "expected"), [(0.0, 1.0), (0.03, 0.3679), (0.1, 1.5e-5)])
def test_weight__falls_with_the_change_of_the_photo(change: float, expected: float) -> None:
    photo = torch.full((1, 3, 4, 4), 0.5)
    temporal = _temporal(photo, (photo, photo + change), 1.0)
    torch.testing.assert_close(temporal.still, torch.full((1, 1, 4, 4), expected), rtol=1e-2, atol=1e-6)
