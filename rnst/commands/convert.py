"""`rnst convert`."""

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from rnst.commands.parsing import OneLineErrors
from rnst.encoders.names import encoder_names, find_network
from rnst.errors import InvalidValueError

if TYPE_CHECKING:
    from rnst.encoders.weights.layouts import Facts, State

_LAYOUTS = ("safetensors", "madrylab")
_MEGABYTE = 1e6


def run(arguments: list[str]) -> None:
    """Read weights of any layout, write them in one of two."""
    parser = OneLineErrors(
        usage="rnst convert IN OUT [--half] [--to safetensors|madrylab] [--architecture NAME]",
        description="Convert weights: of MadryLab (.pt), of Hugging Face (.ckpt), of Lightning, of torchvision, ours.",
    )
    parser.add_argument("input", type=str, help="Weight file, or a name that rnst models lists.")
    parser.add_argument("output", type=Path, help="File to write; .safetensors, or .pt for MadryLab's layout.")
    parser.add_argument("--half", action="store_true", help="Store kernels as float16, which halves the file.")
    parser.add_argument("--to", type=str, default="", help="safetensors or madrylab; else the file name tells.")
    parser.add_argument("--architecture", type=str, default="", help="Where neither the file nor its tensors tell it.")
    options = parser.parse_args(arguments)
    _run(options, _layout(options.to, options.output))


def _run(options: Namespace, layout: str) -> None:
    from rnst.encoders.encoder import weights_file
    from rnst.encoders.weights.conversion import read_with_facts
    from rnst.encoders.weights.files import write_madrylab, write_weights

    source = Path(options.input)
    if not source.exists() and options.input in encoder_names():
        source = weights_file(find_network(options.input))
    if options.output.exists() and source.exists() and options.output.samefile(source):
        raise InvalidValueError("OUT", str(options.output), "another file than IN")
    state, facts = read_with_facts(source, options.architecture or None)
    write = write_weights if layout == "safetensors" else write_madrylab
    write(options.output, state, facts, half=options.half)
    size = options.output.stat().st_size / _MEGABYTE
    sys.stdout.write(f"{source.name}: {_described(state, facts)}\n{options.output}: {layout}, {size:.1f} MB\n")


def _layout(wanted: str, output: Path) -> str:
    """What to write."""
    by_name = "safetensors" if output.suffix == ".safetensors" else "madrylab"
    if wanted not in {"", *_LAYOUTS}:
        raise InvalidValueError("--to", wanted, f"one of {', '.join(_LAYOUTS)}")
    if wanted and wanted != by_name:
        raise InvalidValueError(
            "OUT", str(output), "a name that ends in .safetensors for safetensors, and for them alone"
        )
    return by_name


def _described(state: "State", facts: "Facts") -> str:
    """What was read, in one line."""
    from rnst.encoders.weights.conversion import count_classes

    classes = count_classes(state)
    mean = " ".join(f"{value:g}" for value in facts["mean"])
    parts = [
        facts["architecture"],
        f"{classes} classes" if classes else "no head",
        f"normalization {facts['normalization']} (mean {mean})",
    ]
    if facts.get("radius"):
        parts.append(f"trained with {str(facts.get('norm', '')).capitalize()} radius {facts['radius']:.4g}")
    elif "radius" in facts:
        parts.append("ordinary training")
    else:
        parts.append("radius unknown")
    return ", ".join(parts)
