"""What a contact sheet leaves beside its pictures: the sheet as PNG, and a page with the command of each picture."""

from collections.abc import Callable, Sequence

from rnst.image.files import write_image
from rnst.image.labeled_sheet import labeled_sheet
from rnst.reporting.contact_sheet.page import Entry, write_contact_page
from rnst.sweeps.grid_plan import Cell, Grid
from rnst.sweeps.grid_run import SHEET, Outcome


def write_grid(grid: Grid, outcomes: Sequence[Outcome], title: str, command_of: Callable[[Cell], str]) -> None:
    """Write sheet and page.

    Args:
        grid: the plan.
        outcomes: one for each cell.
        title: names of photo and paintings.
        command_of: command of the full picture of a cell.
    """
    pictures = [None if outcome.result is None else outcome.result.image for outcome in outcomes]
    sheet = labeled_sheet(pictures, grid.rows, grid.columns, title)
    write_image(sheet, grid.sheet, {SHEET: {"rows": grid.rows, "columns": grid.columns}})
    entries = [
        Entry(outcome.cell.label, command_of(outcome.cell), picture, outcome.problem)
        for outcome, picture in zip(outcomes, pictures, strict=True)
    ]
    write_contact_page(entries, grid.rows, grid.columns, title, grid.page)
