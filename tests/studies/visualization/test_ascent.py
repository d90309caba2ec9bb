import pytest
import torch
from torch import Tensor, nn

from rnst.encoders.encoder import Encoder
from rnst.encoders.observed import Waking
from rnst.losses.units import Channel
from rnst.studies.visualization.ascent import ascend
from rnst.studies.visualization.settings import VisualizationSettings

_START = torch.full((2, 3, 16, 16), 0.5)
_BRIGHT = Channel("relu", 0)


def _network(passes: int, bias: float) -> Waking:
    """One unit that sees brightness, above a threshold."""
    convolution = nn.Conv2d(3, 1, 3)
    with torch.no_grad():
        convolution.weight.fill_(1 / 27)
        convolution.bias.fill_(bias)  # type: ignore[union-attr]
    network = nn.Sequential(convolution, nn.ReLU())
    return Waking(Encoder(network, {"relu": "1"}, [0.0] * 3, [1.0] * 3), passes)


def _value(network: Waking, image: Tensor) -> float:
    return float(_BRIGHT(network.as_it_is(image)).mean())


@pytest.mark.parametrize("optimizer", ["pgd", "adam"])
@pytest.mark.parametrize("priors", ["none", "fourier", "colors", "transforms", "all"])
def test_every_switch_climbs_and_stays_in_range(optimizer: str, priors: str) -> None:
    network = _network(0, 0.0)
    settings = VisualizationSettings(size=16 * 2, steps=6, optimizer=optimizer)  # type: ignore[arg-type]
    found = ascend(network, _BRIGHT, _START, settings, priors)
    assert found.shape == _START.shape
    assert float(found.min()) >= 0.0
    assert float(found.max()) <= 1.0
    assert _value(network, found) > _value(network, _START) + 0.01
    assert torch.equal(found, ascend(network, _BRIGHT, _START, settings, priors)), "the same seed, the same picture"


@pytest.mark.parametrize("optimizer", ["pgd", "adam"])
def test_a_dead_unit_wakes_where_gradients_are_redirected(optimizer: str) -> None:
    settings = VisualizationSettings(steps=12, step_size=0.5 if optimizer == "pgd" else 0.05, optimizer=optimizer)  # type: ignore[arg-type]
    asleep, awake = _network(0, -0.6), _network(12, -0.6)
    assert _value(asleep, ascend(asleep, _BRIGHT, _START, settings, "none")) == 0.0
    assert _value(awake, ascend(awake, _BRIGHT, _START, settings, "none")) > 0.0


def test_pictures_stay_in_their_ball_and_do_not_mix() -> None:
    network = _network(0, 0.0)
    settings = VisualizationSettings(steps=5, radius=0.3)
    start = torch.rand(2, 3, 16, 16)
    found = ascend(network, _BRIGHT, start, settings, "none")
    assert ((found - start).flatten(1).norm(dim=1) <= 0.3 + 1e-5).all()
    torch.testing.assert_close(found[:1], ascend(network, _BRIGHT, start[:1], settings, "none"))
