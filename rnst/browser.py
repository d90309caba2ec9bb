"""Opens pages of this program in the user's browser."""

import os
import sys
import webbrowser

_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")
_ALWAYS = ("win32", "darwin")
_REMOTE = "SSH_CONNECTION"


def open_page(address: str) -> bool:
    """Open a page; True where a browser was started.

    Without a screen, or on a machine that is used from another one, nothing is opened: a browser in the terminal would
    take it over, and one on another machine cannot reach the page.
    """
    if os.environ.get(_REMOTE) or not (sys.platform in _ALWAYS or any(os.environ.get(name) for name in _SCREENS)):
        return False
    try:
        return webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return False
