"""The classes that a training learns."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rnst.data.facts import DataFacts
from rnst.errors import InvalidValueError
from rnst.training.teacher import SoftLabels

_MOST_SHOWN = 5


def with_classes(data: DataFacts, soft_labels: SoftLabels | None) -> DataFacts:
    """Facts with the classes to learn: those of the teacher, if there is one.

    Raises:
        InvalidValueError: there are no classes, or one.
    """
    if soft_labels is not None:
        return replace(data, class_names=soft_labels.class_names)
    if not data.class_names:
        raise InvalidValueError("data.classes", "none", "given, or model.teacher, whose classes are learned")
    if len(data.class_names) == 1:
        raise InvalidValueError(
            "data.root", f"photos of {data.class_names[0]} alone", "a folder for each of two classes"
        )
    return data


def check_same_classes(data: DataFacts, then: Mapping[str, Any]) -> None:
    """Refuse to go on with other classes than a run was started with.

    Args:
        data: of now.
        then: facts in the checkpoint; without classes, nothing is compared.

    Raises:
        InvalidValueError: the classes differ.
    """
    before, now = then.get("classes"), list(data.class_names)
    if before is not None and list(before) != now:
        wanted = f"photos of the {len(before)} classes of the start: {', '.join(before[:_MOST_SHOWN])} ..."
        raise InvalidValueError("data.root", f"photos of {', '.join(now[:_MOST_SHOWN])} ...", wanted)
