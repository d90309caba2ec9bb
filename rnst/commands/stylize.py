"""`stylize.py` and `rnst stylize`."""

import itertools
import logging
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from rnst.commands.options import CommandParser
from rnst.commands.parsing import UsageError, quiet_lightning
from rnst.commands.view import View, add_view, take_view
from rnst.encoders.names import OWN, RANDOM, counterpart_of, find_network
from rnst.files import existing_file
from rnst.image.samples import find_picture
from rnst.results import Result
from rnst.signals import Stopped
from rnst.stylization.output_names import named_by
from rnst.stylization.settings import NO_CONTENT, StylizationSettings

GROUPS = {
    "Pictures": ("content", "style", "output", "size", "side", "supersample"),
    "How it looks": ("style_weight", "content_weight", "tv_weight", "style_scale", "colors", "init"),
    "Network": ("encoder", "weights", "style_layers", "content_layers"),
    "Losses": (
        "convention",
        "style_loss",
        "style_layer_weights",
        "content_layer_weights",
        "normalize_gradients",
        "smoothing",
    ),
    "Changes to the network": ("pooling", "pool_kernel", "strides", "stem", "padding", "relu", "normalization"),
    "Several styles and regions": ("style_weights", "style_mask", "content_mask"),
    "Effort": ("steps", "scales", "optimizer", "learning_rate", "history", "line_search", "averaging", "precision"),
    "Large pictures and several devices": ("tile", "memory", "devices"),
    "Parametrization": ("parameters", "fourier_decay", "color_basis", "margin"),
    "Against stride patterns": ("shifts", "shifts_per_step", "transforms"),
    "Textures and sequences": ("aspect", "sequence", "sequence_weight"),
    "Files and records": ("resume", "quality", "save_every", "scores", "lpips", "seed", "tracking", "tracking_folder"),
}
_COMMON = (
    "content",
    "style",
    "output",
    "size",
    "supersample",
    "style_weight",
    "style_scale",
    "colors",
    "encoder",
    "seed",
    "resume",
)
_SETTINGS = {entry.name for entry in fields(StylizationSettings)}
_COUNTERPART = "counterpart"
_EXAMPLES = (
    "stylize.py                                       a sample photo in the style of a sample painting",
    "stylize.py photo.jpg painting.jpg --size 768     your own",
    "stylize.py photo.jpg painting.jpg --style-weight 30 --colors luminance",
    "stylize.py photo.jpg one.jpg two.jpg             two styles, mixed",
    "stylize.py photos/ painting.jpg                  a folder of photos",
    "stylize.py --config draft                        a preset; --config picture.png repeats a picture",
)


def run(arguments: list[str]) -> None:
    """Stylize one picture, or a folder of them."""
    shows_config = [argument.replace("-", "_") == "__print_config" for argument in arguments]
    arguments = [argument for argument, shows in zip(arguments, shows_config, strict=True) if not shows]
    parser = _parser()
    options = parser.parse(arguments, words="pictures")
    _place_pictures(options, parser.given)
    view, compare = take_view(options), options.pop("compare")
    settings = StylizationSettings(**options)
    other = None if compare is None else (counterpart_of(settings.encoder) if compare == _COUNTERPART else compare)
    _check_files(settings)
    if other is not None:
        find_network(other)
    if any(shows_config):
        _print_config(settings)
        return
    _run(settings, other, view)


def options_in(words: Sequence[str]) -> dict[str, Any]:
    """Options of `StylizationSettings` in the words of a command line, presets included.

    Raises:
        UsageError: something is wrong with them.
    """
    parser = _parser()
    options = parser.parse(words)
    return {name: options[name] for name in parser.hints if name in _SETTINGS}


def _parser() -> CommandParser:
    parser = CommandParser(
        "stylize.py [PHOTO PAINTING ...] [--output PICTURE] [--OPTION VALUE ...]",
        "Stylize a photo by a painting, with the features of a network. In brackets: the default.",
        _EXAMPLES,
    )
    parser.add_config("stylize")
    parser.add_settings(StylizationSettings, GROUPS, _COMMON)
    parser.hints |= {"compare": str}
    text = "stylize with this encoder too, and write a page with a slider; without a name: the bundled counterpart"
    parser.add_argument("--compare", nargs="?", const=_COUNTERPART, metavar="ENCODER", help=text)
    add_view(parser)
    return parser


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


