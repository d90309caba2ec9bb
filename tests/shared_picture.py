"""A tiny picture on several processes, as a program: `python tests/shared_picture.py DEVICES [RANK THAT DIES]`.

Each process prints how often it evaluated, and the last loss and the sum of its picture in full.
"""

import os
import sys
from functools import partial

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from rnst.encoders.receptive_fields import receptive_fields
from rnst.image.parameters import PixelImage
from rnst.losses.objective import Objective, Weights
from rnst.losses.perceptual import ContentLoss, GramLoss
from rnst.optimization.devices import SharedPicture, companions
from rnst.optimization.optimizers import PixelOptimizer
from rnst.optimization.process_group import DeviceLostError
from rnst.optimization.tiled_gradient import TiledObjective, Unseen
from rnst.optimization.tiles import cut

_SIZE = (61, 83)


class _Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.requires_grad_(requires_grad=False)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        first = self.first(images).relu()
        return {"a": first, "b": self.second(first).relu()}


class _Task(pl.LightningModule):
    def __init__(self, dies: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        encoder = _Encoder()
        self.image = PixelImage.from_image(torch.rand(1, 3, *_SIZE))
        with torch.no_grad():
            style, photo = encoder(torch.rand(1, 3, 40, 40)), encoder(torch.rand(1, 3, *_SIZE))
        objective = Objective(
            {layer: GramLoss(style[layer]) for layer in "ab"}, {"b": ContentLoss(photo["b"])}, Weights(10.0, 1.0, 0.1)
        )
        fields = receptive_fields(encoder)
        self.objective = TiledObjective(encoder, fields, cut(_SIZE, fields, 2, 2), objective)
        self.dies = dies
        self.losses: list[float] = []

    def train_dataloader(self) -> range:
        return range(8)

    def on_train_batch_start(self, batch: int, batch_idx: int) -> None:  # noqa: ARG002 - a hook
        if batch_idx == 3 and self.global_rank == self.dies:
            os._exit(3)

    def training_step(self, batch: int, batch_idx: int) -> Tensor:  # noqa: ARG002 - a hook
        picture = self.image()
        total: Tensor = self.objective(Unseen()(picture), picture)["total"]
        self.losses.append(total.item())
        return total

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return PixelOptimizer().build(self.image.parameters())


def work(devices: int, dies: int) -> None:
    trainer = pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        devices=devices,
        strategy=SharedPicture() if devices > 1 else "auto",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    task = _Task(dies)
    lines = []
    try:
        trainer.fit(task)
    except DeviceLostError as error:
        lines.append(f"lost {error}\n")
    lines.append(f"result {len(task.losses)} {task.losses[-1]!r} {task.image().sum().item()!r}\n")
    sys.stdout.write("".join(lines))
    sys.stdout.flush()


if __name__ == "__main__":
    devices_, dies_ = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else -1
    with companions(partial(work, devices_, dies_), devices_, torch.device("cpu")):
        work(devices_, dies_)
