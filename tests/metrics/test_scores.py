import json
import math
import subprocess
import sys

import pytest
import torch
from torch import Tensor

from rnst.errors import InvalidValueError
from rnst.metrics.score_table import SCORE_TABLE
from rnst.metrics.scores import artifact_scores, score
from rnst.metrics.style_distance import style_distance, texture_distance

Scores = dict[str, float]
OF_THE_RUN = ["lpips", "style_loss_reduction"]


def _stripes(kind: str, side: int) -> Tensor:
    sign = torch.tensor([1.0, -1.0]).repeat(side // 2)
    return {"columns": sign[None, :], "rows": sign[:, None], "checkerboard": sign[None, :] * sign[:, None]}[kind]


@pytest.fixture(scope="module")
def scores(pictures: dict[str, Tensor]) -> Scores:
    return score(pictures["stylized"], pictures["photo"], pictures["style"])


def test_names_and_order_are_those_of_the_table(pictures: dict[str, Tensor], scores: Scores) -> None:
    assert [*scores, *OF_THE_RUN] == list(SCORE_TABLE)
    assert list(artifact_scores(pictures["stylized"]).items()) == list(scores.items())[6:]


def test_each_name_holds_its_measure(pictures: dict[str, Tensor], scores: Scores) -> None:
    image, style = pictures["stylized"], pictures["style"]
    assert scores["style_distance"] == pytest.approx(style_distance(image, style))
    assert scores["texture_distance"] == pytest.approx(texture_distance(image, style))


def test_values_are_in_their_range_and_plain_numbers(pictures: dict[str, Tensor], scores: Scores) -> None:
    black = score(torch.zeros(1, 3, 64, 64), pictures["photo"], torch.ones(1, 3, 64, 64))
    for found in (scores, black):
        assert json.loads(json.dumps(found)) == found
        for name, value in found.items():
            assert math.isfinite(value), name
            assert SCORE_TABLE[name].lowest <= value <= SCORE_TABLE[name].highest, name


@pytest.mark.parametrize("kind", ["columns", "rows", "checkerboard"])
def test_stripes_raise_the_score_of_their_name(pictures: dict[str, Tensor], kind: str) -> None:
    photo = pictures["photo"]
    before, after = artifact_scores(photo), artifact_scores(photo + 0.02 * _stripes(kind, photo.shape[-1]))
    raised = {name for name in before if name.endswith("_db") and after[name] > before[name] + 5.0}
    assert raised == {f"nyquist_excess_{kind}_db"}


def test_doing_better_goes_in_the_stated_direction(pictures: dict[str, Tensor]) -> None:
    style = pictures["style"]
    stripes = sum(
        (0.3 * _stripes(kind, style.shape[-1]) for kind in ("columns", "rows", "checkerboard")), torch.zeros(())
    )
    good = score(style, style, style)
    bad = score((pictures["shuffled"] + stripes).clamp(0.0, 1.0), style, style)
    for name, meaning in SCORE_TABLE.items():
        if name not in OF_THE_RUN:
            assert (good[name] < bad[name]) == (meaning.better == "lower"), name


def test_small_pictures_are_refused(pictures: dict[str, Tensor]) -> None:
    with pytest.raises(InvalidValueError, match="at least 64 px"):
        score(torch.rand(1, 3, 63, 63), pictures["photo"], pictures["style"])


def test_table_needs_no_torch() -> None:
    code = "import sys, rnst.metrics.score_table; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own code
