"""Costs of tiles: time and memory of a closure of any size, relative to the whole picture, on one or more processes.

    python benchmarks/tiles.py closure --width 2048 --height 1536 --memory 3.5GB       # one closure, and a plain loop
    python benchmarks/tiles.py closure --width 4096 --height 3072 --memory 8GB --step  # and one step of L-BFGS
    python benchmarks/tiles.py processes --width 1024 --height 768                     # 2 x 1 thread against 1 x 1

VGG-19 with random weights (timing only), style on relu1_1 to relu5_1, content on relu4_2. Prints seconds, peak resident
memory, bytes per pixel, and ratios to a plain float32 loop over a whole 512 x 384 picture in this process, scaled by
the number of pixels.
"""

import argparse
import resource
import time
from collections.abc import Callable
from functools import partial

import torch
from pytorch_lightning import Trainer
from torch import Tensor, nn

from rnst.encoders.catalog import content_layers, style_layers
from rnst.encoders.encoder import load_encoder
from rnst.encoders.names import find_network
from rnst.image.parameters import PixelImage
from rnst.losses.objective import Objective, Weights
from rnst.losses.perceptual import ContentLoss, GramLoss
from rnst.optimization.devices import SharedPicture, companions
from rnst.optimization.memory import appetite, constant_bytes, held_bytes
from rnst.optimization.optimizers import PixelOptimizer
from rnst.optimization.tiled_gradient import TiledObjective, Unseen
from rnst.optimization.tiling import Limits, Tiling

_PLAIN = (384, 512)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["closure", "processes"])
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--height", type=int, default=1536)
    parser.add_argument("--encoder", default="vgg19")
    parser.add_argument("--memory", help="as 8GB; none takes most of what is free")
    parser.add_argument("--tile", type=int)
    parser.add_argument("--precision", choices=["bf16", "fp32"], default="bf16")
    parser.add_argument("--step", action="store_true", help="measure a step of L-BFGS too")
    options = parser.parse_args()
    if options.what == "closure":
        measure_closure(options)
    else:
        measure_processes(options)


def measure_closure(options: argparse.Namespace) -> None:
    """Measure one closure, and one step if requested."""
    encoder, style, content = _network(options.encoder)
    plain = _plain_seconds(encoder, style, content) * options.width * options.height / (_PLAIN[0] * _PLAIN[1])
    tiling, objective, image = _job(options, encoder, style, content, devices=1)
    before = held_bytes(torch.device("cpu"))
    seconds = _seconds(partial(_closure, options, objective, image))
    pixels = options.width * options.height
    grid = tiling.grid((options.height, options.width))
    with _autocast(options):
        predicted, constant = appetite(encoder), constant_bytes(encoder)
    print(f"{options.width} x {options.height}, {len(grid.tiles)} tiles, {grid.overhead:.2f} pixels processed for each")
    print(
        f"closure {seconds:.1f} s, {seconds / plain:.2f} of a plain fp32 loop over the whole ({plain:.1f} s by pixels)"
    )
    most = grid.largest * predicted + constant
    print(f"encoder {predicted:.0f} bytes a pixel of a tile: {most / 1e9:.2f} GB for the largest")
    _print_memory(before, pixels)
    if options.step:
        optimizer = PixelOptimizer(history=tiling.history).build(image.parameters())

        def closure() -> Tensor:
            optimizer.zero_grad()
            return _closure(options, objective, image)

        seconds = _seconds(lambda: optimizer.step(closure))  # type: ignore[arg-type]  # Lightning's hooks return tensors
        print(f"step of L-BFGS {seconds:.1f} s, history {tiling.history}")
        _print_memory(before, pixels)


