"""`rnst app`."""

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from rnst.app.settings import AppSettings
from rnst.commands.options import CommandParser
from rnst.commands.parsing import quiet_lightning
from rnst.errors import MissingExtraError
from rnst.outputs import check_folder

_EXTRA = "app"
_LIBRARY = "gradio"


def run(arguments: list[str]) -> None:
    """Serve the page, and stylize what it asks for, until Ctrl-C."""
    parser = CommandParser(
        "rnst app [--output FOLDER] [--port N] [--no-browser]",
        "Stylize pictures on a page in the browser of this machine.",
        ["rnst app", "rnst app --output pictures --port 0 --no-browser"],
    )
    parser.add_settings(AppSettings, {"Page": ("output", "port")})
    parser.add_flag("no_browser", "print the address, and open no browser")
    options = parser.parse(arguments)
    opens = not options.pop("no_browser")
    settings = AppSettings(**options)
    if find_spec(_LIBRARY) is None:
        raise MissingExtraError("rnst app", _EXTRA)
    check_folder("--output", settings.output)
    _serve(settings, opens=opens)


def _serve(settings: AppSettings, *, opens: bool) -> None:
    sys.stderr.write("the page is prepared; this takes some seconds\n")
    from rnst.app.serving import serve
    from rnst.browser import open_page
    from rnst.commands.stylize_options import GROUPS

    quiet_lightning()
    with serve(settings, _parsed, GROUPS) as (workshop, address):
        sys.stderr.write(f"{address} (Ctrl-C ends it; pictures are kept in {settings.output})\n")
        if opens:
            open_page(address)
        workshop.jobs.work()


def _parsed(words: Sequence[str]) -> dict[str, Any]:
    from rnst.commands.stylize_options import options_in

    return options_in(words)
