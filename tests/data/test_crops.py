import pytest
import torch

from rnst.data.crops import Crop, Lighting, evaluation_side, evaluation_transform, training_side, training_transform


@pytest.mark.parametrize("crop", ["shifted", "resized", "padded"])
def test_training_transform__moves_and_flips(crop: Crop) -> None:
    photo = torch.randint(0, 256, (3, 40, 50), dtype=torch.uint8)
    transform = training_transform(32, crop)
    crops = [transform(photo) for _ in range(12)]
    assert all(crop.shape == (3, 32, 32) and crop.dtype == torch.uint8 for crop in crops)
    assert any(not torch.equal(crop, crops[0]) for crop in crops)


def test_training_transform__shifted_only_moves_a_window() -> None:
    photo = torch.randint(0, 256, (3, 10, 12), dtype=torch.uint8)
    windows = photo.unfold(1, 8, 1).unfold(2, 8, 1).permute(1, 2, 0, 3, 4).reshape(-1, 3, 8, 8)
    windows = torch.cat([windows, windows.flip(-1)])
    transform = training_transform(8, "shifted")
    seen = set()
    for _ in range(60):
        match = (windows == transform(photo)).flatten(1).all(1).nonzero().flatten().tolist()
        assert len(match) == 1
        seen.add(match[0])
    assert len(seen) > 15, "of the 30 possible ones"


def test_training_transform__a_small_photo_is_padded() -> None:
    assert training_transform(32, "shifted")(torch.zeros(3, 20, 25, dtype=torch.uint8)).shape == (3, 32, 32)


def test_evaluation_transform__takes_the_middle() -> None:
    photo = torch.arange(36, dtype=torch.uint8).view(1, 6, 6).expand(3, 6, 6)
    assert torch.equal(evaluation_transform(4)(photo), photo[:, 1:5, 1:5])


def test_training_transform__padded_moves_by_an_eighth_over_black() -> None:
    photo = torch.randint(1, 256, (3, 32, 32), dtype=torch.uint8)
    transform = training_transform(32, "padded")
    borders = set()
    for _ in range(60):
        black = (transform(photo) == 0).all(0)
        rows, columns = int(black.all(1).sum()), int(black.all(0).sum())
        assert rows <= 4
        assert columns <= 4
        borders.add((rows, columns))
    assert len(borders) > 10


def test_jitter__changes_colors_a_little() -> None:
    photo = torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8)
    changed = [training_transform(32, "padded", jitter=True)(photo) for _ in range(20)]
    assert all(one.dtype == torch.uint8 and one.shape == (3, 32, 32) for one in changed)
    means = torch.stack([one.float().mean() for one in changed])
    plain = torch.stack([training_transform(32, "padded")(photo).float().mean() for _ in range(20)])
    assert means.std() > plain.std()


def test_lighting__adds_one_color_to_all_pixels() -> None:
    photo = torch.randint(100, 150, (3, 8, 8), dtype=torch.uint8)
    shifts = []
    for _ in range(200):
        difference = Lighting()(photo).float() - photo.float()
        assert (difference.flatten(1).max(1).values - difference.flatten(1).min(1).values).max() == 0
        shifts.append(difference[:, 0, 0])
    spread = torch.stack(shifts).std(0)
    # Nearly all of it lies along the first principal color: 255 * 0.05 * 0.2175 * its components.
    assert torch.allclose(spread, torch.tensor([1.57, 1.61, 1.62]), atol=0.35)


@pytest.mark.parametrize(
    ("crop", "training", "evaluation"), [("resized", None, 256), ("shifted", 280, 256), ("padded", 224, 224)]
)
def test_sides(crop: Crop, training: int | None, evaluation: int) -> None:
    assert (training_side(224, crop), evaluation_side(224, crop)) == (training, evaluation)
