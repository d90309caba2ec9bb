"""What the classes of a network are called by people."""

from collections.abc import Sequence

import torchvision

from rnst.data.imagenet import IMAGENET


def class_names(classes: Sequence[str] | None, logits: int) -> tuple[str, ...]:
    """A name for each logit, all names of a class with a bar between them, the readable one last.

    Args:
        classes: what the weight file says, which may be WordNet ids; none where it says nothing. A thousand logits are
            then taken for ImageNet's.
        logits: how many there are.
    """
    if not classes:
        classes = IMAGENET if logits == len(IMAGENET) else [str(number) for number in range(logits)]
    known = dict(zip(IMAGENET, _categories(), strict=True))
    return tuple(f"{name}|{known[name]}" if name in known else name for name in classes)


def readable(name: str) -> str:
    """The last of the names that `class_names` gives."""
    return name.rpartition("|")[2]


def _categories() -> list[str]:
    names: list[str] = torchvision.models.get_model_weights("resnet18")["IMAGENET1K_V1"].meta["categories"]
    return names
