"""How much memory does a stylization need, and how much is estimated before it begins?

    OMP_WAIT_POLICY=passive python benchmarks/memory.py [--encoders vgg19 ...] [--sizes 512 1024] [--steps 12]

A separate process optimizes a picture of each size: random weights, one scale, and L-BFGS until its history is full.
Layers of VGG-19 are content relu4_2 and style relu1_1 to relu5_1, otherwise the defaults. The output is the peak of
resident memory, its excess over a process that only imports the same libraries, and the estimate of `rnst` in the same
process before the first step.
"""

import argparse
import multiprocessing
import resource
import sys
from pathlib import Path
from typing import NamedTuple

import torch

from rnst.encoders.catalog import content_layers, style_layers
from rnst.encoders.encoder import load_encoder
from rnst.encoders.names import find_network
from rnst.stylization.estimate import estimate
from rnst.stylization.inputs import Inputs
from rnst.stylization.job import resolve
from rnst.stylization.regions import Region, Source
from rnst.stylization.scale_runner import ScaleRunner
from rnst.stylization.settings import StylizationSettings

_LAYERS = {"vgg19": (["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"], ["relu4_2"])}
_UNITS_OF_A_GIGABYTE = 1e9 if sys.platform == "darwin" else 1e9 / 1024


class Peak(NamedTuple):
    """Memory of a process in gigabytes, measured and estimated."""

    measured: float
    expected: float = 0.0


def main() -> None:
    """Stylize at each size in a separate process, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoders", nargs="+", default=["vgg19"])
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024], help="long sides; the other is 3/4 of it")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--history", type=int, default=10, help="as many steps fill it; 3 and 4 steps are a quick look")
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    options = parser.parse_args()
    imported = _in_a_process("", 0, options).measured
    print(f"libraries alone: {imported:.2f} GB")
    for encoder in options.encoders:
        for size in options.sizes:
            peak = _in_a_process(encoder, size, options)
            above = peak.measured - imported
            print(
                f"{encoder} {size} x {size * 3 // 4}: {peak.measured:.2f} GB, {above:.2f} GB above the libraries; "
                f"estimated {peak.expected:.2f} GB, {peak.expected / peak.measured - 1:+.0%}",
                flush=True,
            )


def _in_a_process(encoder: str, size: int, options: argparse.Namespace) -> Peak:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (encoder, size, options))


def _peak(name: str, size: int, options: argparse.Namespace) -> Peak:
    """Peak memory of this process; a size of 0 does nothing."""
    expected = 0.0
    if size:
        network = find_network(name)
        style_names, content_names = _LAYERS.get(name, (list(style_layers(network)), list(content_layers(network))))
        settings = StylizationSettings(
            encoder=name,
            size=size,
            supersample=1.0,
            steps=options.steps,
            history=options.history,
            scales=1,
            style_layers=style_names,
            content_layers=content_names,
            precision=options.precision,
            output=Path("unused.png"),
            tracking="off",
            tile=0,
        )
        encoder, _ = load_encoder(network, [*style_names, *content_names], weights="random")
        content, style = torch.rand(2, 1, 3, size * 3 // 4, size)
        inputs = Inputs(None, content, (Region((Source(style, 1.0),)),), content)
        job = resolve(settings, inputs.size)
        runner, plan = ScaleRunner(job, encoder, inputs), job.scales
        forecast = estimate(job, encoder, plan, torch.device("cpu"), runner.tiling)
        expected = (forecast.held + forecast.needed) / 1e9
        runner.optimize(plan[0], content, [], [])
    return Peak(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _UNITS_OF_A_GIGABYTE, expected)


if __name__ == "__main__":
    main()
