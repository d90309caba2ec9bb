"""Build the source that the options of a data module select."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rnst.data.cifar10 import Cifar10Source
from rnst.data.sources import KNOWN_GROUPS, Classes, FolderSource, Source
from rnst.data.streamed import StreamedSource
from rnst.data.unlabeled import UnlabeledSource
from rnst.errors import InvalidValueError

SourceKind = Literal["folders", "cifar10", "streamed"]


def choose_source(kind: SourceKind, root: str | Path | Sequence[str], classes: Classes) -> Source:
    """Build a source; no photo is opened.

    Args:
        kind: "folders", "cifar10" or "streamed".
        root: a folder or an address; "folders" also takes a list of folders.
        classes: grouping of the classes; "none" (with "folders" alone) for photos without labels.

    Raises:
        InvalidValueError: the combination of options is not supported.
    """
    roots = [Path(root)] if isinstance(root, str | Path) else [Path(folder) for folder in root]
    if kind != "folders" and len(roots) != 1:
        raise InvalidValueError("data.root", root, f'one place with data.source "{kind}"')
    if not roots:
        raise InvalidValueError("data.root", root, "at least one folder")
    if classes == "none" and kind != "folders":
        raise InvalidValueError("data.classes", classes, 'given with data.source other than "folders"')
    if classes == "none":
        return UnlabeledSource(roots)
    if kind == "cifar10":
        return Cifar10Source(roots[0])
    groups = KNOWN_GROUPS.get(classes)
    if kind == "streamed":
        return StreamedSource(str(root if isinstance(root, str | Path) else root[0]), groups)
    return FolderSource(roots, groups)
