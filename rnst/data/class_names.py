"""Readable names for the classes of a network."""

from collections.abc import Sequence

import torchvision

from rnst.data.imagenet import IMAGENET


def class_names(classes: Sequence[str] | None, logits: int) -> tuple[str, ...]:
    """One name for each logit. A class with several names has them separated by a bar, the readable one last.

    Args:
        classes: class names of the weight file, possibly WordNet ids; None if the file has none. A network with 1000
            logits is then assumed to have ImageNet's classes.
        logits: number of logits.
    """
    if not classes:
        classes = IMAGENET if logits == len(IMAGENET) else [str(number) for number in range(logits)]
    known = dict(zip(IMAGENET, _categories(), strict=True))
    return tuple(f"{name}|{known[name]}" if name in known else name for name in classes)


def readable(name: str) -> str:
    """The last of the names in an entry of `class_names`."""
    return name.rpartition("|")[2]


def _categories() -> list[str]:
    names: list[str] = torchvision.models.get_model_weights("resnet18")["IMAGENET1K_V1"].meta["categories"]
    return names
