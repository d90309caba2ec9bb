"""`rnst pack`."""

import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track

from rnst.commands.parsing import OneLineErrors, gathered
from rnst.errors import MissingPathError
from rnst.machine import processors

if TYPE_CHECKING:
    from rnst.data.packed import Contents
    from rnst.data.packing import Packed

_MEGABYTE = 1e6
_MOST_WORKERS = 8


def run(arguments: list[str]) -> None:
    """Pack, say what was packed and how to train on it."""
    parser = OneLineErrors(
        usage="rnst pack FOLDER OUT [--size N] [--split train val] [--workers N]",
        description="Pack a folder of photos into chunks of 64 MB: train_robust.py --data.source streamed reads them "
        "from a disk, or from a bucket to which OUT was copied.",
    )
    parser.add_argument("folder", type=Path, help="Folder with train and val, each with one folder for each class.")
    parser.add_argument("output", type=Path, help="Folder to write; it must not exist.")
    parser.add_argument(
        "--size", type=int | None, default=None, help="Reduce shorter sides to so many pixels; else keep all bytes."
    )
    parser.add_argument("--split", type=list[str], default=["train", "val"], help="Which folders of FOLDER are packed.")
    parser.add_argument("--workers", type=int, default=min(processors(), _MOST_WORKERS), help="Processes that decode.")
    options = parser.parse_args(gathered(arguments, {"--split"}))
    if not options.folder.is_dir():
        raise MissingPathError(options.folder, "folder of photos", "Give the folder that holds train and val.")
    _run(options)


def _run(options: Namespace) -> None:
    from rnst.data.packing import pack

    output: Path = options.output
    contents = pack(
        options.folder, output, options.split, size=options.size, workers=options.workers, watched=_with_bar
    )
    sys.stdout.write(_described(contents, output))


def _with_bar(photos: Iterator["Packed"], split: str, count: int) -> Iterable["Packed"]:
    return track(photos, split, total=count, console=Console(stderr=True), transient=True)


def _described(contents: "Contents", output: Path) -> str:
    lines = []
    for split, folders in contents.splits.items():
        size = sum(path.stat().st_size for path in (output / split).iterdir()) / _MEGABYTE
        photos = sum(count for _, count in folders)
        lines.append(f"{output / split}: {photos} photos in {len(folders)} classes, {size:.1f} MB\n")
    lines.append(f"train on it: python train_robust.py --data.source streamed --data.root {output}\n")
    return "".join(lines)
