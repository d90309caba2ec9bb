from typing import Any

import pytest

from rnst.data.facts import DataFacts
from rnst.errors import InvalidValueError
from rnst.training.classes import check_same_classes


@pytest.mark.parametrize("then", [{}, {"classes": None}, {"classes": ["ant", "bee"]}])
def test_the_same_classes_go_on(then: dict[str, Any]) -> None:
    check_same_classes(DataFacts("insects", ("ant", "bee"), 32), then)


@pytest.mark.parametrize("before", [["ant", "fly"], ["bee", "ant"], ["ant"]])
def test_other_classes_are_refused(before: list[str]) -> None:
    with pytest.raises(InvalidValueError, match=r"data\.root"):
        check_same_classes(DataFacts("insects", ("ant", "bee"), 32), {"classes": before})
