"""What happens when something on the page is pressed: between gradio's values and the workshop."""

import contextlib
import functools
import html
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import gradio as gr

from rnst.app.brush import regions, write_masks
from rnst.app.command_line import as_yaml, command_line
from rnst.app.controls import EDITOR_SIDE, MOST_PAINTINGS
from rnst.app.history import Made, find
from rnst.app.request import Request
from rnst.app.uploads import keep, pair, preview
from rnst.app.view import view
from rnst.app.workshop import Workshop
from rnst.errors import InvalidValueError, RnstError, one_line
from rnst.files import written_aside
from rnst.image.samples import DEFAULT_PAINTING, find_picture

_SLOT_SIDE, _THUMB_SIDE = 320, 360
_MOST_SHOWN = 60
_PHOTO = "the photo"
_TICKED, _DETAILS = 7, 10  # components, see `Results`

_Values = ParamSpec("_Values")
_Answer = TypeVar("_Answer")
Update = dict[str, Any]


def reported(action: Callable[_Values, _Answer]) -> Callable[_Values, _Answer]:
    """Show mistakes as one line on the page."""

    @functools.wraps(action)
    def wrapped(*values: _Values.args, **named: _Values.kwargs) -> _Answer:
        try:
            return action(*values, **named)
        except (RnstError, OSError) as error:
            raise gr.Error(html.escape(one_line(error)), title="Not done", print_exception=False) from error
        except SystemExit as error:  # an option that prints something and leaves; the server stays
            raise gr.Error("this option belongs to a command line", title="Not done", print_exception=False) from error

    return wrapped


