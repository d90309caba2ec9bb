"""Photos of the transferability study: clean ones, and sets whose labels disagree with the visible content."""

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
from rnst.data.digests import digest
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
    """Clean photos, all of one size.

    Attributes:
        source: class names and statistics.
        train: training photos.
        heldout: photos of the training split that no network is trained on.
        test: photos of val.
    """

    source: Source
    train: PhotoSet
    heldout: PhotoSet
    test: PhotoSet

    @property
    def everything(self) -> PhotoSet:
        """Training photos followed by held-out ones."""
        return PhotoSet(
            torch.cat([self.train.photos, self.heldout.photos]), torch.cat([self.train.labels, self.heldout.labels])
        )

    @property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of all photos and labels."""
        parts = (self.train, self.heldout, self.test)
        return digest(*(tensor for part in parts for tensor in (part.photos, part.labels)))

    def split(self, photos: PhotoSet) -> tuple[PhotoSet, PhotoSet]:
        """Training part and held-out part of a set derived from `everything`."""
        numbers = torch.arange(len(photos))
        return photos.chosen(numbers[: len(self.train)]), photos.chosen(numbers[len(self.train) :])


def clean_photos(settings: TransferabilitySettings) -> CleanPhotos:
    """Read all photos.

    Raises:
        MissingPathError: the photos do not exist.
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
    """The class after each: the label shift of D_det."""
    return (labels + 1) % classes


@dataclass(frozen=True)
class Changed:
    """A set, and the share of its photos for which the attacked network predicts the label."""

    photos: PhotoSet
    success: float


def build_sets(
    photos: CleanPhotos, attacked: nn.Module, settings: TransferabilitySettings, report: Callable[[str], object]
) -> dict[str, Changed]:
    """D_det, D_rand and their controls (Ilyas et al. 2019, section 3.2 and appendix C), made once and kept.

    Targeted PGD perturbs each photo towards its new label: the next class in D_det, any class in D_rand. The noise
    controls have the same labels, and perturbations of the same norm in a random direction; the other control has the
    photos of D_det with shuffled labels.

    Args:
        photos: clean photos.
        attacked: classifier, images in [0, 1] to logits, in eval mode, on the device of the attack.
        settings: radius, steps, and folder of the sets.
        report: called with a message before each set.
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
    """Device of the network's weights."""
    return next(network.parameters()).device


def share_of(network: nn.Module, photos: PhotoSet, labels: Tensor, batch_size: int) -> float:
    """Share of photos for which the network predicts `labels`."""
    return float((answers(network, photos.photos, batch_size) == labels).float().mean())


@torch.no_grad()
def answers(network: nn.Module, photos: Tensor, batch_size: int) -> Tensor:
    """Predicted classes (N,) of photos (N, 3, S, S), uint8 or floats in [0, 1], on the CPU."""
    device, found = device_of(network), []
    for batch in photos.split(batch_size):
        images = in_floats(batch, device) if batch.dtype == torch.uint8 else batch.to(device)
        found.append(network(images).argmax(1).cpu())
    return torch.cat(found)


def attacked_floats(network: nn.Module, photos: Tensor, labels: Tensor, attack: Attack, batch_size: int) -> Tensor:
    """Adversarial images (N, 3, S, S) in [0, 1] of uint8 photos, on the CPU."""
    device = device_of(network)
    batches = zip(photos.split(batch_size), labels.split(batch_size), strict=True)
    return torch.cat([attack(network, in_floats(batch, device), wanted.to(device)).cpu() for batch, wanted in batches])


def same_length_noise(images: Tensor, perturbed: Tensor, draw: torch.Generator) -> Tensor:
    """`images` with noise of the norm of `perturbed` - `images` in a random direction.

    Values that would leave [0, 1] change in the opposite direction, if there is more room, so that the norm is exact
    also for saturated pixels; only noise too large for either side is clamped.
    """
    lengths = (perturbed - images).flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    noise = torch.randn(images.shape, generator=draw)
    noise = lengths * (noise / noise.flatten(1).norm(dim=1).view(-1, 1, 1, 1))
    moved = images + noise
    leaves = (moved < 0.0) & (images < 0.5) | (moved > 1.0) & (images > 0.5)  # noqa: PLR2004 - the middle
    noisy: Tensor = torch.where(leaves, images - noise, moved).clamp(0.0, 1.0)
    return noisy


def in_bytes(images: Tensor) -> Tensor:
    """Floats in [0, 1] rounded to uint8."""
    return (images * _WHITE).round().to(torch.uint8)


def _changed(clean: PhotoSet, labels: Tensor, attack: PGD, network: nn.Module, batch_size: int) -> PhotoSet:
    perturbed = attacked_floats(network, clean.photos, labels, attack, batch_size)
    return PhotoSet(in_bytes(perturbed), labels)


def _noisy(clean: PhotoSet, model: PhotoSet, draw: torch.Generator) -> PhotoSet:
    images, perturbed = clean.photos.float() / _WHITE, model.photos.float() / _WHITE
    return PhotoSet(in_bytes(same_length_noise(images, perturbed, draw)), model.labels)


def folder_of(settings: TransferabilitySettings) -> Path:
    """Folder of the networks."""
    return settings.output / "networks"
