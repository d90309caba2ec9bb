"""The page: both halves, and what each part does."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from rnst.app.actions import Actions
from rnst.app.controls import EDITOR_SIDE, Controls, add_controls
from rnst.app.options import Option
from rnst.app.results import Results, add_results
from rnst.app.uploads import preview
from rnst.app.workshop import Workshop
from rnst.image.samples import DEFAULT_PHOTO, KINDS, sample_names

TITLE = "rnst: stylize a photo by paintings"
STYLE = Path(__file__).parent / "page.css"
_EVERY = 1.0  # seconds between two questions about the picture in progress
_SAMPLE_SIDE = 240
_DAY = 86_400
_private: dict[str, Any] = {"api_visibility": "private"}


def build(workshop: Workshop, options: Mapping[str, Sequence[Option]]) -> gr.Blocks:
    """The page of a workshop.

    Args:
        workshop: makes the pictures.
        options: further options by group.
    """
    actions = Actions(workshop, [option.name for group in options.values() for option in group])
    cache = workshop.folders.cache
    samples = {kind: [(str(preview(name, cache, _SAMPLE_SIDE)), name) for name in sample_names(kind)] for kind in KINDS}
    samples["painting"].append((str(preview("hubble_deep_field", cache, _SAMPLE_SIDE)), "hubble_deep_field"))
    page: gr.Blocks
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(_DAY, _DAY), fill_width=True) as page:
        gr.Markdown("# Stylize a photo by paintings")
        with gr.Row(equal_height=False):
            with gr.Column(scale=5, min_width=300):
                controls = add_controls(samples, preview(DEFAULT_PHOTO, cache, EDITOR_SIDE), options)
            with gr.Column(scale=6, min_width=300):
                results = add_results()
        timer = gr.Timer(_EVERY)
        _wire_controls(page, controls, actions, {kind: [name for _, name in found] for kind, found in samples.items()})
        _wire_results(controls, results, actions)
        asked = [results.version, results.chosen]
        timer.tick(actions.tick, asked, results.ticked, show_progress="hidden", queue=False, **_private)
        page.load(actions.tick, asked, results.ticked, show_progress="hidden", queue=False, **_private)
    return page


def _wire_controls(page: gr.Blocks, controls: Controls, actions: Actions, names: Mapping[str, Sequence[str]]) -> None:
    """Photo and paintings."""
    shown = [controls.photo, controls.editor]

    def sample_photo(event: gr.SelectData) -> tuple[str, dict[str, object]]:
        return actions.choose_photo(names["photo"][event.index])

    def sample_painting(paintings: list[str], event: gr.SelectData) -> list[object]:
        return actions.add_painting(names["painting"][event.index], paintings)

    controls.photo_file.upload(actions.take_photo, controls.photo_file, shown, **_private)
    controls.photo_samples.select(sample_photo, None, shown, **_private)
    paintings = controls.paintings
    slots = [part for slot in controls.slots for part in (slot.box, slot.picture, slot.share, slot.remove)]
    changed = [paintings, *slots]
    controls.painting_files.upload(actions.take_paintings, controls.painting_files, changed, **_private)
    controls.painting_samples.select(sample_painting, paintings, changed, **_private)
    page.load(actions.show_paintings, paintings, changed, show_progress="hidden", **_private)
    for number, slot in enumerate(controls.slots):
        remove = partial(actions.remove_painting, number)
        slot.remove.click(remove, paintings, changed, show_progress="hidden", **_private)


def _wire_results(controls: Controls, results: Results, actions: Actions) -> None:
    """What is made."""

    def choose(made: list[str], event: gr.SelectData) -> list[object]:
        return actions.details(made[event.index])

    values, chosen = controls.values, results.chosen
    *_, detail, size = controls.sliders
    results.draft.click(actions.draft, values, None, show_progress="hidden", **_private)
    results.full.click(actions.full, values, None, show_progress="hidden", **_private)
    results.larger.click(actions.larger, [chosen, size, detail], None, show_progress="hidden", **_private)
    results.go_on.click(actions.go_on, [chosen, *values], None, show_progress="hidden", **_private)
    results.stop.click(actions.stop, None, None, show_progress="hidden", queue=False, **_private)
    results.history.select(choose, results.names, results.details, show_progress="hidden", **_private)
    for side in (results.left, results.right):
        side.input(actions.compare, [results.left, results.right], results.slider, show_progress="hidden", **_private)
