"""Sample photos and paintings by name. All are on disk after installation; nothing here uses the internet.

Photos are files of the scikit-image package. Its loading functions are not used, because they may download files.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

from rnst.errors import MissingPathError, UnknownNameError
from rnst.files import existing_file

DEFAULT_PHOTO = "coffee"
DEFAULT_PAINTING = "flow"
KINDS = ("photo", "painting")


@dataclass(frozen=True)
class Sample:
    """One picture that anyone may use and publish.

    Attributes:
        kind: "photo" or "painting".
        package: installed package that contains the file.
        file: path inside the package.
        license: license stated by the source.
        credit: author.
    """

    kind: str
    package: str
    file: str
    license: str
    credit: str


SAMPLES = {
    "coffee": Sample("photo", "skimage", "data/coffee.png", "CC0", "Rachel Michetti, Pikolo Espresso Bar"),
    "chelsea": Sample("photo", "skimage", "data/chelsea.png", "CC0", "Stefan van der Walt"),
    "rocket": Sample("photo", "skimage", "data/rocket.jpg", "public domain", "SpaceX"),
    "astronaut": Sample("photo", "skimage", "data/astronaut.png", "public domain", "NASA"),
    "hubble_deep_field": Sample("photo", "skimage", "data/hubble_deep_field.jpg", "public domain", "NASA"),
    "flow": Sample("painting", "rnst", "image/paintings/flow.png", "that of rnst", "tools.sample_painting"),
    "mosaic": Sample("painting", "rnst", "image/paintings/mosaic.png", "that of rnst", "tools.sample_mosaic"),
}


def sample_names(kind: str) -> list[str]:
    """Names of the samples of a kind, "photo" or "painting", the default first.

    Raises:
        UnknownNameError: the kind is neither.
    """
    if kind not in KINDS:
        raise UnknownNameError("kind of sample", kind, KINDS)
    return [name for name, sample in SAMPLES.items() if sample.kind == kind]


def sample_path(name: str) -> Path | None:
    """File of the sample called `name`; None if there is no such sample, so that the caller can try it as a path.

    Raises:
        MissingPathError: the package of the sample is installed without the file.
    """
    sample = SAMPLES.get(name)
    if sample is None:
        return None
    package = find_spec(sample.package)  # does not import the package
    folders = package.submodule_search_locations if package is not None else None
    path = Path(*(folders or [sample.package])[:1]) / sample.file
    if not path.is_file():
        raise MissingPathError(path, f"sample {sample.kind} {name!r}", f"Reinstall {sample.package}, or name a file.")
    return path


def find_picture(name: str, option: str = "") -> Path:
    """File of a sample, or the file with the path `name`.

    Args:
        name: of either.
        option: that gives it, for the error.

    Raises:
        MissingPathError: `name` is neither.
    """
    wanted = f"{option} a picture" if option else "a picture"
    close = get_close_matches(name, SAMPLES, 1)
    meant = f"Did you mean {close[0]}? " if close else ""
    advice = f"{meant}Give {wanted}, or a sample: {', '.join(SAMPLES)}."
    return sample_path(name) or existing_file(name, "picture", advice)
