"""`rnst compare`."""

import sys
from argparse import Namespace
from pathlib import Path

from rnst.commands.options import CommandParser
from rnst.outputs import check_output
from rnst.reporting.comparison.page import write_comparison
from rnst.reporting.comparison.runs import read_run
from rnst.reporting.web_page import check_page_name, is_page


def run(arguments: list[str]) -> None:
    """Write one page about several runs."""
    parser = CommandParser(
        "rnst compare RUN [RUN ...] [--output HTML] [--title TEXT]",
        "Compare trainings, pictures and sweeps on one page, from what lies on disk.",
        [
            "rnst compare checkpoints/a.run checkpoints/b.run",
            "rnst compare one.png two.png three.png",
            "rnst compare outputs/sweeps/first outputs/sweeps/second",
        ],
    )
    text = "NAME.run or weight file of a training, a picture, or the folder of a sweep"
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help=text)
    parser.add_option("output", Path, Path("outputs/compare.html"), "HTML file to write")
    parser.add_option("title", str, "Comparison of runs", "heading of the page")
    options = Namespace(**parser.parse(arguments))
    check_page_name("--output", options.output)
    runs = [read_run(path) for path in options.runs]
    check_output("--output", options.output, {}, is_page)
    page = write_comparison(runs, options.output, options.title)
    sys.stdout.write(f"{page}: {len(options.runs)} runs; open it in a browser\n")
