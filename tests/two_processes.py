"""What several processes do together, as a program: `python tests/two_processes.py FOLDER`. Prints JSON.

The processes are forked from this one, which has imported torch and never joins a group: an import takes longer than
all that is done here. SIGUSR1 prints where each of them is.
"""

import faulthandler
import json
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch
from rich.console import Console
from torch import Tensor, nn

from rnst.encoders.encoder import load_encoder
from rnst.errors import RnstError
from rnst.image.files import read_image, write_image
from rnst.losses.objective import Objective, Weights
from rnst.losses.perceptual import ContentLoss, GramLoss
from rnst.optimization import devices, process_group, tiling
from rnst.optimization.process_group import join_group
from rnst.optimization.tiled_gradient import TileableObjective, TiledObjective, Unseen
from rnst.optimization.tiles import Grid, Size, cut
from rnst.optimization.tiling import Limits, Tiling
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.state import State
from rnst.stylization.stylize import stylize
from tests.forked_ranks import apart, on_ranks

_SIZE = (96, 128)
_BUDGETS = (9.0, 8.5)  # GB of the two processes
_SHRUNK = 2000.0  # the same budgets for a tiny network and image
_KILLS = 5
_STEPS = 4  # at each of two scales
_DELAY = 0.05  # s, the longest after a step: less than the steps that are left take
_SLOW_WRITE = 20.0  # s
_IMPATIENT = 6  # s, of collectives, while that is written
_CPU = torch.device("cpu")


