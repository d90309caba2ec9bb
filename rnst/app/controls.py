"""The left half of the page: photo, paintings, sliders, further options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from rnst.app.brush import COLORS, NAMES
from rnst.app.options import Option
from rnst.image.samples import DEFAULT_PAINTING, DEFAULT_PHOTO
from rnst.stylization.supersampling import USUAL

MOST_PAINTINGS = len(COLORS)
EDITOR_SIDE = 640
"""Pixels of the longer side of the photo that is drawn on."""
_SAMPLE_HEIGHT = 110
_PICTURES = ["image", ".heic", ".heif", ".hif", ".avif", ".tif", ".tiff"]


@dataclass(frozen=True)
class Slot:
    """One painting on the page."""

    box: gr.Group
    picture: gr.Image
    share: gr.Slider
    remove: gr.Button


@dataclass(frozen=True)
class Controls:
    """Everything that a request is made from; `values` lists it in the order of `Actions`."""

    photo: gr.State
    paintings: gr.State
    photo_file: gr.File
    painting_files: gr.File
    photo_samples: gr.Gallery
    painting_samples: gr.Gallery
    editor: gr.ImageEditor
    slots: tuple[Slot, ...]
    sliders: tuple[gr.Slider, ...]
    options: Mapping[str, gr.Textbox | gr.Dropdown]
    words: gr.Textbox

    @property
    def values(self) -> list[gr.components.Component]:
        """Inputs of an action that asks for a picture."""
        shares = [slot.share for slot in self.slots]
        return [self.photo, self.paintings, self.editor, *shares, *self.sliders, self.words, *self.options.values()]


def add_controls(
    samples: Mapping[str, Sequence[tuple[str, str]]], photo: Path, options: Mapping[str, Sequence[Option]]
) -> Controls:
    """Build them in the current block.

    Args:
        samples: "photo" and "painting" -> (file, name) of each sample.
        photo: the default photo, reduced.
        options: further options by group.
    """
    chosen, paintings = gr.State(DEFAULT_PHOTO), gr.State([DEFAULT_PAINTING])
    gr.Markdown("## 1. Photo")
    photo_file = _drop("Your photo", "photo", several=False)
    photo_samples = _samples("Sample photos", "photo_samples", samples["photo"])
    editor = _editor(photo)
    gr.Markdown(
        "Draw on the photo to give a painting its place. Without drawing, the whole photo is stylized.",
        elem_classes="hint",
    )
    gr.Markdown("## 2. Paintings")
    painting_files = _drop(f"Your paintings, up to {MOST_PAINTINGS}", "paintings", several=True)
    painting_samples = _samples("Sample paintings", "painting_samples", samples["painting"])
    with gr.Row():
        slots = tuple(_slot(number) for number in range(MOST_PAINTINGS))
    gr.Markdown("## 3. Look")
    sliders = _sliders()
    with gr.Accordion("All other options", open=False):
        further = {option.name: widget for title, group in options.items() for option, widget in _group(title, group)}
        words = gr.Textbox(
            label="More options, as on the command line", placeholder="--colors luminance --seed 1", lines=1
        )
    return Controls(
        photo=chosen,
        paintings=paintings,
        photo_file=photo_file,
        painting_files=painting_files,
        photo_samples=photo_samples,
        painting_samples=painting_samples,
        editor=editor,
        slots=slots,
        sliders=sliders,
        options=further,
        words=words,
    )


def _drop(label: str, name: str, *, several: bool) -> gr.File:
    return gr.File(
        label=label,
        elem_id=name,
        file_count="multiple" if several else "single",
        file_types=_PICTURES,
        type="filepath",
        height=120,
        elem_classes="drop",
    )


def _samples(label: str, name: str, pictures: Sequence[tuple[str, str]]) -> gr.Gallery:
    return gr.Gallery(
        list(pictures),
        label=label,
        show_label=False,
        columns=5,
        fit_columns=False,
        rows=1,
        height=_SAMPLE_HEIGHT,
        object_fit="cover",
        allow_preview=False,
        interactive=False,
        buttons=[],
        elem_id=name,
    )


def _editor(photo: Path) -> gr.ImageEditor:
    return gr.ImageEditor(
        value={"background": str(photo), "layers": [], "composite": None},
        label="Photo",
        type="numpy",
        sources=[],
        transforms=[],
        layers=False,
        brush=gr.Brush(default_size=40, colors=list(COLORS), default_color=COLORS[0], color_mode="fixed"),
        eraser=gr.Eraser(default_size=40),
        canvas_size=(EDITOR_SIDE, EDITOR_SIDE),
        buttons=[],
        height=420,
        elem_id="editor",
    )


def _slot(number: int) -> Slot:
    with gr.Group(visible=number == 0, elem_classes="slot") as box:
        picture = gr.Image(
            label=f"{number + 1}: {NAMES[number]} brush",
            interactive=False,
            height=120,
            buttons=[],
            type="filepath",
            elem_classes=f"brush{number}",
        )
        share = gr.Slider(0, 1, 1, step=0.05, label="Share", visible=False)
        remove = gr.Button("Remove", size="sm", visible=False)
    return Slot(box, picture, share, remove)


def _sliders() -> tuple[gr.Slider, ...]:
    """Strength, strokes, detail, size."""
    return (
        gr.Slider(-4, 4, 0, step=0.5, label="Strength", info="of the painting; 1 up doubles it"),
        gr.Slider(0.25, 3, 1, step=0.05, label="Stroke size", info="1: strokes as large as in the painting"),
        gr.Slider(
            1,
            3,
            USUAL,
            step=0.5,
            label="Detail",
            info="1 is fast, 3 is fine, and less for large pictures",
        ),
        gr.Slider(64, 4096, 512, step=64, label="Size", info="longer side in pixels; a draft has at most 256"),
    )


def _group(title: str, options: Sequence[Option]) -> list[tuple[Option, gr.Textbox | gr.Dropdown]]:
    with gr.Accordion(title, open=False):
        return [(option, _widget(option)) for option in options]


def _widget(option: Option) -> gr.Textbox | gr.Dropdown:
    if option.choices:
        choices = [
            (f"usual: {option.default}" if option.default else "usual", ""),
            *((one, one) for one in option.choices),
        ]
        return gr.Dropdown(choices, value="", label=option.name, info=option.description)
    return gr.Textbox("", label=option.name, info=option.description, placeholder=option.default or "usual")
