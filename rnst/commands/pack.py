"""`rnst pack`."""

import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from rnst.commands.options import CommandParser
from rnst.errors import MissingPathError
from rnst.machine import processors
from rnst.ranges import NonNegativeInt, PositiveInt

if TYPE_CHECKING:
    from rnst.data.packed import Contents
    from rnst.data.packing import Packed

_MEGABYTE = 1e6
_MOST_WORKERS = 8


def run(arguments: list[str]) -> None:
    """Pack; report what was packed and how to train on it."""
    parser = CommandParser(
        "rnst pack FOLDER OUT [--size N] [--split train val] [--workers N]",
        "Pack a folder of photos into chunks of 64 MB, which a training streams from a disk or a bucket.",
        ["rnst pack photos packed --size 256", "python train_robust.py --data.source streamed --data.root packed"],
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="with train and val, each a folder for each class")
    parser.add_argument("output", type=Path, metavar="OUT", help="folder to write; it must not exist")
    parser.add_option("size", PositiveInt | None, None, "reduce shorter sides to so many pixels; none keeps all bytes")
    parser.add_option("split", list[str], ["train", "val"], "which folders of FOLDER are packed")
    parser.add_option("workers", NonNegativeInt, min(processors(), _MOST_WORKERS), "processes that decode")
    options = Namespace(**parser.parse(arguments))
    if not options.folder.is_dir():
        raise MissingPathError(options.folder, "folder of photos", "Give the folder that holds train and val.")
    _run(options)


def _run(options: Namespace) -> None:
    from rnst.data.packing import pack

    output: Path = options.output
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:

        def shown(photos: Iterator["Packed"], split: str, count: int) -> Iterable["Packed"]:
            return bar.track(photos, total=count, description=split)

        contents = pack(
            options.folder, output, options.split, size=options.size, workers=options.workers, watched=shown
        )
    sys.stdout.write(_described(contents, output))


def _described(contents: "Contents", output: Path) -> str:
    lines = []
    for split, folders in contents.splits.items():
        size = sum(path.stat().st_size for path in (output / split).iterdir()) / _MEGABYTE
        photos = sum(count for _, count in folders)
        lines.append(f"{output / split}: {photos} photos in {len(folders)} classes, {size:.1f} MB\n")
    lines.append(f"train on it: python train_robust.py --data.source streamed --data.root {output}\n")
    return "".join(lines)
