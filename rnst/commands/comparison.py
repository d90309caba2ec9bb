"""`stylize.py --compare`: the same picture by another network, and a page with a slider between both."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnst.results import Result

if TYPE_CHECKING:
    from rnst.stylization.job import Job


def claim_comparison(both: Sequence["Job"], page: Path) -> None:
    """Refuse outputs of a comparison that cannot be written, before the first picture."""
    from rnst.outputs import check_output
    from rnst.reporting.web_page import is_page
    from rnst.stylization.claims import claim
    from rnst.stylization.inputs import are_several

    if not any(are_several(job.pictures) for job in both):
        claim(both)
    check_output("--output", page, {}, is_page)


def is_scored(job: "Job") -> bool:
    """Whether the picture is large enough to be measured; then a comparison shows its scores."""
    from rnst.metrics.sizes import SMALLEST_SIDE
    from rnst.stylization.inputs import are_several, content_size

    if not job.pictures.has_content or are_several(job.pictures):
        return False
    return min(job.resolution.delivered(content_size(job.pictures))) >= SMALLEST_SIDE


def compared(output: Path, other: str) -> dict[str, Any]:
    """The options that change for the same picture by another network, written beside `output`."""
    beside = output.with_stem(f"{output.stem}_{other.replace('/', '-')}")
    return {"encoder": other, "output": beside, "weights": None, "style_layers": None, "content_layers": None}


def write_comparison(results: Sequence[Result], page: Path) -> None:
    """Write the page, with the pictures inside, and report where it is."""
    from rnst.reporting.gallery.names import read_names
    from rnst.reporting.gallery.page import write_gallery

    write_gallery(results, page, embed=True, names=read_names())
    sys.stdout.write(f"{page}: a slider between both; open it in a browser\n")
