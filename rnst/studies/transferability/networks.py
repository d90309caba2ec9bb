"""Trainings of the transferability study: each network is trained once and kept."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import nn

from rnst import machine
from rnst.attacks.attack import NoAttack
from rnst.data.datamodules import PhotoFolders
from rnst.data.in_memory import MemorySource, PhotoSet
from rnst.data.order import derived_seed
from rnst.encoders.classifier import load_classifier
from rnst.encoders.weights.files import read_weights
from rnst.errors import RnstError
from rnst.studies.transferability.sets import CleanPhotos, folder_of
from rnst.studies.transferability.settings import TransferabilitySettings
from rnst.training.recipe import Recipe
from rnst.training.robust_classifier import RobustClassifier
from rnst.training.train import DivergedError, train

CLEAN = "clean"

Report = Callable[[str], object]


class NothingTrainedError(RnstError):
    """Training diverged at every learning rate."""

    def __init__(self, architecture: str, name: str) -> None:
        super().__init__(f"{architecture} diverged on {name} at every learning rate; give lower ones: --learning_rates")


@dataclass(frozen=True)
class Trained:
    """A network on disk.

    Attributes:
        path: its weight file.
        learning_rate: the best learning rate.
        heldout_accuracy: accuracy on the held-out part of its own set, which selected the learning rate.
    """

    path: Path
    learning_rate: float
    heldout_accuracy: float

    def load(self, accelerator: str) -> nn.Module:
        """Load the network in eval mode, on the device of attacks and predictions."""
        classifier, _ = load_classifier(str(self.path))
        device = machine.device(accelerator)
        return classifier.to(device)


def train_best(
    architecture: str,
    name: str,
    photos: CleanPhotos,
    changed: PhotoSet | None,
    settings: TransferabilitySettings,
    report: Report,
) -> Trained:
    """Train from scratch with each learning rate; the best network on held-out photos of the same set is kept.

    The test photos are not used here.

    Args:
        architecture: architecture to train.
        name: name of the set; other names for the same photos give independent networks: other weights, other order.
        photos: clean photos.
        changed: set derived from them; None trains on the clean photos.
        settings: recipe, and folder of the networks.
        report: called with a message after each training.

    Raises:
        NothingTrainedError: every learning rate was too high.
    """
    found = [_trained(architecture, name, rate, photos, changed, settings, report) for rate in settings.rates]
    usable = [each for each in found if each is not None]
    if not usable:
        raise NothingTrainedError(architecture, name)
    return max(usable, key=lambda each: each.heldout_accuracy)


def _trained(
    architecture: str,
    name: str,
    rate: float,
    photos: CleanPhotos,
    changed: PhotoSet | None,
    settings: TransferabilitySettings,
    report: Report,
) -> Trained | None:
    """Train one network, or load it from an earlier run; None if it diverged."""
    path = folder_of(settings) / f"{name}--{architecture}--{rate:g}.safetensors"
    if path.is_file():
        return Trained(path, rate, float(read_weights(path)[1]["accuracy_clean"]))
    torch.manual_seed(derived_seed(settings.seed, zlib.crc32(path.name.encode())))
    splits = (photos.train, photos.heldout) if changed is None else photos.split(changed)
    data = _data(photos, splits, settings, augment=changed is None or settings.augment)
    recipe = Recipe(rate, weight_decay=settings.weight_decay, schedule="one_cycle", nesterov=True)
    model = RobustClassifier(data.facts, NoAttack(), NoAttack(), architecture, recipe)
    try:
        facts = train(_trainer(settings), model, data, path, report=report)
    except DivergedError:
        report(f"{path.stem}: diverged")
        return None
    report(f"{path.stem}: {facts['accuracy_clean']:.1%} of its held-out photos")
    return Trained(path, rate, facts["accuracy_clean"])


def _data(
    photos: CleanPhotos, splits: tuple[PhotoSet, PhotoSet], settings: TransferabilitySettings, *, augment: bool
) -> PhotoFolders:
    source = photos.source
    data = PhotoFolders(
        settings.data,
        name=settings.dataset,
        classes="folders",
        image_size=settings.image_size,
        crop="padded" if augment else "whole",
        batch_size=min(settings.batch_size, len(splits[0])),
        workers=0,
    )
    data.source = MemorySource({"train": splits[0], "val": splits[1]}, source.class_names, source.mean, source.std)
    return data


def _trainer(settings: TransferabilitySettings) -> pl.Trainer:
    return pl.Trainer(
        max_epochs=settings.epochs,
        accelerator=settings.accelerator,
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        inference_mode=False,
        num_sanity_val_steps=0,
        limit_val_batches=0,
        reload_dataloaders_every_n_epochs=1,
    )
