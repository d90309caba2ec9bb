import pytest
import torch

from rnst.losses.balance import balance, evened
from rnst.losses.objective import Objective, Weights
from rnst.losses.perceptual import ContentLoss, GramLoss


def test_all_layers_pull_alike() -> None:
    features = {"a": torch.rand(1, 3, 6, 6), "b": 100 * torch.rand(1, 5, 3, 3)}
    style = {layer: GramLoss(torch.rand_like(found)) for layer, found in features.items()}
    content = {"b": ContentLoss(torch.rand(1, 5, 3, 3))}
    before = [balance(style, features), balance(content, features)]
    norms = [*before[0].values(), *before[1].values()]
    of_style, of_content = evened(*before)
    leaves = {layer: found.clone().requires_grad_() for layer, found in features.items()}
    for kind, losses, weights in (("style", style, of_style), ("content", content, of_content)):
        for layer, loss in losses.items():
            (gradient,) = torch.autograd.grad(weights[layer] * loss(leaves[layer]), leaves[layer])
            expected = torch.tensor(norms).log().mean().exp().item()
            assert gradient.abs().sum().item() == pytest.approx(expected, rel=1e-4), (kind, layer)


def test_a_layer_without_gradient_keeps_its_weight() -> None:
    features = {"a": torch.rand(1, 3, 4, 4), "b": torch.rand(1, 3, 4, 4)}
    losses = {"a": ContentLoss(features["a"]), "b": ContentLoss(torch.rand(1, 3, 4, 4))}
    (weights,) = evened(balance(losses, features))
    assert weights == {"a": 1.0, "b": pytest.approx(1.0)}
    assert evened({"a": 0.0}) == [{"a": 1.0}]


def test_it_stays_an_objective() -> None:
    """Weights are numbers: the gradient of the balanced objective is that of its value."""
    features = {"a": torch.rand(1, 3, 3, 3, dtype=torch.float64)}
    style = {"a": GramLoss(torch.rand(1, 3, 3, 3, dtype=torch.float64))}
    (weights,) = evened(balance(style, features))
    objective = Objective(style, {}, Weights(1.0, 0.0, 0.0, weights))
    image = torch.zeros(1, 3, 4, 4, dtype=torch.float64)
    found = features["a"].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda leaf: objective({"a": leaf}, image)["total"], [found])


def test_under_no_grad() -> None:
    with torch.no_grad():
        norms = balance({"a": GramLoss(torch.rand(1, 2, 3, 3))}, {"a": torch.rand(1, 2, 3, 3)})
    assert norms["a"] > 0
