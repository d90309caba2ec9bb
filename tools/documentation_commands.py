"""The commands of the documentation: found in its pages, and run in this process.

`python -m tools.documentation_commands colors.jpg` makes docs/pictures/colors.jpg by the commands beside it;
without a name, all pictures. `--draft` makes small ones fast.
"""

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
LOG = DOCS / "log"
"""Dated pages, whose commands are those of their date."""

_BLOCK = re.compile(
    r"^(?P<indent> *)```sh(?: title=\"(?P<title>[^\"]+)\")?\n(?P<code>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL
)
_PROGRAMS = ("stylize.py", "train_robust.py", "rnst")
_STARTERS = ("srun", "torchrun")
_DRAFT = {"stylize.py": ("--size", "192", "--supersample", "1", "--steps", "15", "--scales", "1")}


@dataclass(frozen=True)
class Block:
    """The commands of one block of code.

    Attributes:
        page: file that holds it.
        title: the picture that the block makes, or "".
        commands: words of each command, the program first.
    """

    page: Path
    title: str
    commands: tuple[tuple[str, ...], ...]


def pages() -> list[Path]:
    """README and every page but those of the log."""
    return [README, *(page for page in sorted(DOCS.rglob("*.md")) if LOG not in page.parents)]


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of commands of a page."""
    for found in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        lines = found["code"].replace("\\\n", " ").splitlines()
        words = (tuple(_without_prefix(shlex.split(line, comments=True))) for line in lines)
        yield Block(page, found["title"] or "", tuple(command for command in words if command))


def programs() -> tuple[str, ...]:
    """Names of this project's programs."""
    return _PROGRAMS


def run(command: Sequence[str], more: Sequence[str] = ()) -> None:
    """Run one command in this process; those of other programs in a process of their own.

    Args:
        command: the program and its arguments.
        more: arguments that are added.
    """
    from rnst.cli import main, stylize, train_robust
    from tools import picture_sheet

    program, arguments = command[0], [*command[1:], *more]
    if program in _PROGRAMS:
        {"stylize.py": stylize, "train_robust.py": train_robust, "rnst": main}[program](arguments)
    elif tuple(command[:2]) == ("-m", "tools.picture_sheet"):
        picture_sheet.main(list(command[2:]))
    else:
        by_python = program == "-m" or program.endswith(".py")
        words = [sys.executable, *command] if by_python else [*command]
        subprocess.run(words, check=True, cwd=ROOT)


def _without_prefix(words: list[str]) -> list[str]:
    """The words without what only starts the program, and without a file that receives the output."""
    if ">" in words:
        words = words[: words.index(">")]
    if words[:2] == ["uv", "run"]:
        words = words[2:]
        while words[:1] and words[0].startswith("--"):
            words = words[1:] if words[0] == "--no-sync" else words[2:]
    if words[:1] == ["python"]:
        words = words[1:]
    if words[:1] and words[0] in _STARTERS:
        words = words[next(number for number, word in enumerate(words) if word in _PROGRAMS) :]
    return words


def picture_blocks() -> dict[str, Block]:
    """Name of each picture that commands make -> its block."""
    found = (block for page in pages() for block in blocks(page) if block.title)
    return {Path(block.title).name: block for block in found}


def main(arguments: Sequence[str] | None = None) -> None:
    """Make pictures."""
    parser = argparse.ArgumentParser(prog="python -m tools.documentation_commands")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--draft", action="store_true", help="small pictures, fast")
    parser.add_argument("--list", action="store_true", help="print the pictures and their commands")
    options = parser.parse_args(arguments)
    done = set[tuple[str, ...]]()  # some pictures are in two blocks
    for name, block in picture_blocks().items():
        if options.names and name not in options.names:
            continue
        print(f"{block.title} ({block.page.relative_to(ROOT)})")
        for command in block.commands:
            print(f"    {shlex.join(command)}")
            if not options.list and command not in done:
                run(command, _DRAFT.get(command[0], ()) if options.draft else ())
                done.add(command)


if __name__ == "__main__":
    main()
