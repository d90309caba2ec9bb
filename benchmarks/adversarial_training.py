"""How fast is adversarial training, compared with the loop that a researcher would write?

    OMP_WAIT_POLICY=passive python benchmarks/adversarial_training.py [--rounds 5] [--case resnet18,64,32,7]

Both train with the same L2 attack, keep its best iterate and take the same step of SGD, alternating in one process: a
plain float32 loop on contiguous tensors, and RobustClassifier in a Lightning Trainer with bf16-mixed. Peak memory is
measured in a separate process for each. The fastest of the rounds counts, in wall time and in processor time.

Measured with torch 2.15 on an AMD EPYC (Zen 4), two cores and threads, alone on the machine, --rounds 5; images per
second, and their ratio in wall time and in processor time:

    resnet18, 64 px, batch 32, PGD-7     60.8 against 32.7   1.86x  1.92x   memory above the start 219 MB against 239 MB
    resnet18, 128 px, batch 16, PGD-7    21.7 against 9.5    2.29x  2.33x   memory above the start 270 MB against 328 MB

benchmarks/attack_gradient.py measures what each change contributes to the attack's share of the speedup.

With a GPU, the benchmark uses a ResNet-50 at 224 px with PGD-3 and PGD-7, and also prints the model FLOP relative to
those of a bfloat16 matrix product in the same time. The plain loop is then float32 with PyTorch's defaults. This branch
has not been run yet: there are no measurements.
"""

import argparse
import logging
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: spinning threads slow a shared machine

import pytorch_lightning as pl
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode

from rnst.attacks.attack import NoAttack
from rnst.attacks.ball import L2Ball
from rnst.attacks.pgd import PGD
from rnst.data.facts import DataFacts
from rnst.training.recipe import Recipe
from rnst.training.robust_classifier import RobustClassifier

CLASSES = 9
MEAN, STD = (0.4717, 0.4499, 0.3837), (0.26, 0.2516, 0.2575)
RADIUS, STEP_SIZE = 3.0, 0.5


@dataclass(frozen=True)
class Case:
    """A network and its training.

    Attributes:
        architecture: torchvision name.
        size: side of the images in pixels.
        batch: images per step.
        steps: steps of the attack.
        goal: goal for the speedup over the plain loop, in images per second.
    """

    architecture: str
    size: int
    batch: int
    steps: int
    goal: float | None = None

    def __str__(self) -> str:
        return f"{self.architecture}, {self.size} px, batch {self.batch}, PGD-{self.steps}"


CPU_CASES = (Case("resnet18", 64, 32, 7, 1.6), Case("resnet18", 128, 16, 7, 1.9))
GPU_CASES = (Case("resnet50", 224, 128, 3, 4.0), Case("resnet50", 224, 128, 7, 4.0))


@dataclass
class Times:
    """The fastest of several runs, in seconds of wall time and of processor time.

    On a shared machine, processor time is more reliable; on an idle one they agree.
    """

    wall: float = float("inf")
    processor: float = float("inf")

    @contextmanager
    def measured(self, *, counts: bool = True) -> Iterator[None]:
        """Time the block; the first rounds are warm-up and do not count."""
        wall, processor = _clock(), time.process_time()
        yield
        if counts:
            self.wall = min(self.wall, _clock() - wall)
            self.processor = min(self.processor, time.process_time() - processor)


class PlainTraining:
    """Float32, contiguous, no library: PGD-k in eval mode that keeps the best iterate, then one step of SGD."""

    def __init__(self, case: Case, device: torch.device) -> None:
        self.case, self.device = case, device
        self.network: nn.Module = torchvision.models.get_model(case.architecture, num_classes=CLASSES).to(device)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
        self.mean, self.std = (torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (MEAN, STD))

    def logits(self, images: Tensor) -> Tensor:
        """Logits of images in [0, 1]."""
        answers: Tensor = self.network((images - self.mean) / self.std)
        return answers

    def attack(self, images: Tensor, labels: Tensor) -> Tensor:
        """PGD as in a textbook."""
        current, best = images.clone(), images.clone()
        best_loss = torch.full((len(images),), -torch.inf, device=self.device)
        for step in range(self.case.steps + 1):
            last = step == self.case.steps
            current.requires_grad_(not last)
            with torch.set_grad_enabled(not last):
                loss = F.cross_entropy(self.logits(current), labels, reduction="none")
            better = loss.detach() > best_loss
            best[better], best_loss[better] = current.detach()[better], loss.detach()[better]
            if not last:
                (gradient,) = torch.autograd.grad(loss.sum(), current)
                gradient = gradient / (gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1) + 1e-10)
                delta = current.detach() + STEP_SIZE * gradient - images
                current = (images + delta.renorm(2, 0, RADIUS)).clamp(0, 1)
        return best

    def step(self, images: Tensor, labels: Tensor) -> None:
        """One step of training."""
        self.network.eval()
        adversarial = self.attack(images, labels)
        self.network.train()
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.logits(adversarial), labels)
        loss.backward()
        self.optimizer.step()


