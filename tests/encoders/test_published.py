import re
from itertools import pairwise

import pytest
import torch

from rnst.encoders.catalog import build_classifier, weights_address
from rnst.encoders.names import ARCHITECTURES, encoder_names, find_network
from rnst.encoders.published import PUBLISHED

_RADII = ("0", "0.01", "0.03", "0.05", "0.1", "0.25", "0.5", "1", "3", "5")


def test_all_radii_of_the_resnets_and_both_of_the_others() -> None:
    families = ("resnet18", "resnet50", "wide_resnet50_2", "wide_resnet50_4")
    wanted = {f"{family}_l2_eps{radius}" for family in families for radius in _RADII}
    others = ("densenet", "mnasnet", "mobilenet", "resnext50_32x4d", "shufflenet", "vgg16_bn")
    wanted |= {f"{family}_l2_eps{radius}" for family in others for radius in (0, 3)}
    wanted |= {f"{family}_linf_eps{radius}" for family in families[:3] for radius in ("0.5", "1", "2", "4", "8")}
    wanted |= {"restricted_resnet50_l2_eps3", "restricted_resnet50_standard"}
    assert set(PUBLISHED) == wanted
    assert wanted <= set(encoder_names())


def test_rows_are_complete() -> None:
    for name, row in PUBLISHED.items():
        network = find_network(name)
        assert (network.architecture, network.source, network.licence) == (row.architecture, "published", row.licence)
        assert row.architecture in ARCHITECTURES
        assert row.url.startswith("https://")
        assert re.fullmatch(r"[0-9a-f]{64}|", row.sha256), name
        assert weights_address(network) == (row.url, row.sha256)
        assert row.licence
        if row.data == "ImageNet":
            assert row.accuracy is not None
            assert 0.4 < row.accuracy < 0.8
    hashes = [row.sha256 for row in PUBLISHED.values() if row.sha256]
    assert len(hashes) == len(set(hashes)) > 30


def test_accuracy_falls_with_the_radius() -> None:
    """Of the published table too; a number that is in the wrong place shows here."""
    for family in {row.family for row in PUBLISHED.values() if row.accuracy is not None}:
        stated = [row.accuracy or 0.0 for row in PUBLISHED.values() if row.family == family]
        assert all(later < earlier + 0.005 for earlier, later in pairwise(stated)), family


def test_radii_in_pixel_units() -> None:
    assert PUBLISHED["resnet50_l2_eps0.25"].radius == 0.25
    assert PUBLISHED["resnet50_linf_eps4"].radius == pytest.approx(4 / 255)
    assert PUBLISHED["resnet50_linf_eps4"].url.endswith("/resnet50_linf_eps4.0.ckpt")
    assert PUBLISHED["restricted_resnet50_l2_eps3"].radius == 3.0


@pytest.mark.parametrize("architecture", sorted({row.architecture for row in PUBLISHED.values()}))
def test_every_architecture_can_be_built(architecture: str) -> None:
    with torch.device("meta"):
        network = build_classifier(architecture, 1000)
        assert network.eval()(torch.empty(1, 3, 64, 64)).shape == (1, 1000)


def test_wide_resnet50_4__inner_channels_four_times_those_of_resnet50() -> None:
    with torch.device("meta"):
        plain, wide = build_classifier("resnet50", 10), build_classifier("wide_resnet50_4", 10)
    shapes = {name: tensor.shape for name, tensor in wide.state_dict().items()}
    assert shapes.keys() == plain.state_dict().keys()
    assert shapes["layer3.0.conv2.weight"] == (1024, 1024, 3, 3)
    assert shapes["layer3.0.conv3.weight"][0] == plain.state_dict()["layer3.0.conv3.weight"].shape[0]