class _Encoder(nn.Module):
    """Two layers, in float64."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.double().requires_grad_(requires_grad=False)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        first = self.first(images.to(self.first.weight.dtype)).relu()
        return {"a": first, "b": self.second(first).relu()}


def _on_two(work: Callable[[int], object]) -> list[Any]:
    """What `work` of each rank returns, or the text of its error."""

    def joined(rank: int) -> object:
        try:
            join_group(2, _CPU)
            return work(rank)
        except RnstError as error:
            return f"{type(error).__name__}: {error}"
        finally:
            process_group.leave_group()

    return on_ranks(joined, 2)


def _patch_budget(rank: int, shrunk: float) -> None:
    budget = 1e9 * _BUDGETS[rank] / shrunk
    # Two processes share the memory of a CPU. Never undone: this process ends with its work.
    pytest.MonkeyPatch().setattr(tiling, "available_bytes", lambda _device: 2 * budget)


def _described(grid: Grid) -> list[list[int]]:
    return [[*tile.rows.owned, *tile.columns.owned] for tile in grid.tiles]


def large_plans() -> dict[str, Any]:
    """Pixels of 4096 x 3072 that no rank, or both, own with budgets of 9.0 and 8.5 GB; the plans."""
    encoder, _ = load_encoder("resnet50", ["layer1", "layer2", "layer3", "layer4"], weights="random")
    size = (3072, 4096)

    def plan(rank: int) -> tuple[list[list[int]], int, int]:
        _patch_budget(rank, 1.0)
        cutter = Tiling(encoder, Limits(devices=2, history=10), ["layer4"])
        grid = cutter.grid(size)
        return _described(Grid(size, tuple(grid.shares(2)[rank]))), len(grid.tiles), cutter.history

    (mine, tiles, history), (other, other_tiles, other_history) = _on_two(plan)
    owners = torch.zeros(size, dtype=torch.int8)
    for top, bottom, left, right in (*mine, *other):
        owners[top:bottom, left:right] += 1
    counts = {"nobody": int((owners == 0).sum()), "both": int((owners > 1).sum())}
    return {**counts, "tiles": [tiles, other_tiles], "history": [history, other_history]}


def _gradient(cutter: Tiling) -> tuple[Tensor, float]:
    encoder: Any = cutter._encoder
    torch.manual_seed(1)
    style, photo = (encoder(torch.rand(1, 3, *_SIZE)) for _ in range(2))
    losses = {layer: GramLoss(style[layer]) for layer in "ab"}, {"b": ContentLoss(photo["b"])}
    image = torch.rand(1, 3, *_SIZE, dtype=torch.float64, requires_grad=True)
    total = cutter.objective(Objective(*losses, Weights(10.0, 1.0, 0.1)), _SIZE)(Unseen()(image), image)["total"]
    (gradient,) = torch.autograd.grad(total, image)
    return gradient, total.item()


def gradients() -> dict[str, float]:
    """How far the gradient of two processes with different budgets is from that of one, as a share of its largest."""

    def shared(rank: int) -> list[Any]:
        _patch_budget(rank, _SHRUNK)
        cutter = Tiling(_Encoder(), Limits(devices=2), ["b"])
        gradient, total = _gradient(cutter)
        return [gradient.tolist(), total, _described(cutter.grid(_SIZE))]

    (first, total, grid), (second, _, other_grid) = _on_two(shared)
    alone, total_alone = _gradient(Tiling(_Encoder(), Limits(tile=0), ["b"]))
    off = max(float((torch.tensor(one, dtype=torch.float64) - alone).abs().max()) for one in (first, second))
    return {
        "relative_error": off / float(alone.abs().max()),
        "loss_error": abs(total - total_alone) / total_alone,
        "one_plan": grid == other_grid,
        "tiles": len(grid),
    }


def other_plans() -> list[str]:
    """What two processes report that are made to cut differently."""

    def differ(rank: int) -> float:
        encoder = _Encoder()

        class Differing(Tiling):
            def objective(self, objective: TileableObjective, size: Size) -> TiledObjective:
                return TiledObjective(encoder, self.fields, cut(size, self.fields, 2, 2 + rank), objective)

        return _gradient(Differing(encoder, Limits(tile=0), ["b"]))[1]

    return _on_two(differ)


def _settings(output: str, **options: Any) -> StylizationSettings:
    tiny: dict[str, Any] = {
        "content": "cat.png", "style": "waves.png", "encoder": "resnet18", "weights": "random", "size": 64,
        "steps": _STEPS,
        "scales": 2, "supersample": 1.0, "shifts": 2, "style_layers": ["stem", "layer1"], "content_layers": ["layer1"],
        "precision": "fp32", "save_every": 1, "tracking": "off", "devices": 2,
    }  # fmt: skip
    return StylizationSettings(output=Path(output), **{**tiny, **options})


def _losses(output: str, **options: Any) -> Mapping[str, float]:
    found: Mapping[str, float] = apart(
        lambda: stylize(_settings(output, **options), console=Console(quiet=True)).result.losses
    )
    return found


def _is_whole(output: str) -> bool:
    return torch.equal(read_image(Path(output)), read_image(Path("whole.png")))


def _killed(output: str, step: int, delay: float) -> tuple[str, float]:
    """The report of a run whose companion is killed so many seconds after a step, and seconds until it came."""
    killed_at, message = list[float](), ""

    def kill() -> None:
        time.sleep(delay)
        killed_at.append(time.monotonic())
        os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)

    def report(now: int, _image: Tensor, _losses: object) -> None:
        if now == step:
            Thread(target=kill, daemon=True).start()

    try:
        stylize(_settings(output), console=Console(quiet=True), on_step=report)
    except RnstError as error:
        message = str(error)
    return message, time.monotonic() - killed_at[0]


def killed() -> list[dict[str, Any]]:
    """At each of several random moments of a run: the report, and whether the resumed picture is the whole one."""
    losses = _losses("again.png")
    draw, found = random.Random(0), []  # noqa: S311 - moments of a test
    moments = sorted((draw.randint(1, 2 * _STEPS - 3), draw.uniform(0.0, _DELAY)) for _ in range(_KILLS))
    for number, (step, delay) in enumerate(moments):
        output = f"killed{number}.png"
        message, noticed = apart(lambda: _killed(output, step, delay))  # noqa: B023 - called before the next round
        state = State.read(Path(output).with_suffix(".state.safetensors"))
        resumed = _losses(output, resume=True)
        found.append({
            "step": step, "delay": delay, "message": message, "state": [state.scale, state.step], "noticed_s": noticed,
            "equal": _is_whole(output) and resumed == losses,
        })  # fmt: skip
    return found


def slow_disk() -> dict[str, Any]:
    """A run whose state takes long to write, with collectives that fail much earlier."""
    write = State.write
    written: list[int] = []

    def slowly(state: State, path: Path) -> None:
        if not written:
            time.sleep(_SLOW_WRITE)
        written.append(state.step)
        write(state, path)

    def run() -> int:
        patch = pytest.MonkeyPatch()  # never undone: this process ends with its work
        patch.setattr(State, "write", slowly)
        patch.setattr(process_group, "TIMEOUT", timedelta(seconds=_IMPATIENT))
        stylize(_settings("slow.png"), console=Console(quiet=True))
        return len(written)

    began = time.monotonic()
    states = apart(run)
    return {"equal": _is_whole("slow.png"), "seconds": time.monotonic() - began, "states": states}


if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1)  # forked processes inherit it
    os.chdir(sys.argv[1])
    torch.set_num_threads(1)  # threads do not survive a fork
    torch.manual_seed(0)
    devices._START = "fork"
    write_image(torch.rand(1, 3, 48, 64), Path("cat.png"))
    write_image(torch.rand(1, 3, 44, 36), Path("waves.png"))
    _losses("whole.png")
    wanted = sys.argv[2:] or ["large_plans", "gradients", "other_plans", "killed", "slow_disk"]
    sys.stdout.write(json.dumps({name: globals()[name]() for name in wanted}) + "\n")
    sys.stdout.flush()
    os._exit(0)
