"""`rnst gallery`."""

import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from rnst.commands.options import CommandParser
from rnst.errors import InvalidValueError, MissingPathError, counted
from rnst.outputs import check_output, identified
from rnst.ranges import Quality
from rnst.reporting.gallery.names import read_names
from rnst.reporting.gallery.page import DEFAULT_TITLE, read_results, write_gallery
from rnst.reporting.gallery.summary import PICKED, varied_settings
from rnst.reporting.web_page import check_page_name, is_page
from rnst.results import Result


def run(arguments: list[str]) -> None:
    """Write the page."""
    parser = CommandParser(
        "rnst gallery FOLDER [--output HTML] [--embed] [--quality N] [--picked] [--OPTION VALUE ...]",
        "Write finished pictures as one page that compares them.",
        [
            "rnst gallery outputs",
            "rnst gallery outputs/sweeps/article --picked --embed --quality 90 --output page.html",
        ],
    )
    parser.add_argument("results", type=Path, metavar="FOLDER", help="of pictures; all its subfolders are searched")
    parser.add_option("output", Path, Path("outputs/gallery.html"), "HTML file to write")
    parser.add_flag("embed", "carry the pictures inside the page")
    parser.add_option("quality", Quality | None, None, "of JPEG, with --embed; default: the files as they are")
    parser.add_flag("picked", "only the pictures that a sweep picked")
    parser.add_flag("without_inputs", "leave out photos and paintings, whose rights may not be yours")
    parser.add_option("title", str, DEFAULT_TITLE, "heading of the page")
    parser.add_option("names", Path | None, None, "titles of networks, contents and styles, each name: title")
    parser.add_option("start", list[str] | None, None, "content and style to open with; default: the largest gap")
    options = Namespace(**parser.parse(arguments))
    if options.quality is not None and not options.embed:
        raise InvalidValueError("--quality", options.quality, "given together with --embed")
    results = read_results(options.results, lambda line: sys.stderr.write(f"{line}\n"))
    varied = varied_settings(results)  # also where only the best of a search are shown
    results = _chosen(results, options.results, picked=options.picked, inputs=not options.without_inputs)
    inputs = identified((f"the picture {result.image}", result.image) for result in results)
    check_output("--output", options.output, inputs, is_page)
    check_page_name("--output", options.output)
    start, names = _pair(options.start), read_names(options.names)
    page = write_gallery(
        results,
        options.output,
        embed=options.quality or options.embed,
        title=options.title,
        names=names,
        start=start,
        varied=varied,
    )
    sys.stdout.write(f"{page}: {counted(len(results), 'picture')}; open it in a browser\n")


def _chosen(results: list[Result], folder: Path, *, picked: bool, inputs: bool) -> list[Result]:
    chosen = [result for result in results if result.scores.get(PICKED) or not picked]
    if not chosen:
        raise MissingPathError(folder, "picked result", "rnst sweep picks; leave out --picked for other folders.")
    nothing = {} if inputs else {"content_path": None, "style_paths": None}
    return [replace(result, settings={**result.settings, **nothing}) for result in chosen]


def _pair(start: list[str] | None) -> tuple[str, str] | None:
    if start is None:
        return None
    if len(start) != 2:  # noqa: PLR2004 - a pair
        raise InvalidValueError("--start", start, "the name of a content and of a style")
    return start[0], start[1]
