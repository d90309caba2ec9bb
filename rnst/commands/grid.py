"""`stylize.py --grid`: a contact sheet of drafts."""

import json
import os
import shlex
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from rnst.commands.arguments import as_options, is_list, value_of
from rnst.commands.parsing import OneLineErrors, UsageError, quiet_lightning
from rnst.errors import InvalidValueError, RnstError, counted
from rnst.signals import Stopped
from rnst.stylization.settings import StylizationSettings
from rnst.sweeps.grid_axes import STYLE_MIX, Axis, check_axes, shown

if TYPE_CHECKING:
    from rnst.sweeps.grid_plan import Cell

_DRAFT = "--config=draft"
_NOT_OF_THE_FULL_PICTURE = ("grid", "resume", "output", "view", "view_port")


def as_draft(arguments: Sequence[str]) -> list[str]:
    """The command line with the preset for drafts after all other configurations; options after it outrank it."""
    after = [number + 1 for number, word in enumerate(arguments) if word.startswith("--config=")]
    after += [number + 2 for number, word in enumerate(arguments[:-1]) if word == "--config"]
    place = max(after, default=0)
    return [*arguments[:place], _DRAFT, *arguments[place:]]


def refuse_beside(given: Collection[str]) -> None:
    """Refuse options that do not go with a contact sheet.

    Raises:
        UsageError: names them.
    """
    refused = [f"--{name}" for name in ("compare", "view", "sequence", "print") if name in given]
    if refused:
        raise UsageError(f"--grid makes a contact sheet of drafts; omit {' '.join(refused)}")


def read_axes(words: Sequence[str], styles: int) -> list[Axis]:
    """Axes from `NAME=VALUE,VALUE` each; the parts of a list are joined by +.

    Args:
        words: of the command line.
        styles: number of the styles.

    Raises:
        UsageError: a word is no axis, or a value has another type.
        RnstError: no sheet can be made of them.
    """
    parsed = []
    for word in words:
        name, equals, values = word.partition("=")
        texts = [text.strip() for text in values.split(",")]
        if not equals or not all(texts):
            raise UsageError(f"--grid takes NAME=VALUE,VALUE and not {word!r}, as --grid style_weight=1,3,10")
        parsed.append((name.replace("-", "_"), texts))
    check_axes(parsed, styles)
    parser = OneLineErrors()
    parser.add_class_arguments(StylizationSettings, as_group=False)
    axes = [Axis(name, tuple(_value(parser, name, text) for text in texts)) for name, texts in parsed]
    check_axes([(axis.name, axis.values) for axis in axes], styles)
    return axes


def _value(parser: OneLineErrors, name: str, text: str) -> Any:
    """A value with the type of its setting."""
    if name == STYLE_MIX:
        try:
            share = float(text)
        except ValueError:
            share = -1.0
        if not 0.0 <= share <= 1.0:
            raise InvalidValueError(f"--grid {STYLE_MIX}", text, "from 0 to 1")
        return share
    hint = get_type_hints(StylizationSettings)[name]
    written = json.dumps(text.split("+")) if is_list(hint) and text.lower() != "none" else text
    if value_of(hint, written) is None:
        return None
    parser.hints = {name: hint}
    parser.given = {name: text}
    return parser.parse_args([f"--{name}={written}"]).as_dict()[name]


def run_grid_command(
    settings: StylizationSettings, axes: Sequence[Axis], arguments: Sequence[str], hints: Mapping[str, Any]
) -> None:
    """Make the sheet and report where it is.

    Args:
        settings: of all pictures.
        axes: of the sheet.
        arguments: of the command line, of which the commands of the full pictures are made.
        hints: see `as_options`.

    Raises:
        RnstError: pictures failed; the others are on the sheet.
        Stopped: the user stopped; the sheet has what there is.
    """
    quiet_lightning()
    from rich.console import Console

    from rnst.stylization.job import resolve, title
    from rnst.sweeps.grid_output import write_grid
    from rnst.sweeps.grid_plan import plan_grid
    from rnst.sweeps.grid_run import claim_grid, failures, run_grid

    grid = plan_grid(settings.as_dict(), axes)
    claim_grid(grid)
    outcomes, is_stopped = run_grid(grid, Console(stderr=True))
    words = _full_command(arguments, hints, {axis.name for axis in axes})
    given_output = settings.output if settings.output != StylizationSettings.output else None
    heading = title(resolve(settings).pictures)
    write_grid(grid, outcomes, heading, lambda cell: _command(words, cell, given_output))
    sys.stdout.write(f"{grid.sheet} and .html: {len(outcomes)} drafts; the page has the command of each full picture\n")
    if is_stopped:
        raise Stopped("stopped; the same command goes on with what is missing")
    if failed := failures(outcomes):
        raise RnstError(
            f"{counted(len(failed), 'picture')} failed, the first: {failed[0]}. The others are on the sheet"
        )


def _full_command(arguments: Sequence[str], hints: Mapping[str, Any], varied: set[str]) -> list[str]:
    """The words of the command line without those of the sheet; absolute paths are seen from the current folder."""
    program = Path(sys.argv[0]).name
    words = ["python", "stylize.py"] if program.endswith(".py") else ["rnst", "stylize"]
    options, pictures = as_options(arguments, hints)
    words += map(_seen_from_here, pictures)
    skipped = {*_NOT_OF_THE_FULL_PICTURE, *varied, *({"style_weights"} if STYLE_MIX in varied else ())}
    for option in options:
        name, equals, value = option[2:].partition("=")
        if name in skipped:
            continue
        several = json.loads(value) if is_list(hints.get(name)) and value.startswith("[") else [value] if equals else []
        words += [f"--{name}", *(_seen_from_here(str(each)) for each in several)]
    return words


def _command(words: Sequence[str], cell: "Cell", output: Path | None) -> str:
    """The command of the full picture of a cell."""
    chosen = list(words)
    for name, value in cell.varied.items():
        values = value if isinstance(value, list) else [value]
        chosen += [
            f"--{name}",
            *(shown(each).lower() if isinstance(each, bool | None) else shown(each) for each in values),
        ]
    if output is not None and cell.job is not None:
        name = f"{output.stem}--{cell.job.records.output.stem}{output.suffix}"
        chosen += ["--output", _seen_from_here(str(output.with_name(name)))]
    return shlex.join(chosen)


def _seen_from_here(text: str) -> str:
    return os.path.relpath(text) if Path(text).is_absolute() else text
