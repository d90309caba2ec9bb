"""Adversarially robust classifiers, and neural style transfer with them.

The public names below are imported when they are first used, so that `import rnst` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnst.attacks.ball import L2Ball, LinfBall
    from rnst.attacks.pgd import PGD
    from rnst.encoders.encoder import Encoder, load_encoder
    from rnst.image.files import read_image, write_image
    from rnst.results import Result
    from rnst.studies.evaluation.measure import evaluate
    from rnst.stylization.picture import Stylized
    from rnst.stylization.public import stylize
    from rnst.training.train import train

__all__ = [
    "PGD", "Encoder", "L2Ball", "LinfBall", "Result", "Stylized", "evaluate", "load_encoder", "read_image", "stylize",
    "train", "write_image",
]  # fmt: skip

_MODULES = {
    **dict.fromkeys(("L2Ball", "LinfBall"), "rnst.attacks.ball"),
    "PGD": "rnst.attacks.pgd",
    **dict.fromkeys(("Encoder", "load_encoder"), "rnst.encoders.encoder"),
    **dict.fromkeys(("read_image", "write_image"), "rnst.image.files"),
    "Result": "rnst.results",
    "evaluate": "rnst.studies.evaluation.measure",
    "Stylized": "rnst.stylization.picture",
    "stylize": "rnst.stylization.public",
    "train": "rnst.training.train",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module 'rnst' has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
