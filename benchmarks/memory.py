"""How much memory does painting with VGG-19 need?

    OMP_WAIT_POLICY=passive python benchmarks/memory.py [--sizes 512 1024] [--steps 12] [--precision bf16|fp32]

Each size is painted by a process of its own: random weights, one scale, content relu4_2, style relu1_1 to relu5_1, and
L-BFGS until its history is full. Printed are the peak of resident memory and what it is above a process that has
imported the same libraries and done nothing.
"""

import argparse
import multiprocessing
import resource
import sys
from pathlib import Path

import torch

from rnst.encoders.catalog import find_network
from rnst.encoders.encoder import load_encoder
from rnst.experiments.painter import Painter
from rnst.experiments.scales import plan_scales
from rnst.experiments.scene import Region, Scene, Source
from rnst.experiments.stylization_settings import StylizationSettings

_STYLE = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
_CONTENT = ["relu4_2"]
_UNITS_OF_A_GIGABYTE = 1e9 if sys.platform == "darwin" else 1e9 / 1024


def main() -> None:
    """Paint each size in a process, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024], help="long sides; the other is 3/4 of it")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    options = parser.parse_args()
    imported = _in_a_process(0, 0, options.precision)
    print(f"libraries alone: {imported:.2f} GB")
    for size in options.sizes:
        peak = _in_a_process(size, options.steps, options.precision)
        print(f"{size} x {size * 3 // 4}: {peak:.2f} GB, {peak - imported:.2f} GB above the libraries")


def _in_a_process(size: int, steps: int, precision: str) -> float:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (size, steps, precision))


def _peak(size: int, steps: int, precision: str) -> float:
    """Gigabytes that this process needed at most; a size of 0 does nothing."""
    if size:
        settings = StylizationSettings(
            encoder="vgg19",
            size=size,
            steps=steps,
            scales=1,
            style_layers=_STYLE,
            content_layers=_CONTENT,
            precision="fp32" if precision == "fp32" else "bf16",
            output=Path("unused.png"),
            tracking="off",
        )
        encoder, _ = load_encoder(find_network("vgg19"), [*_STYLE, *_CONTENT], weights="random")
        content, style = torch.rand(2, 1, 3, size * 3 // 4, size)
        scene = Scene(None, content, (Region((Source(style, 1.0),)),), content)
        painter = Painter(settings, encoder, scene)
        painter.paint(plan_scales(painter.size, settings)[0], content, [], [])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _UNITS_OF_A_GIGABYTE


if __name__ == "__main__":
    main()
