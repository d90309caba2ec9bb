"""Sample photos and paintings by name, all on disk after installation: nothing here reaches for the network.

Photos are files inside the scikit-image package. Its functions that load them are not used, because they may download.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rnst.errors import MissingPathError, UnknownNameError

DEFAULT_PHOTO = "coffee"
DEFAULT_PAINTING = "flow"
KINDS = ("photo", "painting")


@dataclass(frozen=True)
class Sample:
    """One picture that anyone may use and publish.

    Attributes:
        kind: "photo" or "painting".
        package: the installed package that holds the file.
        file: path inside the package.
        license: the terms, as stated by the source.
        credit: who made it.
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
}


def sample_names(kind: str) -> list[str]:
    """Names of the samples of a kind, "photo" or "painting", the default first.

    Raises:
        UnknownNameError: another kind.
    """
    if kind not in KINDS:
        raise UnknownNameError("kind of sample", kind, KINDS)
    return [name for name, sample in SAMPLES.items() if sample.kind == kind]


def sample_path(name: str) -> Path | None:
    """File of the sample called `name`; None when there is no such sample, so that the caller may try it as a path.

    Raises:
        MissingPathError: the sample is known, but its package was installed without the file.
    """
    sample = SAMPLES.get(name)
    if sample is None:
        return None
    package = find_spec(sample.package)  # which does not import it
    folders = package.submodule_search_locations if package is not None else None
    path = Path(*(folders or [sample.package])[:1]) / sample.file
    if not path.is_file():
        raise MissingPathError(path, f"sample {sample.kind} {name!r}", f"Reinstall {sample.package}, or name a file.")
    return path


def find_picture(name: str) -> Path:
    """File of a sample, or the file that `name` is the path of.

    Raises:
        MissingPathError: neither.
    """
    path = sample_path(name) or Path(name)
    if not path.is_file():
        raise MissingPathError(path, "picture", f"Give the path of a picture, or a sample: {', '.join(SAMPLES)}.")
    return path