class Actions:
    """Handlers of the page.

    Args:
        workshop: makes the pictures.
        options: names of the further options, in the order of their widgets.
    """

    def __init__(self, workshop: Workshop, options: Sequence[str]) -> None:
        self._workshop, self._options = workshop, options
        self._folders = workshop.folders

    @reported
    def take_photo(self, upload: str | None) -> tuple[Any, Any]:
        """Keep an uploaded photo, and show it; removing it from the box changes nothing."""
        if upload is None:
            return gr.skip(), gr.skip()
        return self.choose_photo(str(keep(Path(upload), self._folders.uploads)))

    @reported
    def choose_photo(self, name: str) -> tuple[str, Update]:
        """Show a photo, by its path or the name of a sample."""
        shown = preview(name, self._folders.cache, EDITOR_SIDE)
        return name, {"background": str(shown), "layers": [], "composite": None}

    @reported
    def take_paintings(self, uploads: Sequence[str] | None) -> list[Any]:
        """Keep uploaded paintings; they replace those that were chosen."""
        if not uploads:
            return [gr.skip()] * (1 + 4 * MOST_PAINTINGS)
        if len(uploads) > MOST_PAINTINGS:
            raise InvalidValueError("paintings", len(uploads), f"at most {MOST_PAINTINGS}")
        return self.show_paintings([str(keep(Path(upload), self._folders.uploads)) for upload in uploads])

    @reported
    def add_painting(self, name: str, paintings: Sequence[str]) -> list[Any]:
        """Add a sample to the paintings."""
        if name not in paintings and len(paintings) >= MOST_PAINTINGS:
            raise InvalidValueError("paintings", len(paintings) + 1, f"at most {MOST_PAINTINGS}")
        return self.show_paintings([*paintings, *([] if name in paintings else [name])])

    @reported
    def remove_painting(self, number: int, paintings: Sequence[str]) -> list[Any]:
        """Take a painting away; the last one is replaced by a sample."""
        left = [name for place, name in enumerate(paintings) if place != number]
        return self.show_paintings(left or [DEFAULT_PAINTING])

    @reported
    def show_paintings(self, paintings: Sequence[str]) -> list[Any]:
        """The paintings, and for each slot: box, picture, share, remove."""
        updates: list[Any] = [list(paintings)]
        several = len(paintings) > 1
        for number in range(MOST_PAINTINGS):
            there = number < len(paintings)
            shown = str(preview(paintings[number], self._folders.cache, _SLOT_SIDE)) if there else None
            updates += [gr.update(visible=there), gr.update(value=shown)]
            updates += [gr.update(visible=several), gr.update(visible=several)]
        return updates

    @reported
    def draft(self, *values: Any) -> None:
        """Queue a draft."""
        self._workshop.draft(self._request(values))

    @reported
    def full(self, *values: Any) -> None:
        """Queue the picture at its size."""
        self._workshop.picture(self._request(values))

    @reported
    def larger(self, name: str, size: float, detail: float) -> None:
        """Queue a larger picture that goes on from the chosen one."""
        self._workshop.larger(name, int(size), detail)

    @reported
    def go_on(self, name: str, *values: Any) -> None:
        """Resume the chosen picture, or begin the requested one with it."""
        self._workshop.go_on(name, self._request(values))

    def stop(self) -> None:
        """Stop the picture in progress."""
        self._workshop.jobs.stop()

    @reported
    def tick(self, version: int, chosen: str) -> list[Any]:
        """What is live, what was made, and the chosen picture; in the order of `Results.ticked`."""
        jobs = self._workshop.jobs
        seen = jobs.seen()
        if seen.version == version:
            if seen.output is None:
                return [gr.skip()] * (_TICKED + _DETAILS)
            return [gr.skip(), view(seen, jobs.picture()), *[gr.skip()] * (_TICKED + _DETAILS - 2)]
        gallery = self._gallery(self._workshop.history()[:_MOST_SHOWN])
        names = [name for name, *_ in gallery]
        ended = seen.ended.name if seen.ended is not None and not seen.problem else ""
        kept = chosen if chosen in names else next(iter(names), "")
        latest = ended if ended in names and (version >= 0 or not chosen) else kept
        choices = gr.update(choices=[*names, _PHOTO])
        can_stop = gr.update(interactive=seen.output is not None)
        pictures = [[(small, title) for _, small, title in gallery], names, choices, choices]
        return [seen.version, view(seen, jobs.picture()), can_stop, *pictures, *self.details(latest)]

    @reported
    def details(self, name: str) -> list[Any]:
        """The chosen picture: name, picture, caption, buttons, downloads, command and YAML."""
        if not name:
            return [gr.skip()] * _DETAILS
        made = find(self._folders.output, name)
        go_on = "Go on where it stopped" if made.can_resume else "Go on from here"
        deep = made.deep
        return [
            name,
            gr.update(value=str(made.result.image), visible=True),
            _described(made),
            gr.update(visible=True),
            gr.update(visible=True, value=go_on),
            gr.update(visible=True, value=str(made.result.image)),
            gr.update(visible=deep is not None, value=None if deep is None else str(deep)),
            gr.update(visible=True, value=str(self._written_yaml(made))),
            command_line(made.result),
            as_yaml(made.result),
        ]

    @reported
    def compare(self, left: str | None, right: str | None) -> Any:
        """Two pictures at one size."""
        if not left or not right:
            return gr.skip()
        named = [name for name in (left, right) if name != _PHOTO]
        if not named:
            return gr.skip()
        photo = find_picture(str(find(self._folders.output, named[0]).result.settings.get("content")))
        files = [photo if name == _PHOTO else find(self._folders.output, name).result.image for name in (left, right)]
        return tuple(map(str, pair(files[0], files[1], self._folders.cache)))

    def _gallery(self, made: Sequence[Made]) -> list[tuple[str, str, str]]:
        """Name, small picture and title of each; without damaged ones, which would hide all the others."""
        shown = []
        for one in made:
            with contextlib.suppress(RnstError, OSError):
                small = preview(str(one.result.image), self._folders.cache, _THUMB_SIDE)
                shown.append((one.name, str(small), one.title))
        return shown

    def _written_yaml(self, made: Made) -> Path:
        path = self._folders.cache / f"{made.result.image.stem}.yaml"
        with written_aside(path) as aside:
            aside.write_text(as_yaml(made.result), encoding="utf-8")
        return path

    def _request(self, values: Sequence[Any]) -> Request:
        """From the values of `Controls.values`."""
        photo, paintings, drawing, *rest = values
        shares, (strength, stroke, detail, size, words), options = (
            rest[:MOST_PAINTINGS],
            rest[MOST_PAINTINGS : MOST_PAINTINGS + 5],
            rest[MOST_PAINTINGS + 5 :],
        )
        count = len(paintings)
        return Request(
            photo=photo,
            paintings=tuple(paintings),
            shares=tuple(shares[:count]),
            masks=self._masks(drawing, count),
            strength=strength,
            stroke=stroke,
            detail=detail,
            size=int(size),
            options=_given(self._options, options),
            words=words or "",
        )

    def _masks(self, drawing: Mapping[str, Any] | None, paintings: int) -> tuple[Path, ...]:
        layers = (drawing or {}).get("layers") or []
        return tuple(write_masks(regions(layers, paintings), self._folders.masks))


def _given(names: Sequence[str], values: Sequence[Any]) -> dict[str, str]:
    return {name: str(value) for name, value in zip(names, values, strict=True) if value not in {None, ""}}


def _described(made: Made) -> str:
    return f"**{made.caption}**".replace("_", "\\_")
