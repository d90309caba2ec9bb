"""How fast is one evaluation of loss and gradient, compared with an equivalent plain PyTorch loop?

    OMP_WAIT_POLICY=passive python benchmarks/closure.py [--size 512] [--repeats 5] [--steps 6]

VGG-19 with random weights (which do not change the time), content relu4_2, style relu1_1 to relu5_1, 512 x 384 pixels.
The plain loop is what style transfer tools do: torchvision's network in fp32, Gram matrices by `f @ f.T`, pixels as the
parameter. Ours computes the picture from its spectrum and adds total variation. All alternate in one process; the
minimum of each counts, in processor time (all threads), which other jobs disturb least, and in wall time.

The second table is a run under the Trainer: the share of a step that is neither forward nor backward pass, that is the
arithmetic of L-BFGS, logging, and Lightning.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

from rnst.encoders.encoder import Encoder, load_encoder
from rnst.encoders.names import find_network
from rnst.image.parameters import FourierImage
from rnst.image.transforms import Shift
from rnst.losses.objective import Objective, Weights
from rnst.losses.perceptual import ContentLoss, GramLoss
from rnst.optimization.optimizers import PixelOptimizer
from rnst.stylization.image_optimization import AugmentedObjective, ImageOptimization, Schedule

_STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
_CONTENT = "relu4_2"
_INDEX_IN_TORCHVISION = {1: "relu1_1", 6: "relu2_1", 11: "relu3_1", 20: "relu4_1", 22: "relu4_2", 29: "relu5_1"}
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_TARGETS = {"bf16": 0.50, "fp32": 0.97}
_PRECISIONS: dict[str, Any] = {"bf16": "bf16-mixed", "fp32": "32-true"}


@dataclass
class Clock:
    """Minimum processor time and minimum wall time, in seconds."""

    processor: float = float("inf")
    wall: float = float("inf")

    def time(self, work: Callable[[], object]) -> None:
        """Time one call of `work`."""
        processor, wall = time.process_time(), time.perf_counter()
        work()
        self.processor = min(self.processor, time.process_time() - processor)
        self.wall = min(self.wall, time.perf_counter() - wall)


class Shares(pl.Callback):
    """Sums the time of whole steps, and of forward and backward passes alone.

    Args:
        task: a forward pass runs its picture first and its objective last.
    """

    def __init__(self, task: ImageOptimization) -> None:
        self.whole = self.inner = self._forward = self._backward = self._step = 0.0
        task.image.register_forward_pre_hook(self._forward_begins)
        (objective,) = (view.objective for view in task.views if isinstance(view.objective, nn.Module))
        objective.register_forward_hook(self._forward_ends)

    def _forward_begins(self, *_: object) -> None:
        self._forward = time.perf_counter()

    def _forward_ends(self, *_: object) -> None:
        self.inner += time.perf_counter() - self._forward

    def on_before_backward(self, *_: object) -> None:
        """Start."""
        self._backward = time.perf_counter()

    def on_after_backward(self, *_: object) -> None:
        """Stop."""
        self.inner += time.perf_counter() - self._backward

    def on_train_batch_start(self, *arguments: Any) -> None:
        """Skip the first two steps, which warm up: memory is allocated, the history of L-BFGS begins."""
        index = arguments[-1]
        now = time.perf_counter()
        if index == 2:  # noqa: PLR2004 - see above
            self.whole = self.inner = 0.0
        elif index > 2:  # noqa: PLR2004
            self.whole += now - self._step
        self._last = self.inner
        self._step = now

    def on_train_end(self, *_: object) -> None:
        """End the last step, which has no successor."""
        self.inner = self._last


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="long side in pixels; the other is 3/4 of it")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=6, help="of the run under the Trainer; 0 leaves it out")
    options = parser.parse_args()
    torch.manual_seed(0)
    content, style = torch.rand(2, 1, 3, options.size * 3 // 4, options.size)
    encoder, _ = load_encoder(find_network("vgg19"), [*_STYLE, _CONTENT], weights="random")
    closures = {"plain": _plain(content, style), **{name: _ours(encoder, content, style, name) for name in _TARGETS}}
    clocks = {name: Clock() for name in closures}
    for _ in range(1 + options.repeats):  # the first run of each is slow, and therefore never the minimum
        for name, closure in closures.items():
            clocks[name].time(closure)
    reference = clocks["plain"]
    print(f"{'':<6} {'processor s':>11} {'ratio':>6} {'wall s':>7} {'ratio':>6}  at most")
    for name, clock in clocks.items():
        ratios = clock.processor / reference.processor, clock.wall / reference.wall
        target = f"{_TARGETS[name]:.2f}" if name in _TARGETS else ""
        print(f"{name:<6} {clock.processor:>11.3f} {ratios[0]:>6.3f} {clock.wall:>7.3f} {ratios[1]:>6.3f}  {target}")
    if options.steps:
        for name in _TARGETS:
            share = _share_of_the_rest(encoder, content, style, name, options.steps)
            print(f"{name}: {100 * share:.1f} % of a step is neither forward nor backward (at most 3 %)")


def _plain(content: Tensor, style: Tensor) -> Callable[[], Tensor]:
    network = torchvision.models.vgg19(weights=None).features[:30].eval().requires_grad_(requires_grad=False)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (_MEAN, _STD))

    def features(image: Tensor) -> dict[str, Tensor]:
        values, found = (image - mean) / std, {}
        for index, module in enumerate(network):
            values = module(values)
            if index in _INDEX_IN_TORCHVISION:
                found[_INDEX_IN_TORCHVISION[index]] = values
        return found

    def gram(values: Tensor) -> Tensor:
        flat = values.flatten(2).squeeze(0)
        return torch.mm(flat, flat.T) / flat.numel()

    with torch.no_grad():
        of_style = features(style)
        grams = {layer: gram(of_style[layer]) for layer in _STYLE}
        of_content = features(content)[_CONTENT].clone()
    pixels = content.clone().requires_grad_()

    def closure() -> Tensor:
        pixels.grad = None
        found = features(pixels)
        loss = F.mse_loss(found[_CONTENT], of_content)
        for layer in _STYLE:
            loss = loss + 100.0 * F.mse_loss(gram(found[layer]), grams[layer])
        loss.backward()
        return loss

    return closure


def _ours(encoder: Encoder, content: Tensor, style: Tensor, precision: str) -> Callable[[], Tensor]:
    picture, objective = FourierImage.from_image(content), _objective(encoder, content, style, precision)

    def closure() -> Tensor:
        picture.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            image = picture()
            total: Tensor = objective(encoder(image), image)["total"]
        torch.autograd.backward(total)
        return total

    return closure


@torch.no_grad()
def _objective(encoder: Encoder, content: Tensor, style: Tensor, precision: str) -> Objective:
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        of_style, of_content = encoder(style), encoder(content)
    losses = {layer: GramLoss(of_style[layer]) for layer in _STYLE}
    return Objective(losses, {_CONTENT: ContentLoss(of_content[_CONTENT])}, Weights(10.0, 1.0, 5.0))


def _share_of_the_rest(encoder: Encoder, content: Tensor, style: Tensor, precision: str, steps: int) -> float:
    view = AugmentedObjective(Shift(), _objective(encoder, content, style, precision))
    picture = FourierImage.from_image(content)
    task = ImageOptimization(picture, encoder, [view], PixelOptimizer(), Schedule(steps + 2))
    shares = Shares(task)
    trainer = pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        precision=_PRECISIONS[precision],
        callbacks=[shares],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    trainer.fit(task)
    return 1.0 - shares.inner / shares.whole


if __name__ == "__main__":
    main()
