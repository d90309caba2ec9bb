"""`rnst convert`."""

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rnst.commands.options import CommandParser
from rnst.encoders.names import encoder_names, find_network
from rnst.errors import InvalidValueError
from rnst.files import exists
from rnst.outputs import check_output, identified

if TYPE_CHECKING:
    from rnst.encoders.weights.layouts import Facts, State

_MEGABYTE = 1e6


def run(arguments: list[str]) -> None:
    """Read weights of any layout, write them in one of two."""
    parser = CommandParser(
        "rnst convert IN OUT [--half] [--to safetensors|madrylab] [--architecture NAME]",
        "Convert weights: of MadryLab (.pt), Hugging Face (.ckpt), Lightning, torchvision, or ours.",
        ["rnst convert model.pt model.safetensors --half", "rnst convert resnet50_robust resnet50.pt"],
    )
    parser.add_argument("input", type=str, metavar="IN", help="weight file, or a name that rnst models lists")
    parser.add_argument("output", type=Path, metavar="OUT", help="file to write: .safetensors, or MadryLab's .pt")
    parser.add_flag("half", "store kernels as float16, which halves the file")
    parser.add_option("to", Literal["safetensors", "madrylab"] | None, None, "none means that of the name of OUT")
    parser.add_option(
        "architecture", str | None, None, "where the file and its tensors do not show it, or the file is wrong"
    )
    options = Namespace(**parser.parse(arguments))
    _run(options, _layout(options.to, options.output))


def _run(options: Namespace, layout: str) -> None:
    from rnst.encoders.encoder import weights_file
    from rnst.encoders.weights.conversion import read_with_facts
    from rnst.encoders.weights.files import is_ours, write_madrylab, write_weights

    source, row = Path(options.input), None
    if not exists(source) and options.input in encoder_names():
        row = find_network(options.input)
        source = weights_file(row)
    check_output("OUT", options.output, identified([(f"IN {source}", source)]), is_ours)
    state, facts = read_with_facts(source, options.architecture, row)
    write = write_weights if layout == "safetensors" else write_madrylab
    write(options.output, state, facts, half=options.half)
    size = options.output.stat().st_size / _MEGABYTE
    sys.stdout.write(f"{source.name}: {_described(state, facts)}\n{options.output}: {layout}, {size:.1f} MB\n")


def _layout(wanted: str | None, output: Path) -> str:
    """What to write."""
    by_name = "safetensors" if output.suffix == ".safetensors" else "madrylab"
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
        parts.append("standard training")
    else:
        parts.append("radius unknown")
    return ", ".join(parts)
