import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from rnst.encoders import observed
from rnst.errors import InvalidValueError
from rnst.losses import units
from rnst.losses.activations import Activation, EachItsOwn, minimized
from rnst.losses.units import LOGITS, Channel, Closeness, DeepDream, Direction, Neuron

Features = dict[str, Tensor]

_ALL: list[Activation] = [
    Channel("maps", 2),
    Channel(LOGITS, 1),
    Neuron("maps", 1, (0, 3)),
    Neuron("maps", 0),
    Direction("maps", {0: 3.0, 2: -4.0}),
    Direction("maps", {0: 1.0, 1: 1.0}, cosine_power=2.0),
    Direction(LOGITS, {0: 1.0, 3: 2.0}),
    DeepDream("maps"),
    Closeness("maps", torch.ones(1, 4, 5, 6)),
    Channel("maps", 1) + 0.5 * Channel(LOGITS, 0),
    Channel("maps", 1) - Channel("maps", 2),
    -Neuron("maps", 0),
    DeepDream("maps") * (2.0 * DeepDream("maps")),
]
every = pytest.mark.parametrize("activation", _ALL, ids=lambda activation: type(activation).__name__)


@pytest.fixture
def features() -> Features:
    return {"maps": torch.randn(3, 4, 5, 6), LOGITS: torch.randn(3, 4)}


@every
def test_one_sign__what_minimizes_the_minimized_raises_every_activation(
    activation: Activation, features: Features
) -> None:
    leaves = {name: value.requires_grad_() for name, value in features.items()}
    total = minimized(activation)(leaves, torch.zeros(1))["total"]
    before = activation(leaves)
    assert before.shape == (3,)
    torch.testing.assert_close(total, -before.sum())
    total.backward()
    length = math.sqrt(sum(float(leaf.grad.square().sum()) for leaf in leaves.values() if leaf.grad is not None))
    after = {
        name: leaf.detach() - (1e-3 / length) * leaf.grad if leaf.grad is not None else leaf.detach()
        for name, leaf in leaves.items()
    }
    assert (activation(after) > before).all()


@every
def test_batch_equals_singles_and_layers_are_named(activation: Activation, features: Features) -> None:
    seen = {layer: features[layer] for layer in activation.layers}
    singles = [activation({layer: value[i : i + 1] for layer, value in seen.items()}) for i in range(3)]
    torch.testing.assert_close(activation(seen), torch.cat(singles))


def test_closed_forms(features: Features) -> None:
    maps = features["maps"]
    torch.testing.assert_close(Channel("maps", 2)(features), maps[:, 2].mean((1, 2)))
    torch.testing.assert_close(Neuron("maps", 1, (0, 3))(features), maps[:, 1, 0, 3])
    torch.testing.assert_close(Neuron("maps", 1)(features), maps[:, 1, 2, 3])
    torch.testing.assert_close(DeepDream("maps")(features), maps.square().mean((1, 2, 3)))
    unit = torch.tensor([0.6, 0.0, -0.8, 0.0])
    projected = torch.einsum("nchw,c->nhw", maps, unit)
    direction = Direction("maps", {0: 3.0, 2: -4.0})
    torch.testing.assert_close(direction(features), projected.mean((1, 2)))
    cosine = (projected / maps.norm(dim=1)).clamp_min(0.1)
    powered = Direction("maps", {0: 3.0, 2: -4.0}, cosine_power=2.0)
    torch.testing.assert_close(powered(features), (projected * cosine**2).mean((1, 2)))
    close = Closeness("maps", maps[1:2])(features)
    assert close[1] == 0.0
    torch.testing.assert_close(close[0], -(maps[0] - maps[1]).norm() / maps[1].norm())


def test_each_its_own(features: Features) -> None:
    wanted = [Channel("maps", 0), DeepDream("maps"), Channel(LOGITS, 3)]
    found = EachItsOwn(wanted)(features)
    for number, activation in enumerate(wanted):
        torch.testing.assert_close(found[number], activation(features)[number])


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda: Channel("maps", 4), "below 4"),
        (lambda: Channel("maps", -1), "below 4"),
        (lambda: Neuron("maps", 0, (5, 0)), "below 5,6"),
        (lambda: Neuron(LOGITS, 0), "layer of maps"),
        (lambda: Direction("maps", {7: 1.0}), "below 4"),
    ],
)
def test_what_is_not_there(make: Callable[[], Activation], wanted: str, features: Features) -> None:
    with pytest.raises(InvalidValueError, match=wanted):
        make()(features)


def test_both_sides_call_the_head_the_same() -> None:
    assert units.LOGITS == observed.LOGITS
