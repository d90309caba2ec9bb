"""Costs of each encoder per pixel of a picture: predicted and measured bytes, and arithmetic.

    OMP_WAIT_POLICY=passive python benchmarks/encoder_costs.py [ENCODER ...] [--width 512] [--height 384]

Random weights, all default style and content layers, in bfloat16. The prediction is the one that chooses tiles before
the start, including the share that does not grow with the picture (`rnst.optimization.memory`). The measurement is the
peak of resident memory of a forward and a backward pass, above the memory held before, in a separate process. FLOP
count a multiplication and an addition as two, for the forward pass only.
Linux only: the peak of a process is reset through /proc.
"""

import argparse
import multiprocessing
import time
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from rnst.encoders.catalog import content_layers, style_layers
from rnst.encoders.encoder import load_encoder
from rnst.encoders.names import find_network
from rnst.losses.perceptual import GramLoss
from rnst.optimization.memory import appetite, constant_bytes, held_bytes

_ENCODERS = ("vgg16", "vgg19", "resnet18", "resnet50", "wide_resnet50_2", "densenet121", "googlenet", "inception_v3")
_SMALL = 224


def main() -> None:
    """Print a row for each encoder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoders", nargs="*", default=_ENCODERS)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--height", type=int, default=384)
    options = parser.parse_args()
    print("encoder          bytes a pixel: predicted  measured  ratio  kFLOP a pixel     GFLOP/s both passes")
    for name in options.encoders:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            predicted, measured, flop, seconds = pool.apply(_costs, (name, options.height, options.width))
        rate = 2 * flop * options.height * options.width / seconds / 1e9
        ratio = measured / predicted
        print(f"{name:16s} {predicted:24.0f} {measured:9.0f} {ratio:6.2f} {flop / 1e3:14.0f} {rate:23.0f}")


def _costs(name: str, height: int, width: int) -> tuple[float, float, float, float]:
    """Predicted and measured bytes per pixel, forward FLOP per pixel, seconds of forward and backward pass."""
    network = find_network(name)
    layers = dict.fromkeys([*style_layers(network), *content_layers(network)])
    encoder, _ = load_encoder(network, list(layers), weights="random")
    with torch.autocast("cpu", torch.bfloat16):
        predicted = appetite(encoder) + constant_bytes(encoder) / (height * width)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            features = encoder(torch.zeros(1, 3, _SMALL, _SMALL))
        losses = {layer: GramLoss(features[layer]) for layer in style_layers(network)}
        image = torch.rand(1, 3, height, width, requires_grad=True)
        held = held_bytes(torch.device("cpu"))
        _reset_peak()
        began = time.perf_counter()
        features = encoder(image)
        total = torch.stack([loss(features[layer]) for layer, loss in losses.items()]).sum()
    total.backward()
    seconds = time.perf_counter() - began
    return predicted, (_peak() - held) / (height * width), counter.get_total_flops() / _SMALL**2, seconds


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024.0 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
