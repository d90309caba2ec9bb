"""What pictures will write, checked against all that they read, before the first of them is begun."""

import re
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from rnst.encoders.names import OWN, RANDOM
from rnst.errors import InvalidValueError, RnstError
from rnst.image.color_basis import DECORRELATED, RGB
from rnst.image.files import pictures_in
from rnst.image.metadata import carries_settings
from rnst.image.samples import sample_path
from rnst.outputs import check_output, identified
from rnst.results import describes, sidecar_of
from rnst.stylization.job import Job
from rnst.stylization.parts import INITS

_OPTION = "--output"
_SNAPSHOT = re.compile(r"(.+)_\d{5,}\.png")


def claim(jobs: Sequence[Job]) -> None:
    """Refuse outputs that cannot be written, that would replace a file of the user, or that two pictures share.

    Raises:
        InvalidValueError: names the output and what is wrong with it.
    """
    read = [found for job in jobs for found in _inputs(job)]
    inputs = identified(read)
    claimed = set[Path]()
    for output in (job.records.output for job in jobs):
        if output.absolute() in claimed:
            raise InvalidValueError(_OPTION, str(output), "a name of its own for each picture: two have this one")
        claimed.add(output.absolute())
        check_output(_OPTION, output, inputs, is_picture_of_ours)
        check_output(_OPTION, sidecar_of(output), inputs, partial(describes, image=output))
    _check_snapshots(jobs, {path for _, path in read})


def is_picture_of_ours(path: Path) -> bool:
    """Whether a picture was written by this program: a record lies beside it, or its settings are in it."""
    if describes(sidecar_of(path), path):
        return True
    try:
        return carries_settings(path)
    except RnstError:
        return False


def _check_snapshots(jobs: Iterable[Job], inputs: Iterable[Path]) -> None:
    """Refuse inputs that have the name of an intermediate picture."""
    names = {(path.absolute().parent, found[1]): path for path in inputs if (found := _SNAPSHOT.fullmatch(path.name))}
    for output in (job.records.output for job in jobs if job.records.save_every):
        path = names.get((output.absolute().parent, output.stem))
        if path is not None:
            wanted = f"another name: an intermediate picture might replace {path}, which is read"
            raise InvalidValueError(_OPTION, str(output), wanted)


def _inputs(job: Job) -> Iterable[tuple[str, Path]]:
    """What a file is, in words -> the file, for all files that a picture is made from."""
    pictures, weights = job.pictures, job.network.weights
    named = [("content", pictures.content)] if pictures.has_content else []
    named += [("style", name) for name in pictures.styles]
    named += [("mask", name) for name in (*pictures.content_mask, *pictures.style_mask)]
    named += [("initial picture", pictures.init)] if pictures.init not in INITS else []
    for what, name in named:
        yield f"the {what} {name}", sample_path(name) or Path(name)
    if pictures.color_basis not in {RGB, DECORRELATED}:
        basis = sample_path(pictures.color_basis) or Path(pictures.color_basis)
        for path in pictures_in(basis) if basis.is_dir() else [basis]:
            yield f"the color basis {path}", path
    if weights not in {RANDOM, OWN}:
        yield f"the weights {weights}", Path(weights)
