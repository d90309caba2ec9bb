"""`stylize.py --compare`: the same picture by another network, and a page with a slider between both."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rnst.results import Result
from rnst.stylization.combinations import NO_CONTENT
from rnst.stylization.settings import StylizationSettings


def claim_comparison(both: Sequence[StylizationSettings], page: Path) -> None:
    """Refuse outputs of a comparison that cannot be written, before the first picture."""
    from rnst.outputs import check_output
    from rnst.reporting.web_page import is_page
    from rnst.stylization.claims import claim
    from rnst.stylization.job import resolve

    if not any(settings.has_folder for settings in both):
        claim([resolve(settings) for settings in both])
    check_output("--output", page, {}, is_page)


def scored(settings: StylizationSettings) -> StylizationSettings:
    """The same settings with scores, which a comparison shows, where the picture is large enough to be measured."""
    from rnst.metrics.sizes import SMALLEST_SIDE
    from rnst.stylization.inputs import content_size
    from rnst.stylization.job import resolve

    if settings.content == NO_CONTENT or settings.has_folder:
        return settings
    job = resolve(settings)
    size = job.resolution.delivered(content_size(job.pictures))
    return settings.replaced(scores=True) if min(size) >= SMALLEST_SIDE else settings


def compared(settings: StylizationSettings, other: str) -> StylizationSettings:
    """The same picture by another network, written beside it."""
    output = settings.output.with_stem(f"{settings.output.stem}_{other.replace('/', '-')}")
    return settings.replaced(encoder=other, output=output, weights=None, style_layers=None, content_layers=None)


def write_comparison(results: Sequence[Result], page: Path) -> None:
    """Write the page, with the pictures inside, and report where it is."""
    from rnst.reporting.gallery.names import read_names
    from rnst.reporting.gallery.page import write_gallery

    write_gallery(results, page, embed=True, names=read_names())
    sys.stdout.write(f"{page}: a slider between both; open it in a browser\n")
