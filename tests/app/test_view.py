from pathlib import Path
from typing import Any

from rnst.app.jobs import Seen
from rnst.app.view import view

_LIVE: dict[str, Any] = {"step": 0, "size": [], "losses": {}, "stopping": False}


def _seen(live: dict[str, Any], *waiting: str, problem: str = "") -> Seen:
    output = Path("o/a<b>.png") if live else None
    return Seen(1, output, live, tuple(map(Path, waiting)), Path("o/x&y.png"), problem)


def test_nothing_in_progress__nothing_shown_but_what_went_wrong() -> None:
    assert view(_seen({}), None) == ""
    shown = view(_seen({}, problem="--size is <3>"), None)
    assert 'role="alert"' in shown
    assert "x&amp;y: --size is &lt;3&gt;" in shown


def test_before_the_first_step__no_picture() -> None:
    shown = view(_seen(_LIVE), None)
    assert "<img" not in shown
    assert "a&lt;b&gt;" in shown
    assert "reading the pictures" in shown
    assert " value=" not in shown  # the bar only shows that something happens


def test_in_progress__picture_percent_time_losses_and_what_is_next() -> None:
    losses = {"total": [(1, 10.0), (2, 1.0), (3, 0.1)], "style": [(1, 0.0)], "tv": [(1, 1.0)]}
    live = {**_LIVE, "step": 3, "size": [64, 48], "losses": losses, "share": 0.256, "seconds": 12.4}
    shown = view(_seen(live, "o/c.png", "o/d.png"), b"jpeg")
    assert "26 % · 12 s left · step 3, 64 x 48 pixels" in shown
    assert 'src="data:image/jpeg;base64,anBlZw=="' in shown
    assert 'points="0.0,0.0 50.0,50.0 100.0,100.0"' in shown
    assert "total loss 0.1" in shown
    assert "tv" not in shown
    assert "<li>c</li><li>d</li>" in shown
    assert "<script" not in shown


def test_stopping() -> None:
    assert "stopping after this step" in view(_seen({**_LIVE, "stopping": True}), None)
