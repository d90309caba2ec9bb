"""`rnst sweep`."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from rnst.commands.parsing import OneLineErrors, gathered, quiet_lightning
from rnst.files import written_aside
from rnst.results import Result
from rnst.stylization.settings import StylizationSettings
from rnst.sweeps.plan import SweepSettings, agent_configuration, plan

_FILE_WIDTH = 120  # columns, where the tables go to a file
_LISTS = {"--contents", "--styles", "--encoders", "--compare", "--pictures"}


def run(arguments: list[str]) -> None:
    """Paint, score, pick, and write table, plot and page."""
    parser = OneLineErrors(
        prog="rnst sweep",
        usage="rnst sweep --config YAML [--pictures DIR ...] [--output DIR] [--workers N] [--OPTION VALUE ...]",
        description="Paint every content in every style by every encoder over one grid; score, pick and compare.",
    )
    parser.add_argument("--config", action="config", help="YAML file with any of the options below.")
    parser.add_argument("--plan", action="store_true", help="List the pictures and stop.")
    parser.add_argument("--agent", type=Path, help="Write the sweep for Weights & Biases agents to this file and stop.")
    parser.add_class_arguments(SweepSettings, as_group=False)
    options = parser.parse_args(gathered(arguments, _LISTS)).as_dict()
    options.pop("config", None)
    only_plan, agent = options.pop("plan"), options.pop("agent")
    quiet_lightning()
    sweep = SweepSettings(**options)
    cells = plan(sweep, _checked_settings)
    if agent is not None:
        with written_aside(agent) as aside:
            aside.write_text(yaml.safe_dump(agent_configuration(sweep), sort_keys=False), encoding="utf-8")
        sys.stdout.write(f"{agent}: wandb sweep {agent}, then on each machine the wandb agent command that it prints\n")
        return
    from rnst.sweeps.run import finished_run, run_cells

    if only_plan:
        for cell in cells:
            mark = "done" if finished_run(cell) is not None else "    "
            sys.stdout.write(f"{mark} {cell.settings.output}\n")
        return
    results = run_cells(sweep, cells, Console(stderr=True))
    _report(sweep, results, options)


def _report(sweep: SweepSettings, results: Sequence[Result], options: Mapping[str, Any]) -> None:
    """Write what sums the sweep up, and show the picks."""
    from rnst.reporting.tracking import SweepTracker
    from rnst.sweeps.layer_gains import gains_table, layer_gains
    from rnst.sweeps.report import (
        as_rows,
        picks_table,
        thumbnail,
        verdict_table,
        write_fronts,
        write_page,
        write_small_page,
        write_table,
    )

    grid, folder = list(sweep.grid), sweep.output
    write_table(results, folder / "results.csv", grid)
    write_fronts(results, folder / "pareto.png")
    page = write_page(results, folder / "index.html", folder.name)
    tracker = SweepTracker(sweep.tracking, folder, group=folder.name, config=options)
    small = write_small_page(results, folder / "picked.html", folder.name)
    pictures = [thumbnail(result, folder) for result in results]
    tracker.finish(as_rows(results, grid), pictures, folder / "pareto.png", small)
    console = Console()
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    console.print(picks_table(results, grid))
    console.print(verdict_table(results))
    if gains := layer_gains(results) if "style_layers" in sweep.compare else {}:
        console.print(gains_table(gains))
    console.print(f"{page}: {len(results)} pictures; open it in a browser", highlight=False, soft_wrap=True)


def _checked_settings(values: dict[str, Any]) -> StylizationSettings:
    """Settings of one picture, their types checked as those of stylize.py are."""
    parser = OneLineErrors()
    parser.add_class_arguments(StylizationSettings, as_group=False)
    checked = parser.parse_object(values).as_dict()
    return StylizationSettings(**checked)
