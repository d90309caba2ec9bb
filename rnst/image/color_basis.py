"""The colors of one's own pictures as a basis."""

from pathlib import Path

from torch import Tensor

from rnst.errors import InvalidValueError
from rnst.image.color import fit_color_root
from rnst.image.files import pictures_in, read_image
from rnst.image.samples import sample_path

RGB, DECORRELATED = "rgb", "decorrelated"


def read_color_root(basis: str) -> Tensor | None:
    """The matrix for `DecorrelatedColor` that a setting asks for; None where it names no pictures.

    Args:
        basis: rgb, decorrelated, a folder of pictures, a picture, or the name of a sample.

    Raises:
        InvalidValueError: nothing of these.
        MissingPathError: a folder without pictures.
        UnreadableFileError: one of them is no picture.
    """
    if basis in {RGB, DECORRELATED}:
        return None
    path = sample_path(basis) or Path(basis)
    if not path.exists():
        raise InvalidValueError("--color_basis", basis, f"{RGB}, {DECORRELATED}, a folder of pictures, or a picture")
    return fit_color_root(read_image(file) for file in (pictures_in(path) if path.is_dir() else [path]))
