"""Photos of the experiment on transferability: clean ones, and sets whose labels agree with nothing people see."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from rnst.attacks.ball import L2Ball
from rnst.attacks.loss import TargetedCrossEntropy
from rnst.attacks.pgd import PGD
from rnst.data.batches import evenly
from rnst.data.cifar10 import Cifar10Source
from rnst.data.crops import evaluation_side, evaluation_transform
from rnst.data.in_memory import PhotoSet, gathered
from rnst.data.order import derived_seed
from rnst.data.photos import Preprocessing
from rnst.data.sources import FolderSource, Source, Split
from rnst.studies.transferability.settings import TransferabilitySettings

D_DET, D_RAND = "d_det", "d_rand"
NOISE_DET, NOISE_RAND, PERMUTED = "noise_det", "noise_rand", "permuted"
CONTROLS = (NOISE_DET, NOISE_RAND, PERMUTED)
_WHITE = 255.0

Attack = Callable[[nn.Module, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class CleanPhotos:
    """Photos as they are, all of one size.

    Attributes:
        source: knows classes and statistics.
        train: to train on.
        heldout: of the training photos, those that no network is trained on.
        test: of val.
    """

    source: Source
    train: PhotoSet
    heldout: PhotoSet
    test: PhotoSet

    @property
    def everything(self) -> PhotoSet:
        """Training photos and held-out ones, in this order."""
        return PhotoSet(
            torch.cat([self.train.photos, self.heldout.photos]), torch.cat([self.train.labels, self.heldout.labels])
        )

    def split(self, photos: PhotoSet) -> tuple[PhotoSet, PhotoSet]:
        """A set made of `everything`: its part to train on and its held-out part."""
        numbers = torch.arange(len(photos))
        return photos.chosen(numbers[: len(self.train)]), photos.chosen(numbers[len(self.train) :])


def clean_photos(settings: TransferabilitySettings) -> CleanPhotos:
    """Read all photos.

    Raises:
        MissingPathError: they are not there.
    """
    cifar10 = settings.dataset == "cifar10"
    source: Source = Cifar10Source(settings.data) if cifar10 else FolderSource(settings.data)
    source.prepare()
    side = evaluation_side(settings.image_size, "padded" if cifar10 else "resized")

    def read(split: Split, count: int) -> PhotoSet:
        opened = source.open(split, Preprocessing(side, evaluation_transform(settings.image_size)))
        return gathered(opened, evenly(opened, count).indices)

    train = read("train", settings.train_photos)
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(settings.seed))
    first = max(1, round(settings.heldout * len(train)))
    return CleanPhotos(
        source, train.chosen(order[first:]), train.chosen(order[:first]), read("val", settings.test_photos)
    )


def next_labels(labels: Tensor, classes: int) -> Tensor:
    """The class after each: the shift of D_det."""
    return (labels + 1) % classes


@dataclass(frozen=True)
class Changed:
    """A set, and how often the network that was attacked sees the label in its photos."""

    photos: PhotoSet
    success: float


def build_sets(
    photos: CleanPhotos, attacked: nn.Module, settings: TransferabilitySettings, report: Callable[[str], object]
) -> dict[str, Changed]:
    """D_det, D_rand and their controls (Ilyas et al. 2019, section 3.2 and appendix C), made once and kept.

    Each photo is moved by targeted PGD towards its new label: the next class in D_det, any class in D_rand. The noise
    controls have the same labels and the photos moved as far in a random direction; the other control has the photos of
    D_det with its labels dealt out anew.

    Args:
        photos: clean ones.
        attacked: classifier, images in [0, 1] to logits, in eval mode, on the device of the attack.
        settings: radius, steps, and where the sets are kept.
        report: told what is done.
    """
    clean, classes = photos.everything, len(photos.source.class_names)
    draw = torch.Generator().manual_seed(derived_seed(settings.seed, 1))
    anywhere = torch.randint(classes, (len(clean),), generator=draw)
    targets = {D_DET: next_labels(clean.labels, classes), D_RAND: anywhere}
    attack = PGD(L2Ball(settings.radius), settings.steps, settings.step_size, loss=TargetedCrossEntropy())
    sets: dict[str, PhotoSet] = {}
    for name, labels in targets.items():
        path = settings.output / "sets" / f"{name}.safetensors"
        if not path.is_file():
            report(f"building {name}: {len(clean)} photos")
            _changed(clean, labels, attack, attacked, settings.batch_size_attack).write(path)
        sets[name] = PhotoSet.read(path)
    for name, model in ((NOISE_DET, D_DET), (NOISE_RAND, D_RAND)):
        sets[name] = _noisy(clean, sets[model], draw)
    dealt = torch.randperm(len(clean), generator=draw)
    sets[PERMUTED] = sets[D_DET].relabeled(sets[D_DET].labels[dealt])
    return {
        name: Changed(each, share_of(attacked, each, each.labels, settings.batch_size_attack))
        for name, each in sets.items()
    }


def in_floats(photos: Tensor, device: torch.device) -> Tensor:
    """(N, 3, S, S) uint8 to float32 in [0, 1], channels last, on a device."""
    return photos.to(device, torch.float32, memory_format=torch.channels_last).div_(_WHITE)


def device_of(network: nn.Module) -> torch.device:
    """Where its weights are."""
    return next(network.parameters()).device


def share_of(network: nn.Module, photos: PhotoSet, labels: Tensor, batch_size: int) -> float:
    """Share of photos to which the network answers with `labels`."""
    return float((answers(network, photos.photos, batch_size) == labels).float().mean())


@torch.no_grad()
def answers(network: nn.Module, photos: Tensor, batch_size: int) -> Tensor:
    """Classes (N,) of photos (N, 3, S, S), bytes or floats in [0, 1], on the CPU."""
    device, found = device_of(network), []
    for batch in photos.split(batch_size):
        images = in_floats(batch, device) if batch.dtype == torch.uint8 else batch.to(device)
        found.append(network(images).argmax(1).cpu())
    return torch.cat(found)


def attacked_floats(network: nn.Module, photos: Tensor, labels: Tensor, attack: Attack, batch_size: int) -> Tensor:
    """Adversarial images (N, 3, S, S) in [0, 1] of photos in bytes, on the CPU."""
    device = device_of(network)
    batches = zip(photos.split(batch_size), labels.split(batch_size), strict=True)
    return torch.cat([attack(network, in_floats(batch, device), wanted.to(device)).cpu() for batch, wanted in batches])


def same_length_noise(images: Tensor, moved: Tensor, draw: torch.Generator) -> Tensor:
    """`images`, each moved as far as `moved` is, in a random direction, and clamped to [0, 1]."""
    lengths = (moved - images).flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    noise = torch.randn(images.shape, generator=draw)
    noise = noise / noise.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    noisy: Tensor = (images + lengths * noise).clamp(0.0, 1.0)
    return noisy


def in_bytes(images: Tensor) -> Tensor:
    """Rounded to what a file of photos holds."""
    return (images * _WHITE).round().to(torch.uint8)


def _changed(clean: PhotoSet, labels: Tensor, attack: PGD, network: nn.Module, batch_size: int) -> PhotoSet:
    moved = attacked_floats(network, clean.photos, labels, attack, batch_size)
    return PhotoSet(in_bytes(moved), labels)


def _noisy(clean: PhotoSet, model: PhotoSet, draw: torch.Generator) -> PhotoSet:
    images, moved = clean.photos.float() / _WHITE, model.photos.float() / _WHITE
    return PhotoSet(in_bytes(same_length_noise(images, moved, draw)), model.labels)


def folder_of(settings: TransferabilitySettings) -> Path:
    """Where networks are kept."""
    return settings.output / "networks"
