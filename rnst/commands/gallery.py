"""`rnst gallery`."""

import sys
from pathlib import Path

from rnst.commands.parsing import OneLineErrors
from rnst.reporting.gallery.page import DEFAULT_TITLE, read_results, write_gallery


def run(arguments: list[str]) -> None:
    """Write the page."""
    parser = OneLineErrors(prog="rnst gallery", description="Write finished pictures as one page that compares them.")
    parser.add_argument("results", type=Path, help="Folder that stylize.py wrote to; searched with all its subfolders.")
    parser.add_argument("--output", type=Path, default=Path("outputs/gallery.html"), help="HTML file to write.")
    parser.add_argument("--embed", action="store_true", help="Carry the pictures inside the page.")
    parser.add_argument("--title", type=str, default=DEFAULT_TITLE, help="Heading of the page.")
    options = parser.parse_args(arguments)
    results = read_results(options.results)
    page = write_gallery(results, options.output, embed=options.embed, title=options.title)
    sys.stdout.write(f"{page}: {len(results)} pictures; open it in a browser\n")
