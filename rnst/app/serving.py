"""The server of the page: this machine alone, nothing from elsewhere."""

import os
import socket
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before the import
import gradio as gr
from starlette.middleware import Middleware

from rnst.app.guard import Guard
from rnst.app.options import further_options
from rnst.app.page import STYLE, build
from rnst.app.request import OF_THE_PAGE
from rnst.app.settings import AppSettings
from rnst.app.workshop import Parse, Workshop
from rnst.errors import RnstError
from rnst.stylization.settings import StylizationSettings

HOST = "127.0.0.1"
_ON_THE_PAGE = ("content", "style", "style_weights", "style_weight", "style_scale", "supersample", "size")
_NOT_OFFERED = ("print", "sequence_weight", "flow", "key_frames", "tracking_folder", "group", "devices")
_LARGEST_UPLOAD = "500mb"
_FONTS = ("system-ui", "sans-serif")  # of the machine: nothing is fetched
_FIXED_FONTS = ("ui-monospace", "monospace")


class TakenPortError(RnstError):
    """Something else listens there already."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is taken. Give another --port, or 0 for a free one.")


@contextmanager
def serve(settings: AppSettings, parse: Parse, groups: Mapping[str, Collection[str]]) -> Iterator[tuple[Workshop, str]]:
    """Serve the page within the block; the block has to run `workshop.jobs.work`.

    Args:
        settings: of the page.
        parse: the parser of `stylize.py`.
        groups: of its options.

    Yields:
        The workshop, and the address of the page.

    Raises:
        TakenPortError: the port is in use.
    """
    port = _free_port(settings.port)
    workshop = Workshop(settings.output, parse)
    cache = workshop.folders.cache.absolute()
    cache.mkdir(parents=True, exist_ok=True)
    os.environ["GRADIO_TEMP_DIR"] = str(cache)
    options = further_options(StylizationSettings, groups, (*_ON_THE_PAGE, *_NOT_OFFERED, *OF_THE_PAGE))
    page = build(workshop, options)
    page.queue(default_concurrency_limit=1)
    page.launch(
        server_name=HOST,
        server_port=port,
        share=False,
        inbrowser=False,
        prevent_thread_lock=True,
        quiet=True,
        show_error=False,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        allowed_paths=[str(settings.output.absolute())],
        max_file_size=_LARGEST_UPLOAD,
        app_kwargs={"middleware": [Middleware(Guard, hosts=(HOST, "localhost"))], "openapi_url": None},
        theme=_theme(),
        css_paths=[STYLE],
    )
    try:
        yield workshop, f"http://{HOST}:{port}/"
    finally:
        workshop.jobs.close()
        page.close(verbose=False)


def _theme() -> gr.themes.Base:
    """Colors with enough contrast, and fonts of the machine."""
    theme = gr.themes.Default(primary_hue="indigo", font=list(_FONTS), font_mono=list(_FIXED_FONTS))
    return theme.set(
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
    )


def _free_port(port: int) -> int:
    """The port, or a free one for 0.

    Raises:
        TakenPortError: it is in use.
    """
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, port))
        except OSError as error:
            raise TakenPortError(port) from error
        return int(tried.getsockname()[1])
