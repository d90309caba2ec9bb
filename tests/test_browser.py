import sys
import webbrowser

import pytest

from rnst.browser import open_page

_ADDRESS = "http://127.0.0.1:1/"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses that a browser was started with."""
    found: list[str] = []

    class Browser(webbrowser.BaseBrowser):
        def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002
            found.append(url)
            return True

    monkeypatch.setattr(webbrowser, "_tryorder", ["test"])
    monkeypatch.setattr(webbrowser, "_browsers", {"test": [None, Browser()]})
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    return found


@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_with_a_screen__a_browser_is_started(name: str, opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, ":0")
    assert open_page(_ADDRESS)
    assert opened == [_ADDRESS]


@pytest.mark.parametrize("remote", [False, True])
def test_without_a_screen_of_its_own__nothing_is_started(
    opened: list[str], monkeypatch: pytest.MonkeyPatch, *, remote: bool
) -> None:
    if remote:
        monkeypatch.setenv("DISPLAY", "localhost:10.0")
        monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    assert not open_page(_ADDRESS)
    assert opened == []
