"""`rnst sweep`."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

import yaml
from rich.console import Console

from rnst.commands.arguments import value_of
from rnst.commands.options import CommandParser
from rnst.commands.parsing import OneLineErrors, quiet_lightning
from rnst.errors import counted
from rnst.files import written_aside
from rnst.outputs import check_output
from rnst.reporting.gallery.names import Names, read_names
from rnst.results import Result
from rnst.stylization.settings import StylizationSettings
from rnst.sweeps.plan import SweepSettings, agent_configuration, plan

_FILE_WIDTH = 120  # columns, where the tables go to a file
_GROUPS = {
    "What is compared": ("contents", "styles", "encoders", "grid", "compare", "settings", "pictures"),
    "Files and records": ("output", "names", "workers", "tracking"),
}


def run(arguments: list[str]) -> None:
    """Stylize, score, select, and write table, plot and page."""
    parser = CommandParser(
        "rnst sweep --config YAML [--pictures DIR ...] [--output DIR] [--workers N] [--OPTION VALUE ...]",
        "Stylize every content in every style by every encoder over one grid; score, select and compare.",
        ["rnst sweep --config smoke", "rnst sweep --config article --pictures PHOTOS PAINTINGS --plan"],
    )
    parser.add_config("sweeps/")
    parser.add_flag("plan", "list the pictures and stop")
    parser.add_option("agent", Path | None, None, "write the sweep for Weights & Biases agents to this file and stop")
    parser.add_settings(SweepSettings, _GROUPS)
    options = parser.parse(arguments)
    only_plan, agent = options.pop("plan"), options.pop("agent")
    quiet_lightning()
    sweep = SweepSettings(**_with_nones(options))
    names = read_names(sweep.names)  # a mistake in it is found before the work
    pictures = plan(sweep, _checked_settings)
    if agent is not None:
        check_output("--agent", agent, {}, _is_agent_file)
        with written_aside(agent) as aside:
            aside.write_text(yaml.safe_dump(agent_configuration(sweep), sort_keys=False), encoding="utf-8")
        sys.stdout.write(f"{agent}: wandb sweep {agent}, then on each machine the wandb agent command that it prints\n")
        return
    from rnst.stylization.job import resolve
    from rnst.sweeps.report import check_report
    from rnst.sweeps.run import SweepError, SweepRun, finished_run, run_sweep

    runs = (SweepRun(resolve(settings), arm) for settings, arm in pictures)
    if only_plan:
        for run in runs:
            mark = "done" if finished_run(run) is not None else "    "
            sys.stdout.write(f"{mark} {run.job.records.output}\n")
        return
    check_report(sweep.output)
    results, failures = run_sweep(sweep, list(runs), Console(stderr=True))
    _report(sweep, results, options, names)
    if failures:
        raise SweepError(failures)


def _is_agent_file(path: Path) -> bool:
    return path.read_bytes().startswith(b"program: stylize.py")


def _report(sweep: SweepSettings, results: Sequence[Result], options: Mapping[str, Any], names: Names) -> None:
    """Write the summary of the sweep, and show the picks."""
    from rnst.reporting.tracking.run import of_experiment
    from rnst.reporting.tracking.tracker import Tracker, has_offline_runs, upload_command
    from rnst.sweeps.document import write_report
    from rnst.sweeps.pages import thumbnail, write_page, write_small_page
    from rnst.sweeps.report import (
        as_rows,
        gains_table,
        layer_gains,
        picks_table,
        verdict_table,
        write_table,
    )

    grid, folder = list(sweep.grid), sweep.output
    write_table(results, folder / "results.csv", grid)
    report, _ = write_report(results, folder, grid, f"Sweep {folder.name}")
    page = write_page(results, folder / "index.html", f"Sweep {folder.name}", names)
    tracker = Tracker(sweep.tracking, folder, of_experiment("sweep", folder, options), folder.name)
    small = write_small_page(results, folder / "picked.html", f"Sweep {folder.name}: picked pictures", names)
    pictures = [thumbnail(result, folder) for result in results]
    files = {"pareto": folder / "pareto.png", "compare": small}
    tracker.report({"pictures": as_rows(results, grid)}, files, pictures)
    console = Console()
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    console.print(picks_table(results, grid))
    console.print(verdict_table(results))
    if gains := layer_gains(results) if "style_layers" in sweep.compare else {}:
        console.print(gains_table(gains))
    console.print(f"{report} and .html: tables, plot and sheet for a paper", highlight=False, soft_wrap=True)
    if has_offline_runs(folder):
        console.print(f"upload: {upload_command(folder)}", highlight=False, soft_wrap=True)
    console.print(f"{page}: {counted(len(results), 'picture')}; open it in a browser", highlight=False, soft_wrap=True)


def _with_nones(options: Mapping[str, Any]) -> dict[str, Any]:
    """The same options, with None for the text none in the grid and the settings, as on a command line."""
    hints = get_type_hints(StylizationSettings)
    grid = {
        name: [value_of(hints.get(name), value) for value in values] if isinstance(values, list) else values
        for name, values in options["grid"].items()
    }
    settings = {name: value_of(hints.get(name), value) for name, value in options["settings"].items()}
    return {**options, "grid": grid, "settings": settings}


def _checked_settings(values: dict[str, Any]) -> StylizationSettings:
    """Settings of one picture, their types checked as those of stylize.py are."""
    parser = OneLineErrors()
    parser.add_class_arguments(StylizationSettings, as_group=False)
    checked = parser.parse_object(values).as_dict()
    return StylizationSettings(**checked)
