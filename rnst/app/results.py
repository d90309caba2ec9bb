"""The right half of the page: the picture in progress, the chosen one, what was made, two pictures compared."""

from dataclasses import dataclass

import gradio as gr

_NARROW = 80  # pixels, so that three buttons fit into a row of a phone
_DOWNLOADS = ("Download PNG", "Download TIFF", "Download YAML")


@dataclass(frozen=True)
class Results:
    """Everything that shows pictures that are made."""

    version: gr.State
    names: gr.State
    chosen: gr.State
    draft: gr.Button
    full: gr.Button
    stop: gr.Button
    live: gr.HTML
    picture: gr.Image
    caption: gr.Markdown
    larger: gr.Button
    go_on: gr.Button
    png: gr.DownloadButton
    tiff: gr.DownloadButton
    yaml_file: gr.DownloadButton
    command: gr.Textbox
    yaml: gr.Textbox
    history: gr.Gallery
    left: gr.Dropdown
    right: gr.Dropdown
    slider: gr.ImageSlider

    @property
    def details(self) -> list[gr.components.Component]:
        """What belongs to the chosen picture, in the order of `Actions.details`."""
        actions = [self.larger, self.go_on, self.png, self.tiff, self.yaml_file]
        return [self.chosen, self.picture, self.caption, *actions, self.command, self.yaml]

    @property
    def ticked(self) -> list[gr.components.Component]:
        """What changes by itself, in the order of `Actions.tick`."""
        pictures = [self.history, self.names, self.left, self.right]
        return [self.version, self.live, self.stop, *pictures, *self.details]


def add_results() -> Results:
    """Build them in the current block."""
    version, names, chosen = gr.State(-1), gr.State([]), gr.State("")
    with gr.Row(elem_classes="make"):
        draft = gr.Button("Draft", variant="primary", size="lg", min_width=_NARROW, elem_id="draft")
        full = gr.Button("Full size", size="lg", min_width=_NARROW)
        stop = gr.Button("Stop", variant="stop", size="lg", min_width=_NARROW, interactive=False)
    live = gr.HTML("", elem_id="live", padding=False)
    picture = gr.Image(
        label="Picture", interactive=False, buttons=["fullscreen"], type="filepath", visible=False, elem_id="picture"
    )
    caption = gr.Markdown("*Press Draft: a first picture takes seconds.*", elem_id="caption")
    with gr.Row():
        larger = gr.Button("Larger", visible=False)
        go_on = gr.Button("Go on from here", visible=False)
    with gr.Row():
        png, tiff, text = (gr.DownloadButton(name, visible=False, size="sm", min_width=_NARROW) for name in _DOWNLOADS)
    with gr.Accordion("How to make it again", open=False):
        command = gr.Textbox(label="Command", lines=2, interactive=False, buttons=["copy"], elem_id="command")
        yaml = gr.Textbox(label="YAML, for --config", lines=4, interactive=False, buttons=["copy"])
    gr.Markdown("## Made so far")
    history = _history()
    with gr.Accordion("Compare two pictures", open=False):
        with gr.Row():
            left, right = (gr.Dropdown([], label=side, value=None) for side in ("Left", "Right"))
        slider = gr.ImageSlider(show_label=False, interactive=False, buttons=[], elem_id="compared", max_height=600)
    return Results(
        version=version,
        names=names,
        chosen=chosen,
        draft=draft,
        full=full,
        stop=stop,
        live=live,
        picture=picture,
        caption=caption,
        larger=larger,
        go_on=go_on,
        png=png,
        tiff=tiff,
        yaml_file=text,
        command=command,
        yaml=yaml,
        history=history,
        left=left,
        right=right,
        slider=slider,
    )


def _history() -> gr.Gallery:
    return gr.Gallery(
        label="Made so far",
        show_label=False,
        columns=3,
        height="auto",
        object_fit="cover",
        allow_preview=False,
        interactive=False,
        buttons=[],
        fit_columns=False,
        elem_id="history",
    )
