"""Runs a command in this process, as a terminal would, with settings that take a second."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from rnst.image.files import write_image

FAST = {
    "size": 32,
    "supersample": 1.0,
    "steps": 2,
    "scales": 1,
    "shifts": 1,
    "margin": 4,
    "encoder": "resnet18",
    "weights": "random",
    "style_layers": "layer1",
    "content_layers": "layer1",
    "precision": "fp32",
    "save_every": 0,
    "tracking": "off",
    "output": "out.png",
}


def arguments(*more: str, **options: object) -> list[str]:
    """Of stylize.py: `cat.png` in the style of `waves.png`."""
    chosen = {"content": "cat.png", "style": "waves.png", **FAST, **options}
    return [*(f"--{name}={value}" for name, value in chosen.items()), *more]


def exit_status(program: Callable[[Sequence[str]], None], words: Sequence[str]) -> int:
    """Exit status of a command."""
    try:
        program(words)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def pictures(folder: Path, *names: str) -> None:
    """Make small pictures."""
    for name in names:
        write_image(torch.rand(1, 3, 30, 40), folder / name)
