import math

import pytest
import torch
from torch import Tensor

from rnst.losses.objective import Objective, Weights
from rnst.losses.perceptual import ContentLoss, GramLoss
from rnst.losses.regularizers import total_variation
from tests.losses.added import added


def _features() -> dict[str, Tensor]:
    return {layer: torch.rand(1, 3, side, side, dtype=torch.float64) for layer, side in (("a", 6), ("b", 4), ("c", 2))}


def test_parts_and_their_weighted_sum() -> None:
    targets, features, image = _features(), _features(), torch.rand(1, 3, 8, 8, dtype=torch.float64)
    style = {layer: GramLoss(targets[layer]) for layer in ("a", "b")}
    content = {layer: ContentLoss(targets[layer]) for layer in ("b", "c")}
    found = Objective(style, content, Weights(3.0, 0.5, 0.1))(features, image)
    layers: dict[str, GramLoss | ContentLoss] = {f"style/{layer}": loss for layer, loss in style.items()}
    layers |= {f"content/{layer}": loss for layer, loss in content.items()}
    assert found.keys() == {"total", "style", "content", "total_variation", *layers}
    for name, loss in layers.items():
        torch.testing.assert_close(found[name], loss(features[name.partition("/")[2]]))
    torch.testing.assert_close(found["style"], sum(loss(features[layer]) for layer, loss in style.items()) / 2)
    torch.testing.assert_close(found["content"], sum(loss(features[layer]) for layer, loss in content.items()) / 2)
    torch.testing.assert_close(found["total_variation"], total_variation(image))
    expected = 3.0 * found["style"] + 0.5 * found["content"] + 0.1 * found["total_variation"]
    torch.testing.assert_close(found["total"], expected)
    assert all(value.shape == () for value in found.values())


def test_each_layer_counts_by_the_weight_of_its_own_part() -> None:
    targets, found = _features(), _features()
    style = {layer: GramLoss(target) for layer, target in targets.items()}
    content = {layer: ContentLoss(targets[layer]) for layer in ("a", "b")}
    weights = Weights(2.0, 3.0, 0.0, {"a": 5.0, "c": 0.25}, {"b": 0.0})
    total = Objective(style, content, weights)(found, torch.zeros(1, 3, 4, 4, dtype=torch.float64))["total"]
    of_style = [5.0 * style["a"](found["a"]), style["b"](found["b"]), 0.25 * style["c"](found["c"])]
    expected = 2.0 * sum(of_style) / 3 + 3.0 * content["a"](found["a"]) / 2
    assert math.isclose(total.item(), expected.item(), rel_tol=1e-12)


def test_a_part_without_layers_is_zero() -> None:
    features, image = _features(), torch.rand(1, 3, 8, 8, dtype=torch.float64)
    style = {"a": GramLoss(_features()["a"])}
    found = Objective(style, {}, Weights(2.0, 5.0))(features, image)
    assert found["content"].item() == 0.0
    assert found["total"].item() == pytest.approx(2.0 * found["style"].item())
    assert Objective({}, {}, Weights(2.0, 5.0))(features, image)["total"].item() == 0.0


def test_layers_with_dots_in_their_names() -> None:
    features = {"layer1.0.conv1": torch.rand(1, 3, 4, 4)}
    loss = Objective({"layer1.0.conv1": GramLoss(features["layer1.0.conv1"])}, {}, Weights(1.0, 1.0))
    assert loss(features, torch.zeros(1, 3, 4, 4))["total"].item() == 0.0


def test_targets_move_with_the_objective_and_are_not_trained() -> None:
    loss = Objective({"a": GramLoss(_features()["a"])}, {"c": ContentLoss(_features()["c"])}, Weights(1.0, 1.0))
    assert not list(loss.parameters())
    assert len(list(loss.buffers())) == 4
    assert {buffer.device.type for buffer in loss.to("meta").buffers()} == {"meta"}


def test_statistics_of_two_halves_add_up_to_those_of_the_whole() -> None:
    targets, features, image = _features(), _features(), torch.rand(1, 3, 8, 8, dtype=torch.float64)
    objective = Objective({"a": GramLoss(targets["a"])}, {"b": ContentLoss(targets["b"])}, Weights(3.0, 0.5, 0.1))
    windows = [{layer: (rows, slice(None)) for layer in "abc"} for rows in (slice(0, 3), slice(3, None))]
    halves = [
        objective.statistics({layer: features[layer][(..., *window[layer])] for layer in "abc"}, window)
        for window in windows
    ]
    summed = [added(first, second) for first, second in zip(*halves, strict=True)]
    torch.testing.assert_close(objective.distance(summed, image), objective(features, image))