@dataclass
class Alternating(pl.Callback):
    """Times each batch of a Trainer, and runs the plain loop on the same batch in between."""

    plain: PlainTraining | None
    ours_times: Times = field(default_factory=Times)
    plain_times: Times = field(default_factory=Times)
    timing: Any = None

    def on_train_batch_start(self, *arguments: Any, **_: Any) -> None:
        """Start the clock."""
        index = arguments[-1]
        self.timing = self.ours_times.measured(counts=index > 0)
        self.timing.__enter__()

    def on_train_batch_end(self, *arguments: Any, **_: Any) -> None:
        """Stop the clock; then run the plain loop."""
        batch, index = arguments[-2:]
        self.timing.__exit__(None, None, None)
        if self.plain is not None:
            with self.plain_times.measured(counts=index > 0):
                self.plain.step(*batch)


def classifier(case: Case) -> RobustClassifier:
    """Our task, built like the commands do."""
    facts = DataFacts("benchmark", tuple(map(str, range(CLASSES))), case.size, MEAN, STD)
    attack = PGD(L2Ball(RADIUS), steps=case.steps, step_size=STEP_SIZE)
    return RobustClassifier(
        facts, attack, NoAttack(), case.architecture, Recipe(learning_rate=0.01, schedule="constant")
    )


def run(case: Case, rounds: int, *, plain: bool = True) -> Alternating:
    """Train for a few steps, alternating with the plain loop."""
    times = Alternating(PlainTraining(case, _device()) if plain else None)
    trainer = pl.Trainer(
        accelerator=_device().type,
        devices=1,
        precision="bf16-mixed",
        max_steps=rounds + 1,
        callbacks=[times],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    batches = TensorDataset(*(tensor.repeat(rounds + 1, *[1] * (tensor.dim() - 1)) for tensor in _batch(case)))
    trainer.fit(classifier(case), DataLoader(batches, batch_size=case.batch))
    return times


def memory(case: Case, which: str) -> float:
    """Peak memory in MB of two steps of one loop, in a separate process."""
    arguments = [case.architecture, case.size, case.batch, case.steps]
    command = [sys.executable, __file__, "--memory-of", which, "--case", ",".join(map(str, arguments))]
    result = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - runs this file
    return float(result.stdout.split()[-1])


def peak_memory(case: Case, which: str) -> float:
    """Peak memory in MB of this process above the memory before the first of two steps, which libraries use."""
    before = _peak()
    if which == "ours":
        run(case, 1, plain=False)
    else:
        plain = PlainTraining(case, _device())
        for _ in range(2):
            plain.step(*(tensor.to(_device()) for tensor in _batch(case)))
    return _peak() - before


def utilization(case: Case, seconds: float) -> float:
    """Model FLOP of a step relative to those of bfloat16 matrix products on the device in the same time."""
    network = torchvision.models.get_model(case.architecture, num_classes=CLASSES).to(_device()).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.rand(1, 3, case.size, case.size, device=_device()))
    # An attack step is a forward pass and a gradient of the input; then a forward pass of the last iterate; training.
    passes = 2 * case.steps + 1 + 3
    side, times = 8192, Times()
    left, right = (torch.randn(side, side, device=_device(), dtype=torch.bfloat16) for _ in range(2))
    for index in range(20):
        with times.measured(counts=index > 0):
            left @ right
    achieved = counter.get_total_flops() * passes * case.batch / seconds
    return float(achieved * times.wall / (2 * side**3))


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--case", help="ARCHITECTURE,SIZE,BATCH,STEPS instead of the goals' ones")
    parser.add_argument("--memory-of", choices=("plain", "ours"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    cases: tuple[Case, ...] = GPU_CASES if torch.cuda.is_available() else CPU_CASES
    if options.case:
        architecture, *numbers = options.case.split(",")
        size, batch, steps = map(int, numbers)
        cases = (Case(architecture, size, batch, steps),)
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    if options.memory_of:
        print(peak_memory(cases[0], options.memory_of))
        return
    for case in cases:
        print(f"{case}, {torch.get_num_threads()} threads, torch {torch.__version__}")
        times = run(case, options.rounds)
        ours, plain = times.ours_times, times.plain_times
        for name, time_ in (("plain float32", plain), ("rnst", ours)):
            used = memory(case, "ours" if time_ is ours else "plain")
            speeds = (
                f"{case.batch / time_.wall:8.1f} images/s  {case.batch / time_.processor:8.1f} per processor second"
            )
            print(f"  {name:<14} {speeds}  {used:6.0f} MB above the start")
        goal = f"  (goal {case.goal}x)" if case.goal else ""
        print(
            f"  ratio          {plain.wall / ours.wall:8.2f}x           {plain.processor / ours.processor:8.2f}x{goal}"
        )
        if torch.cuda.is_available():
            print(
                f"  model FLOP utilization {utilization(case, ours.wall):.0%} of the measured matrix product (goal 40%)"
            )


def _batch(case: Case) -> tuple[Tensor, Tensor]:
    return torch.rand(case.batch, 3, case.size, case.size), torch.arange(case.batch) % CLASSES


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _peak() -> float:
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e6
    # Not getrusage: a process inherits its maximum from the parent process.
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e3


def _clock() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    main()
