from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from rnst.studies.transferability.sets import build_sets, clean_photos, next_labels, same_length_noise
from rnst.studies.transferability.settings import TransferabilitySettings

MakePhotos = Callable[..., Path]


def _settings(root: Path, output: Path) -> TransferabilitySettings:
    return TransferabilitySettings(
        root,
        ["tiny_vgg"],
        "tiny_resnet",
        image_size=16,
        radius=4.0,
        step_size=0.5,
        steps=30,
        heldout=0.25,
        output=output,
    )


def test_sets__labels_lengths_and_success(make_photos: MakePhotos, tmp_path: Path) -> None:
    settings = _settings(make_photos(train=20, val=1), tmp_path / "out")
    photos = clean_photos(settings)
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 3))
    sets = build_sets(photos, network, settings, lambda _: None)
    clean = photos.everything
    assert (len(photos.train), len(photos.heldout), len(photos.test)) == (45, 15, 3)
    assert torch.equal(sets["d_det"].photos.labels, next_labels(clean.labels, 3))
    assert torch.equal(sets["noise_rand"].photos.labels, sets["d_rand"].photos.labels)
    assert sets["d_rand"].photos.labels.unique().tolist() == [0, 1, 2]
    lengths = {
        name: ((each.photos.photos.float() - clean.photos.float()) / 255).flatten(1).norm(dim=1)
        for name, each in sets.items()
    }
    for found in lengths.values():
        assert float(found.max()) < 4.0 + 0.06, "the radius, and rounding to bytes"
    assert torch.allclose(lengths["noise_det"], lengths["d_det"], atol=0.2), "clamping shortens both"
    assert sets["d_det"].success > 0.9
    assert sets["d_det"].success > sets["noise_det"].success
    assert sets["permuted"].photos.labels.sort().values.equal(sets["d_det"].photos.labels.sort().values)
    again = build_sets(photos, nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 3)), settings, lambda _: None)
    for name, each in sets.items():
        assert torch.equal(again[name].photos.photos, each.photos.photos), "they are read, not built again"


def test_heldout_photos_are_never_trained_on(make_photos: MakePhotos, tmp_path: Path) -> None:
    photos = clean_photos(_settings(make_photos(train=8), tmp_path))
    flat = {tuple(photo.flatten().tolist()) for photo in photos.train.photos}
    assert not flat & {tuple(photo.flatten().tolist()) for photo in photos.heldout.photos}
    first, last = photos.split(photos.everything)
    assert torch.equal(first.photos, photos.train.photos)
    assert torch.equal(last.photos, photos.heldout.photos)


def test_same_length_noise() -> None:
    images = torch.full((4, 3, 8, 8), 0.5)
    moved = images + torch.tensor([0.0, 0.01, 0.02, 0.03]).view(4, 1, 1, 1)
    noisy = same_length_noise(images, moved, torch.Generator().manual_seed(0))
    lengths = [(each - images).flatten(1).norm(dim=1) for each in (moved, noisy)]
    assert lengths[1] == pytest.approx(lengths[0], abs=1e-5)


@pytest.mark.parametrize("white", [0.0, 0.5, 1.0])
def test_same_length_noise__saturated_pixels(white: float) -> None:
    draw = torch.Generator().manual_seed(0)
    images = torch.where(torch.rand(16, 3, 16, 16, generator=draw) < white, 1.0, 0.5)
    images[8:] = 1.0 - images[8:]
    moved = images + 0.02 * (0.5 - images).sign()
    moved[images == 0.5] += 0.01
    noisy = same_length_noise(images, moved, draw)
    lengths = [(each - images).flatten(1).norm(dim=1) for each in (moved, noisy)]
    assert lengths[1] == pytest.approx(lengths[0], abs=1e-5)
    assert float(noisy.min()) >= 0.0
    assert float(noisy.max()) <= 1.0
