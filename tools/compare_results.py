"""Describes how the files that a scene left at one commit differ from those of another commit."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file

Array = np.ndarray[Any, np.dtype[Any]]

EQUAL = "equal"
STATUS = "status"  # the file with the exit status of a scene
_PICTURES = (".png", ".jpg", ".webp", ".tif")
_WEIGHTS = ".safetensors"
_ENDINGS = (*_PICTURES, ".json", _WEIGHTS)
_SHOWN = 3  # differences of a scene
_NUMBERS = ("losses", "scores")  # parts of a sidecar


def compare(first: Path, second: Path, renames: Mapping[str, str]) -> str:
    """What differs between two folders of one scene; `EQUAL` where nothing does.

    Args:
        first: folder with `status`, `stderr` and what the program wrote.
        second: the same at the other commit.
        renames: loss:NAME -> its name in `second`.
    """
    ends = [failure(first), failure(second)]
    if any(ends):
        return "; ".join(f"failed at {name}: {end}" for name, end in zip("AB", ends, strict=True) if end)
    files, others = _files(first), _files(second)
    differences = [f"{name} is written at {'A' if name in files else 'B'} only" for name in sorted(files ^ others)]
    for name in sorted(files & others):
        differences += (f"{name}: {text}" for text in _differences(first / name, second / name, renames))
    if not files | others:
        differences.append("failed at both: no file was written")
    if len(differences) > _SHOWN:
        differences[_SHOWN:] = [f"and {len(differences) - _SHOWN} more"]
    return "; ".join(differences) or EQUAL


def failure(folder: Path) -> str:
    """How a scene failed: its exit status and the last line of its errors. "" where it did not."""
    status = folder / STATUS
    if not status.is_file():
        return "it did not end"
    code = status.read_text().strip()
    if code == "0":
        return ""
    lines = (folder / "stderr").read_text(errors="replace").split("\n") if (folder / "stderr").is_file() else []
    return next((f"{line.strip()} (status {code})" for line in reversed(lines) if line.strip()), f"status {code}")


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix in _ENDINGS}


def _differences(first: Path, second: Path, renames: Mapping[str, str]) -> Iterator[str]:
    if first.suffix in _PICTURES:
        yield from _pixels(_read_pixels(first), _read_pixels(second))
    elif first.suffix == _WEIGHTS:
        yield from _tensors(load_file(first), load_file(second))
        yield from _values(_accuracies(first), _accuracies(second))
    else:
        one, other = (json.loads(path.read_text(encoding="utf-8")) for path in (first, second))
        for part in _NUMBERS:
            ours = {renames.get(f"loss:{name}", name): value for name, value in one.get(part, {}).items()}
            yield from (f"{part}: {text}" for text in _values(ours, other.get(part, {})))


def _read_pixels(path: Path) -> Array:
    """All channels as integers; Pillow would cut colors of 16 bits to 8."""
    pixels: Array = tifffile.imread(path) if path.suffix == ".tif" else np.asarray(Image.open(path))
    return pixels.astype(np.int64)


def _pixels(first: Array, second: Array) -> Iterator[str]:
    if first.shape != second.shape:
        yield f"shape {first.shape} against {second.shape}"
        return
    difference = np.abs(first - second)
    if difference.any():
        share = difference.reshape(*difference.shape[:2], -1).any(axis=2).mean()
        yield f"{share:.2%} of the pixels, by up to {difference.max()} levels"


def _tensors(first: Mapping[str, Array], second: Mapping[str, Array]) -> Iterator[str]:
    if first.keys() != second.keys():
        yield f"tensors of one alone: {', '.join(sorted(first.keys() ^ second.keys())[:3])}"
    both = [name for name in first if name in second]
    changed = [name for name in both if not _same_bits(first[name], second[name])]
    if changed:
        name = changed[0]
        text = f"{len(changed)} of {len(both)} tensors, the first is {name}"
        if first[name].shape == second[name].shape:
            text += f", by up to {np.abs(first[name].astype(np.float64) - second[name]).max():.3g}"
        yield text


def _same_bits(first: Array, second: Array) -> bool:
    return (first.dtype, first.shape, first.tobytes()) == (second.dtype, second.shape, second.tobytes())


def _accuracies(path: Path) -> dict[str, Any]:
    """Those in the facts that a weight file carries as JSON."""
    with safe_open(path, framework="numpy") as file:
        facts = [json.loads(text) for text in (file.metadata() or {}).values() if text.startswith("{")]
    return {name: value for each in facts for name, value in each.items() if name.startswith("accuracy")}


def _values(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[str]:
    """The first value that differs."""
    for name in [*first, *(name for name in second if name not in first)]:
        if name not in first or name not in second:
            yield f"{name} is there at {'A' if name in first else 'B'} only"
            return
        if first[name] != second[name]:
            yield f"{name} is {first[name]!r} against {second[name]!r}"
            return
