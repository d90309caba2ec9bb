"""What one or two GPUs take for a closure, a step of stylization and a training step, and the memory: one JSON.

    python benchmarks/gpu.py [--output gpu.json] [--sizes 512 1024 2048] [--repeats 5]

Each figure stands beside a reference of the same process: the closure beside a plain PyTorch loop over the same network
in the same precision, the step of adversarial training beside one of standard training, two devices beside one.
Without a CUDA device, the CPU computes tiny sizes: this shows that the program runs, and no more.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor

from rnst import machine
from rnst.attacks.ball import L2Ball
from rnst.attacks.pgd import PGD
from rnst.encoders.catalog import build_classifier
from rnst.encoders.encoder import Encoder, load_encoder
from rnst.image.files import write_image
from rnst.losses.objective import Objective, Weights
from rnst.losses.perceptual import ContentLoss, GramLoss
from rnst.losses.statistics import moments
from rnst.optimization.memory import appetite, available_bytes, standing_bytes
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.stylize import stylize

_LAYERS = {"vgg19": ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"], "resnet50": ["layer1", "layer2", "layer3"]}
_CPU_SIZES = [64, 96]


def seconds(work: Callable[[], object], device: torch.device, repeats: int) -> float:
    """Median seconds of `work`, after one run that warms up."""
    taken = []
    for _ in range(1 + repeats):
        _wait(device)
        began = time.perf_counter()
        work()
        _wait(device)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _peak(device: torch.device, work: Callable[[], object]) -> int:
    """Bytes that `work` takes above what was held before."""
    if device.type != "cuda":
        return 0
    torch.cuda.reset_peak_memory_stats(device)
    held = torch.cuda.memory_allocated(device)
    work()
    return torch.cuda.max_memory_allocated(device) - held


def _gradient(losses: Callable[[Tensor], Tensor], image: Tensor) -> None:
    image.grad = None
    losses(image).backward()  # type: ignore[no-untyped-call]


def closures(name: str, side: int, device: torch.device, repeats: int) -> dict[str, float]:
    """One evaluation of loss and gradient, of ours and of a plain loop over the same features."""
    encoder, _ = load_encoder(name, _LAYERS[name], weights="random")
    encoder.to(device)
    image = torch.rand(1, 3, side, side, device=device, requires_grad=True)
    objective = _objective(encoder, image)

    def ours(picture: Tensor) -> Tensor:
        return objective(encoder(picture), picture)["total"]

    def plain(picture: Tensor) -> Tensor:
        grams = [moments(features).gram.square().sum() for features in encoder(picture).values()]
        return torch.stack(grams).sum()

    found: dict[str, float] = {}
    for precision in ("fp32", "bf16"):
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            own = seconds(lambda: _gradient(ours, image), device, repeats)
            reference = seconds(lambda: _gradient(plain, image), device, repeats)
            predicted = appetite(encoder) * side**2 + standing_bytes(encoder)
            peak = _peak(device, lambda: _gradient(ours, image))
        found |= {f"{precision} s": own, f"{precision} of the plain loop": own / reference}
        found |= {f"{precision} bytes": peak, f"{precision} bytes predicted": predicted}
    return found


@torch.no_grad()
def _objective(encoder: Encoder, image: Tensor) -> Objective:
    style, photo = encoder(torch.rand_like(image)), encoder(image)
    last = list(style)[-1]
    losses = {layer: GramLoss(features) for layer, features in style.items()}
    return Objective(losses, {last: ContentLoss(photo[last])}, Weights(10.0, 1.0, 0.0)).to(image.device)


def training_steps(side: int, batch: int, device: torch.device, repeats: int) -> dict[str, float]:
    """A step of ResNet-50, standard and under PGD-3."""
    network = build_classifier("resnet50", 10).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), 0.01)
    images, labels = torch.rand(batch, 3, side, side, device=device), torch.arange(batch, device=device) % 10
    attack = PGD(L2Ball(3.0), steps=3, step_size=0.5)

    def step(*, attacked: bool) -> None:
        with torch.autocast(device.type, torch.bfloat16):
            seen = attack(network, images, labels) if attacked else images
            loss = torch.nn.functional.cross_entropy(network(seen).float(), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    standard = seconds(lambda: step(attacked=False), device, repeats)
    robust = seconds(lambda: step(attacked=True), device, repeats)
    peak = _peak(device, lambda: step(attacked=True))
    return {"standard s": standard, "PGD-3 s": robust, "ratio": robust / standard, "bytes": peak}


def pictures(side: int, devices: int) -> dict[str, float]:
    """A whole picture through the command's own function."""
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        for name in ("content", "style"):
            write_image(torch.rand(1, 3, side * 3 // 4, side), Path(folder) / f"{name}.png")
        paths = {name: f"{folder}/{name}.png" for name in ("content", "style")}
        fixed: dict[str, Any] = {"weights": "random", "encoder": "resnet50", "save_every": 0, "tracking": "off"}
        settings = StylizationSettings(output=Path(folder) / "out.png", size=side, steps=10, devices=devices)
        result = stylize(settings, console=Console(quiet=True), **paths, **fixed).result
    return {"s": result.seconds, "bytes": result.peak_memory_bytes}


def main() -> None:
    """Measure all, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("gpu.json"))
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024, 2048])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    device = machine.device()
    on_gpu = device.type == "cuda"
    sizes, batch = (options.sizes, 128) if on_gpu else (_CPU_SIZES, 2)
    cpu = f"{torch.get_num_threads()} CPU threads, {platform.machine()}"
    name = torch.cuda.get_device_name(device) if on_gpu else cpu
    found: dict[str, Any] = {"device": name, "torch": torch.__version__, "available bytes": available_bytes(device)}
    for network in _LAYERS:
        for side in sizes:
            found[f"closure {network} {side}"] = closures(network, side, device, options.repeats)
    found[f"training step, batch {batch}"] = training_steps(224 if on_gpu else 64, batch, device, options.repeats)
    for devices in range(1, 1 + (min(2, torch.cuda.device_count()) if on_gpu else 1)):
        found[f"picture of {sizes[-1]} on {devices}"] = pictures(sizes[-1], devices)
    options.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