def _print_config(settings: StylizationSettings) -> None:
    """Print every option as YAML, resolved as far as possible before the pictures are read."""
    from rnst.stylization.job import resolve

    values = {**resolve(settings).as_dict(), "group": settings.group}
    sys.stdout.write(yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def _check_files(settings: StylizationSettings) -> None:
    """Refuse missing files before torch is imported, which takes seconds."""
    find_network(settings.encoder)
    pictures = [*settings.styles, *(settings.content_mask or []), *(settings.style_mask or [])]
    if settings.content != NO_CONTENT and not settings.has_folder:
        pictures.append(settings.content)
    for name in pictures:
        find_picture(name)
    if settings.weights not in {None, RANDOM, OWN}:
        existing_file(settings.weights or "", "weight file", "Correct --weights, or omit it.")


def _run(settings: StylizationSettings, other: str | None, view: View | None) -> None:
    """Stylize, by another encoder too where one is named, with a live page where a view is asked for."""
    from rnst.optimization.devices import is_first

    quiet_lightning()
    if not is_first():
        logging.getLogger("rnst").setLevel(logging.ERROR)
    if settings.output == StylizationSettings.output:
        settings = _with_new_output(settings)
    if other is not None:
        settings = _scored(settings)
    both = [settings] if other is None else [settings, _compared(settings, other)]
    page = settings.output.with_suffix(".html")
    if other is not None:
        _claim_comparison(both, page)
    results = [result for one in both for result in _stylized(one, view if is_first() else None)]
    if other is not None and is_first():
        from rnst.reporting.gallery.names import read_names
        from rnst.reporting.gallery.page import write_gallery

        write_gallery(results, page, embed=True, names=read_names())
        sys.stdout.write(f"{page}: a slider between both; open it in a browser\n")


def _claim_comparison(both: Sequence[StylizationSettings], page: Path) -> None:
    """Refuse outputs of a comparison that cannot be written, before the first picture."""
    from rnst.outputs import check_output
    from rnst.reporting.page_mark import is_page
    from rnst.stylization.claims import claim
    from rnst.stylization.job import resolve

    if not any(settings.has_folder for settings in both):
        claim([resolve(settings) for settings in both])
    check_output("--output", page, {}, is_page)


def _with_new_output(settings: StylizationSettings) -> StylizationSettings:
    """The same settings with an output that replaces no picture of other settings: -2, -3, ... is appended."""
    from rnst.stylization.job import resolve
    from rnst.stylization.record import earlier

    output = named_by(settings.output, resolve(settings).as_dict())
    if settings.has_folder:
        return settings.replaced(output=output)
    names = (output if number == 1 else output.with_stem(f"{output.stem}-{number}") for number in itertools.count(1))
    candidates = (settings.replaced(output=name) for name in names)
    return next(one for one in candidates if not one.output.exists() or earlier(resolve(one)) is not None)


def _stylized(settings: StylizationSettings, view: View | None) -> list[Result]:
    """Stylize, show the picture in progress where a view is asked for, and report the results."""
    from rnst.optimization.devices import is_first
    from rnst.stylization.folder import stylize_folder
    from rnst.stylization.stylize import stylize

    with nullcontext() if view is None else view.page(settings) as watcher:
        if settings.has_folder:
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


def _scored(settings: StylizationSettings) -> StylizationSettings:
    """The same settings with scores, which a comparison shows, where the picture is large enough to be measured."""
    from rnst.metrics.sizes import SMALLEST_SIDE
    from rnst.stylization.inputs import content_size
    from rnst.stylization.job import resolve

    if settings.content == NO_CONTENT or settings.has_folder:
        return settings
    job = resolve(settings)
    size = job.resolution.delivered(content_size(job.pictures))
    return settings.replaced(scores=True) if min(size) >= SMALLEST_SIDE else settings


def _compared(settings: StylizationSettings, other: str) -> StylizationSettings:
    """The same picture by another network, written beside it."""
    output = settings.output.with_stem(f"{settings.output.stem}_{other.replace('/', '-')}")
    return settings.replaced(encoder=other, output=output, weights=None, style_layers=None, content_layers=None)
