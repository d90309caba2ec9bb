"""A color basis from the user's own pictures."""

from pathlib import Path

from torch import Tensor

from rnst.errors import InvalidValueError
from rnst.files import exists
from rnst.image.color import fit_color_root
from rnst.image.files import pictures_in, read_image
from rnst.image.samples import sample_path

_SMALLEST_DEVIATION = 1e-3  # of colors in [0, 1]; that of the rounding to 8 bits is 1.1e-3

RGB, DECORRELATED = "rgb", "decorrelated"


def read_color_root(basis: str) -> Tensor | None:
    """The matrix for `DecorrelatedColor` of a setting; None for rgb and decorrelated.

    Args:
        basis: rgb, decorrelated, a folder of pictures, a picture, or the name of a sample.

    Raises:
        InvalidValueError: `basis` is none of these, or its pictures have a single color.
        MissingPathError: the folder has no pictures.
        UnreadableFileError: a file is not a picture.
    """
    if basis in {RGB, DECORRELATED}:
        return None
    path = sample_path(basis) or Path(basis)
    if not exists(path):
        raise InvalidValueError("--color_basis", basis, f"{RGB}, {DECORRELATED}, a folder of pictures, or a picture")
    root = fit_color_root(read_image(file) for file in (pictures_in(path) if path.is_dir() else [path]))
    if float(root.norm(dim=0).max()) < _SMALLEST_DEVIATION:
        raise InvalidValueError("--color_basis", basis, "pictures of more than one color")
    return root
