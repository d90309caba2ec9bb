"""`rnst dashboard`."""

import sys
from argparse import Namespace
from pathlib import Path

from rnst.commands.options import CommandParser
from rnst.outputs import check_output
from rnst.reporting.project import PROJECT


def run(arguments: list[str]) -> None:
    """Save the workspace, or write it where there is no account."""
    parser = CommandParser(
        "rnst dashboard [--project NAME] [--entity NAME] [--output JSON]",
        "Build a Weights & Biases workspace that compares pictures and trainings.",
        ["rnst dashboard", "rnst dashboard --project mine --output workspace.json"],
    )
    parser.add_option("project", str, PROJECT, "project that holds the runs")
    parser.add_option("entity", str, "", "user or team; your own account where none is given")
    parser.add_option("output", Path, Path("outputs/dashboard.json"), "file to write without an account")
    options = Namespace(**parser.parse(arguments))
    _run(options)


def _run(options: Namespace) -> None:
    from rnst.reporting.dashboard import build_dashboard, is_dashboard, save_dashboard, write_dashboard
    from rnst.reporting.tracking.wandb_runs import is_offline

    check_output("--output", options.output, {}, is_dashboard)
    workspace = build_dashboard(options.project, options.entity)
    if is_offline():
        write_dashboard(workspace, options.output)
        sys.stdout.write(f"{options.output}: no account is logged in, so the workspace was written and not saved\n")
    else:
        sys.stdout.write(f"{save_dashboard(workspace)}\n")
