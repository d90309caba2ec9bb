"""`rnst dashboard`."""

import sys
from argparse import Namespace
from pathlib import Path

from rnst.commands.parsing import OneLineErrors
from rnst.reporting.project import PROJECT


def run(arguments: list[str]) -> None:
    """Save the workspace, or write it where there is no account."""
    parser = OneLineErrors(
        prog="rnst dashboard", description="Build a Weights & Biases workspace that compares pictures and trainings."
    )
    parser.add_argument("--project", type=str, default=PROJECT, help="Project that holds the runs.")
    parser.add_argument("--entity", type=str, default="", help="User or team; none means your own account.")
    parser.add_argument(
        "--output", type=Path, default=Path("outputs/dashboard.json"), help="File to write without an account."
    )
    options = parser.parse_args(arguments)
    _run(options)


def _run(options: Namespace) -> None:
    from rnst.reporting.dashboard import build_dashboard, save_dashboard, write_dashboard
    from rnst.reporting.tracking import is_offline

    workspace = build_dashboard(options.project, options.entity)
    if is_offline("auto"):
        write_dashboard(workspace, options.output)
        sys.stdout.write(f"{options.output}: no account is logged in, so the workspace was written and not saved\n")
    else:
        sys.stdout.write(f"{save_dashboard(workspace)}\n")
