"""`--view`: the page of the picture in progress."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnst.browser import open_page
from rnst.commands.options import CommandParser
from rnst.commands.parsing import UsageError
from rnst.ranges import Port

if TYPE_CHECKING:
    from rnst.stylization.job import Job
    from rnst.stylization.live_page import LivePage


@dataclass(frozen=True)
class View:
    """What the page is asked for with.

    Attributes:
        port: where it is served; 0 takes a free one.
        opens: whether a browser is started.
    """

    port: int
    opens: bool

    def page(self, job: "Job") -> "LivePage":
        """The page of a picture; its address is printed.

        Raises:
            RnstError: the port is taken, or a picture cannot be read.
        """
        from rnst.stylization.live_page import LivePage, Subject

        page = LivePage(self.port, Subject.of(job))
        sys.stderr.write(f"live view: {page.address}\n")
        if self.opens:
            open_page(page.address)
        return page


def add_view(parser: CommandParser) -> None:
    """Add the options of the page."""
    parser.add_flag("view", "show the picture in progress in a browser on this machine")
    parser.add_option("view_port", Port, 0, "port of the view; 0 takes a free one")
    parser.add_flag("no_browser", "with --view: print the address, and open no browser")


def take_view(options: dict[str, Any]) -> View | None:
    """Take the options of the page out of the others; None where none is asked for."""
    wanted, port, opens = options.pop("view"), options.pop("view_port"), not options.pop("no_browser")
    if not wanted and (port or not opens):
        raise UsageError("--view_port and --no_browser are of the live view; add --view")
    return View(port, opens) if wanted else None
