"""How much does each change to a network speed up one gradient of an attack?

OMP_WAIT_POLICY=passive python benchmarks/attack_gradient.py [--architecture resnet18] [--size 64] [--batch 32]

Measured with torch 2.15 on a shared AMD EPYC (Zen 4), OMP_NUM_THREADS=1, ResNet-18 at 64 px, batch 32, in processor
time, each change on top of the earlier ones: channels last 1.11x, autocast to bfloat16 1.85x, weights frozen 1.87x,
BatchNorm folded 1.97x, kernels cast once 2.01x, first convolution on blocks of pixels 2.14x.
At 128 px, batch 16: 1.12x, 2.04x, 2.05x, 2.18x, 2.29x, 2.39x.

- Autocast caches casts only of weights that require a gradient: frozen weights are cast again in each pass.
- The input gradient of a stride-2 convolution with three input channels took 10.4 ms of the 85 ms, three times its
  forward pass. On blocks of 2 x 2 pixels it took 2.8 ms, and the forward pass 2.9 ms instead of 2.1 ms.
- Freezing weights saves hardly any time, as torch.autograd.grad does not compute their gradients anyway.

Smaller parts of the batch, to stay in the cache, did not help (3.3 ms per image in parts of 16, 2.9 ms in parts of 32,
2.6 ms in parts of 64). Calling the network outside of autocast, all in bfloat16, gained 2 %. We do not do this, because
other layers, such as LayerNorm, rely on autocast.
"""

import argparse
import os
import time
from contextlib import ExitStack
from unittest import mock

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: spinning threads slow a shared machine

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

from rnst.encoders.folded_network import FoldedNetwork

CLASSES = 9


def variants(stack: ExitStack, architecture: str) -> dict[str, tuple[bool, nn.Module]]:
    """Name -> whether it uses autocast, and a network; each adds the change in its name to the one before."""
    plain, network = (torchvision.models.get_model(architecture, num_classes=CLASSES).eval() for _ in range(2))
    network = network.to(memory_format=torch.channels_last)
    found = {
        "plain float32, contiguous": (False, plain),
        "channels last": (False, network),
        "+ autocast to bfloat16": (True, network),
    }
    with mock.patch("rnst.encoders.folded_network.called_convolutions", return_value={}):
        found["+ weights frozen"] = True, stack.enter_context(FoldedNetwork(network).in_use())
    with mock.patch("rnst.encoders.folded_network.BlockConv2d.replaces", return_value=False):
        found["+ BatchNorm folded"] = True, stack.enter_context(FoldedNetwork(network).in_use())
        found["+ kernels cast once"] = True, stack.enter_context(FoldedNetwork(network).in_use(torch.bfloat16))
    found["+ first convolution on blocks"] = True, stack.enter_context(FoldedNetwork(network).in_use(torch.bfloat16))
    found["the last without autocast, in float32"] = False, stack.enter_context(FoldedNetwork(network).in_use())
    return found


def seconds(model: nn.Module, images: Tensor, labels: Tensor, *, autocast: bool) -> tuple[float, float]:
    """Wall time and processor time in seconds of one gradient of the images."""
    leaf = images.clone().requires_grad_()
    wall, processor = time.perf_counter(), time.process_time()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        torch.autograd.grad(F.cross_entropy(model(leaf).float(), labels, reduction="sum"), leaf)
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    """Run all variants alternately and print the fastest time of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", default="resnet18")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    images, labels = torch.randn(options.batch, 3, options.size, options.size), torch.arange(options.batch) % CLASSES
    with ExitStack() as stack:
        networks = variants(stack, options.architecture)
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in networks}
        for _ in range(options.rounds + 1):
            for name, (autocast, model) in networks.items():
                times[name].append(seconds(model, images, labels, autocast=autocast))
    fastest = {name: [min(column) for column in zip(*rows[1:], strict=True)] for name, rows in times.items()}
    print(f"{options.architecture}, {options.size} px, batch {options.batch}, {torch.get_num_threads()} threads")
    first_wall, first_processor = next(iter(fastest.values()))
    for name, (wall, processor) in fastest.items():
        clock, work = f"{wall * 1e3:7.1f} ms {first_wall / wall:5.2f}x", f"{processor * 1e3:7.1f} ms"
        print(f"  {name:<40} {clock}   of the processor {work} {first_processor / processor:5.2f}x")


if __name__ == "__main__":
    main()
