"""The picture in progress as a piece of a page: the picture, how far it is, what comes next."""

from base64 import b64encode
from html import escape
from math import log10

from rnst.app.jobs import Seen
from rnst.stylization.pace import duration

_SHOWN = {"style": "style", "content": "photo", "total": "total"}  # loss -> how it is called
_TINY = 1e-12
_CURVE = 100.0  # both sides of the drawing


def view(seen: Seen, picture: bytes | None) -> str:
    """HTML without scripts.

    Args:
        seen: what there is to show.
        picture: JPEG of the picture in progress.
    """
    if seen.output is None:
        return _problem(seen)
    parts = [_status(seen)]
    if picture is not None:
        data = b64encode(picture).decode()
        parts.append(f'<img alt="The picture in progress" src="data:image/jpeg;base64,{data}">')
        parts.append(_losses(seen.live["losses"]))
    waiting = "".join(f"<li>{escape(path.stem)}</li>" for path in seen.waiting)
    parts.append(f"<p>Next:</p><ol>{waiting}</ol>" if waiting else "")
    return "".join(parts)


def _problem(seen: Seen) -> str:
    if not seen.problem or seen.ended is None:
        return ""
    return f'<p role="alert" class="problem">{escape(seen.ended.stem)}: {escape(seen.problem)}</p>'


def _status(seen: Seen) -> str:
    live, name = seen.live, escape(seen.output.stem if seen.output else "")
    share = live.get("share")
    if live.get("stopping"):
        state = "stopping after this step; the best picture is kept"
    elif share is None:
        state = "reading the pictures and the network"
    else:
        left = "" if live["seconds"] is None else f" · {duration(live['seconds'])} left"
        state = f"{100 * share:.0f} %{left} · step {live['step']}, {live['size'][0]} x {live['size'][1]} pixels"
    value = "" if share is None else f' value="{share:.4f}"'
    bar = f'<progress aria-label="Share of the work that is done" max="1"{value}></progress>'
    return f'<p role="status"><b>{name}</b><br>{state}</p>{bar}'


def _losses(losses: dict[str, list[tuple[int, float]]]) -> str:
    """A small curve and the last value of each loss."""
    found = [(title, losses[name]) for name, title in _SHOWN.items() if losses.get(name)]
    drawn = "".join(
        f"<figure>{_curve([value for _, value in points])}"
        f"<figcaption>{title} loss {points[-1][1]:.3g}</figcaption></figure>"
        for title, points in found
    )
    return f'<div class="losses">{drawn}</div>'


def _curve(values: list[float]) -> str:
    """Drawn over steps on a logarithmic scale."""
    heights = [log10(max(value, _TINY)) for value in values]
    low, span = min(heights), (max(heights) - min(heights)) or 1.0
    last = max(1, len(heights) - 1)
    points = " ".join(
        f"{_CURVE * number / last:.1f},{_CURVE * (1.0 - (height - low) / span):.1f}"
        for number, height in enumerate(heights)
    )
    return (
        '<svg viewBox="-2 -4 104 108" preserveAspectRatio="none" aria-hidden="true">'
        f'<polyline points="{points}" vector-effect="non-scaling-stroke"/></svg>'
    )
