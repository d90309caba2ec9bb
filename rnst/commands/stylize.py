"""`stylize.py` and `rnst stylize`."""

import logging
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import yaml

from rnst.commands.comparison import claim_comparison, compared, is_scored, write_comparison
from rnst.commands.grid import as_draft, read_axes, refuse_beside, run_grid_command
from rnst.commands.parsing import UsageError, quiet_lightning
from rnst.commands.stylize_options import COUNTERPART, stylize_parser
from rnst.commands.view import View, take_view
from rnst.encoders.names import OWN, RANDOM, counterpart_of, find_network
from rnst.files import existing_file, numbered
from rnst.image.samples import find_picture
from rnst.results import Result
from rnst.signals import Stopped
from rnst.stylization.combinations import DEFAULT_SIZE, NO_CONTENT
from rnst.stylization.output_names import named_by
from rnst.stylization.settings import StylizationSettings


def run(arguments: list[str]) -> None:
    """Stylize one picture, or a folder of them."""
    shows_config = [argument.replace("-", "_") == "__print_config" for argument in arguments]
    arguments = [argument for argument, shows in zip(arguments, shows_config, strict=True) if not shows]
    parser = stylize_parser()
    makes_sheet = any(word.partition("=")[0] == "--grid" for word in arguments)
    options = parser.parse(as_draft(arguments) if makes_sheet else arguments, words="pictures")
    if makes_sheet:
        refuse_beside(parser.given)
    _place_pictures(options, parser.given)
    view, compare = take_view(options), options.pop("compare")
    grid = options.pop("grid")
    _choose_size(options, parser.given)
    settings = StylizationSettings(**options)
    other = None if compare is None else (counterpart_of(settings.encoder) if compare == COUNTERPART else compare)
    if grid is not None and (settings.has_folder or settings.has_video):
        raise UsageError("--grid makes a contact sheet of one photo, not of a folder or a video")
    axes = None if grid is None else read_axes(grid, len(settings.styles))
    _check_files(settings)
    if other is not None:
        find_network(other)
        if settings.has_video:
            raise UsageError("--compare takes a photo, and the content is a video")
    if any(shows_config):
        _print_config(settings)
        return
    if axes is not None:
        run_grid_command(settings, axes, arguments, parser.hints)
    else:
        _run(settings, other, view)


def _place_pictures(options: dict[str, Any], given: Mapping[str, str]) -> None:
    """Take the words that belong to no option as photo and paintings.

    Raises:
        UsageError: a picture is given in both ways.
    """
    words = options.pop("pictures")
    placed = {"content": words[:1], "style": words[1:]}
    for name, pictures in placed.items():
        if pictures and name in given:
            raise UsageError(f"{pictures[0]!r} and --{name} are both given; omit one of them")
        if pictures:
            options[name] = pictures[0] if len(pictures) == 1 else pictures


def _choose_size(options: dict[str, Any], given: Mapping[str, str]) -> None:
    """Let a sheet on the command line outrank a size in a configuration, and the reverse.

    Raises:
        UsageError: both are on the command line.
    """
    if "print" in given and "size" in given:
        raise UsageError("--print chooses the size; omit --size")
    if "print" in given:
        options["size"] = DEFAULT_SIZE
        options["side"] = options["side"] if "side" in given else "long"
    elif "size" in given:
        options["print"] = None


def _print_config(settings: StylizationSettings) -> None:
    """Print every option as YAML, resolved as far as possible before the pictures are read."""
    from rnst.stylization.job import resolve

    values = {**resolve(settings).as_dict(), "group": settings.group}
    sys.stdout.write(yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def _check_files(settings: StylizationSettings) -> None:
    """Refuse missing files before torch is imported, which takes seconds."""
    find_network(settings.encoder)
    has_photo = settings.content != NO_CONTENT and not settings.has_folder
    pictures = {
        "content": [settings.content] if has_photo else None,
        "style": settings.styles,
        "content_mask": settings.content_mask,
        "style_mask": settings.style_mask,
    }
    for option, names in pictures.items():
        for name in names or ():
            find_picture(name, f"--{option}")
    if settings.weights not in {None, RANDOM, OWN}:
        existing_file(settings.weights or "", "weight file", "Correct --weights, or omit it.")


def _run(settings: StylizationSettings, other: str | None, view: View | None) -> None:
    """Stylize, by another encoder too where one is named, with a live page where a view is asked for."""
    from rnst.optimization.devices import is_first
    from rnst.stylization.job import resolve

    quiet_lightning()
    if not is_first():
        logging.getLogger("rnst").setLevel(logging.ERROR)
    if settings.output == StylizationSettings.output:
        settings = _with_new_output(settings)
    both, page = [settings], settings.output.with_suffix(".html")
    if other is not None:
        settings = settings.replaced(scores=settings.scores or is_scored(resolve(settings)))
        both = [settings, settings.replaced(**compared(settings.output, other))]
        claim_comparison([resolve(one) for one in both], page)
    results = [result for one in both for result in _stylized(one, view if is_first() else None)]
    if other is not None and is_first():
        write_comparison(results, page)


def _with_new_output(settings: StylizationSettings) -> StylizationSettings:
    """The same settings with an output that replaces no picture of other settings: -2, -3, ... is appended."""
    from rnst.stylization.job import resolve

    output = named_by(settings.output, resolve(settings).as_dict())
    if settings.has_video:
        return settings.replaced(output=output)
    return next(one for one in (settings.replaced(output=name) for name in numbered(output)) if _replaces_nothing(one))


def _replaces_nothing(settings: StylizationSettings) -> bool:
    """Whether every picture that is there already is the one that these settings make."""
    from rnst.stylization.record import earlier
    from rnst.stylization.stylize import job_of, jobs_of_folder

    jobs = jobs_of_folder(settings) if settings.has_folder else [job_of(settings)]
    return all(not job.records.output.exists() or earlier(job) is not None for job in jobs)


def _stylized(settings: StylizationSettings, view: View | None) -> list[Result]:
    """Stylize, show the picture in progress where a view is asked for, and report the results."""
    from rnst.optimization.devices import is_first
    from rnst.stylization.job import resolve
    from rnst.stylization.stylize import stylize, stylize_folder, stylize_video

    with nullcontext() if view is None else view.page(resolve(settings)) as watcher:
        if settings.has_video:
            results = stylize_video(settings, on_step=watcher)
        elif settings.has_folder:
            results = stylize_folder(settings, on_step=watcher)
        else:
            results = [stylize(settings, on_step=watcher).result]
        if watcher is not None:
            watcher.finish(results)
    for result in results if is_first() else ():
        width, height = result.size
        sys.stdout.write(f"{result.image}: {width} x {height} pixels, {result.seconds:.0f} s\n")
        if not result.finished:
            raise Stopped(f"stopped; {result.image} is the best picture so far")
    return results
