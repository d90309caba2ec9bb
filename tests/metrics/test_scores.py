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


def test_names_and_order_are_those_of_the_table(pictures: dict[str, Tensor]) -> None:
    scores = score(pictures["painted"], pictures["photo"], pictures["style"])
    assert [*scores, "style_loss_reduction"] == list(SCORE_TABLE)
    assert list(artifact_scores(pictures["painted"]).items()) == list(scores.items())[5:]


def test_values_are_in_their_range_and_plain_numbers(pictures: dict[str, Tensor]) -> None:
    for image in (pictures["painted"], pictures["shuffled"], torch.zeros(1, 3, 64, 64)):
        scores = score(image, pictures["photo"], pictures["style"])
        assert json.loads(json.dumps(scores)) == scores
        for name, value in scores.items():
            assert math.isfinite(value), name
            assert SCORE_TABLE[name].lowest <= value <= SCORE_TABLE[name].highest, name


def test_each_name_holds_its_measure(pictures: dict[str, Tensor]) -> None:
    scores = score(pictures["painted"], pictures["photo"], pictures["style"])
    assert scores["style_distance"] == pytest.approx(style_distance(pictures["painted"], pictures["style"]))
    assert scores["texture_distance"] == pytest.approx(texture_distance(pictures["painted"], pictures["style"]))


@pytest.mark.parametrize("kind", ["columns", "rows", "checkerboard"])
def test_stripes_raise_the_score_of_their_name(pictures: dict[str, Tensor], kind: str) -> None:
    sign = torch.tensor([1.0, -1.0]).repeat(pictures["photo"].shape[-1] // 2)
    pattern = {"columns": sign[None, :], "rows": sign[:, None], "checkerboard": sign[None, :] * sign[:, None]}[kind]
    before, after = artifact_scores(pictures["photo"]), artifact_scores(pictures["photo"] + 0.02 * pattern)
    raised = {name for name in before if name.endswith("_db") and after[name] > before[name] + 5.0}
    assert raised == {f"nyquist_excess_{kind}_db"}


@pytest.mark.parametrize("name", list(SCORE_TABLE))
def test_doing_better_goes_in_the_stated_direction(pictures: dict[str, Tensor], name: str) -> None:
    if name == "style_loss_reduction":
        pytest.skip("only the run itself knows it")
    good = score(pictures["style"], pictures["style"], pictures["style"])[name]
    stripes = 0.3 * torch.tensor([1.0, -1.0]).repeat(pictures["photo"].shape[-1] // 2)
    spoiled = pictures["shuffled"] + stripes[None, :] + stripes[:, None] + stripes[None, :] * stripes[:, None]
    bad = score(spoiled.clamp(0.0, 1.0), pictures["style"], pictures["style"])[name]
    assert (good < bad) == (SCORE_TABLE[name].better == "lower")


def test_small_pictures_are_refused(pictures: dict[str, Tensor]) -> None:
    with pytest.raises(InvalidValueError, match="at least 64 px"):
        score(torch.rand(1, 3, 63, 63), pictures["photo"], pictures["style"])


def test_table_needs_no_torch() -> None:
    code = "import sys, rnst.metrics.score_table; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own code