def measure_processes(options: argparse.Namespace) -> None:
    """Compare two processes of one thread each with one process of one thread."""
    torch.set_num_threads(1)
    whole, tiled = _share(options, 1), _share(options, 1, tiles_of=2)
    torch.set_num_threads(2)  # `companions` divides them
    with companions(partial(_share, options, 2), 2):
        together = _share(options, 2)
    print(f"2 processes of 1 thread, a tile each: {together:.1f} s")
    print(f"1 process of 1 thread, the same 2 tiles: {tiled:.1f} s, {tiled / together:.2f} times as long")
    print(f"1 process of 1 thread, the whole picture at once: {whole:.1f} s, {whole / together:.2f} times as long")


def _share(options: argparse.Namespace, devices: int, tiles_of: int = 1) -> float:
    """Fastest of three closures in seconds, with the tiles that so many devices would have."""
    if devices > 1:
        _connect(devices)
    encoder, style, content = _network(options.encoder)
    _, objective, image = _job(options, encoder, style, content, devices)
    if tiles_of > devices:
        tiling = Tiling(encoder, Limits(options.tile, options.memory, tiles_of))
        grid = tiling.grid((options.height, options.width))
        objective = TiledObjective(encoder, tiling.fields, grid, objective.objective)
    return min(_seconds(partial(_closure, options, objective, image)) for _ in range(3))


def _connect(devices: int) -> None:
    """Let Lightning connect the processes."""
    trainer = Trainer(accelerator="cpu", devices=devices, strategy=SharedPicture(), logger=False)
    trainer.strategy.setup_environment()


def _network(name: str) -> tuple[nn.Module, tuple[str, ...], tuple[str, ...]]:
    network = find_network(name)
    layers = list(dict.fromkeys([*style_layers(network), *content_layers(network)]))
    return load_encoder(network, layers, weights="random")[0], style_layers(network), content_layers(network)


def _job(
    options: argparse.Namespace, encoder: nn.Module, style: tuple[str, ...], content: tuple[str, ...], devices: int
) -> tuple[Tiling, TiledObjective, PixelImage]:
    torch.manual_seed(0)
    size = (options.height, options.width)
    limits = Limits(options.tile, options.memory, devices, PixelOptimizer().history, options.precision)
    tiling = Tiling(encoder, limits, content)
    image = PixelImage.from_image(torch.rand(1, 3, *size))
    with torch.no_grad():
        painting = encoder(torch.rand(1, 3, *_PLAIN))
        photo = tiling.features(torch.rand(1, 3, *size), content)
    terms = {layer: GramLoss(painting[layer]) for layer in style}
    objective = Objective(terms, {layer: ContentLoss(photo[layer]) for layer in content}, Weights(10.0, 1.0, 1.0))
    return tiling, tiling.objective(objective, size), image


def _closure(options: argparse.Namespace, objective: TiledObjective, image: PixelImage) -> Tensor:
    with _autocast(options):
        picture = image()
        total: Tensor = objective(Unseen()(picture), picture)["total"]
    total.backward()
    return total


def _autocast(options: argparse.Namespace) -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bf16")


def _plain_seconds(encoder: nn.Module, style: tuple[str, ...], content: tuple[str, ...]) -> float:
    """Closure of a plain loop: the network over the whole picture, Gram matrices, mean squares, backward pass."""
    with torch.no_grad():
        targets = encoder(torch.rand(1, 3, *_PLAIN))
    grams = {layer: _gram(targets[layer]) for layer in style}

    def closure() -> None:
        image = torch.rand(1, 3, *_PLAIN, requires_grad=True)
        features = encoder(image)
        loss = torch.stack([(_gram(features[layer]) - grams[layer]).square().mean() for layer in style]).sum()
        for layer in content:
            loss = loss + (features[layer] - targets[layer]).square().mean()
        loss.backward()

    return min(_seconds(closure) for _ in range(3))


def _gram(features: Tensor) -> Tensor:
    columns = features.flatten(2).squeeze(0)
    return columns @ columns.T / columns.shape[1]


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _print_memory(before: float, pixels: int) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"peak resident {peak / 1e9:.2f} GB; {(peak - before) / pixels:.0f} bytes a pixel above what was held before")


if __name__ == "__main__":
    main()
