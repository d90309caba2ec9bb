from pathlib import Path

import numpy as np
import pytest
import torch

from rnst.app.brush import COLORS, NAMES, Layer, NoPlaceError, regions, write_masks
from rnst.image.files import read_image


def _layer(*strokes: tuple[int, slice]) -> Layer:
    """Columns of a photo of 20 x 40 pixels, drawn in the colors of paintings."""
    layer = np.zeros((20, 40, 4), np.uint8)
    for painting, columns in strokes:
        layer[:, columns] = [*bytes.fromhex(COLORS[painting][1:]), 255]
    return layer


def test_without_a_stroke__no_masks() -> None:
    assert regions([], 2) == []
    assert regions([_layer()], 2) == []


def test_one_painting__goes_where_its_color_is() -> None:
    (mask,) = regions([_layer((0, slice(0, 10)))], 1)
    assert mask.shape == (1, 1, 20, 40)
    assert torch.equal(mask[0, 0, 0], torch.tensor([1.0] * 10 + [0.0] * 30))


def test_every_color_drawn__the_rest_stays_the_photo() -> None:
    masks = regions([_layer((0, slice(0, 10)), (1, slice(30, 40)))], 2)
    assert torch.equal(torch.stack(masks).sum(0)[0, 0, 0], torch.tensor([1.0] * 10 + [0.0] * 20 + [1.0] * 10))
    assert masks[1][0, 0, 0, 35] == 1.0


def test_a_painting_without_its_color__takes_the_rest() -> None:
    first, second, third = regions([_layer((1, slice(0, 10)))], 3)
    assert second.mean() == 0.25
    assert torch.equal(first, 1.0 - second)
    assert torch.equal(first, third)


def test_no_rest_for_a_painting__names_its_color() -> None:
    with pytest.raises(NoPlaceError, match=rf"painting 2 .*{NAMES[1]}"):
        regions([_layer((0, slice(0, 40)))], 2)


def test_edges_of_strokes__are_soft_and_belong_to_the_nearest_color() -> None:
    layer = _layer((0, slice(0, 10)))
    layer[:, 10] = [*layer[0, 0, :3], 128]
    (mask,) = regions([layer], 1)
    assert float(mask[0, 0, 0, 10]) == pytest.approx(128 / 255)


def test_the_color_of_a_painting_that_was_removed__counts_as_the_nearest_one() -> None:
    first, second = regions([_layer((3, slice(0, 10)))], 2)
    assert {float(first.mean()), float(second.mean())} == {0.25, 0.75}


def test_masks_are_written_once(tmp_path: Path) -> None:
    masks = regions([_layer((0, slice(0, 10)), (1, slice(30, 40)))], 2)
    paths = write_masks(masks, tmp_path)
    assert paths == write_masks(masks, tmp_path)
    assert len(set(paths)) == 2
    assert torch.equal(read_image(paths[0]).mean(1, keepdim=True), masks[0])
