import pytest
import torch
from torch import Tensor

from rnst.image.masks import COLORS, color_regions, is_colored, rest, sharing, strength


def _mask_of(*names: str, side: int = 8) -> Tensor:
    """Columns of colors, (1, 3, side, side * len(names))."""
    columns = [torch.tensor(COLORS[name]).float().view(1, 3, 1, 1).expand(1, 3, side, side) for name in names]
    return torch.cat(columns, dim=3)


def test_is_colored() -> None:
    gray = torch.rand(1, 1, 40, 40).expand(1, 3, 40, 40)
    assert not is_colored(gray)
    assert not is_colored(gray + 0.1 * torch.rand(1, 3, 40, 40)), "what JPEG makes of gray"
    assert is_colored(_mask_of("black", "red"))
    assert not is_colored(_mask_of("black", "white"))
    speck = _mask_of("black", side=100).clone()
    speck[0, 0, 3, 3:6] = 1.0
    assert not is_colored(speck)


def test_strength__white_is_one() -> None:
    mask = torch.linspace(0, 1, 5).view(1, 1, 1, 5).expand(1, 3, 2, 5)
    torch.testing.assert_close(strength(mask), mask[:, :1])


def test_color_regions__each_pixel_is_in_one() -> None:
    regions = color_regions(_mask_of(*COLORS))
    assert list(regions) == list(COLORS)
    assert torch.equal(torch.stack(list(regions.values())).sum(0), torch.ones(1, 1, 8, 64))
    for number, mask in enumerate(regions.values()):
        assert bool(mask[..., 8 * number : 8 * number + 8].all())


@pytest.mark.parametrize("noise", [0.2, 0.45])
def test_color_regions__colors_may_be_impure(noise: float) -> None:
    clean = _mask_of("red", "cyan", "white")
    corrupted = (clean + noise * (1 - 2 * clean) * torch.rand_like(clean)).clamp(0, 1)
    found, expected = color_regions(corrupted), color_regions(clean)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_color_regions__specks_are_none() -> None:
    mask = _mask_of("blue", side=100).clone()
    mask[0, :, 5, 5] = torch.tensor(COLORS["yellow"]).float()
    assert list(color_regions(mask)) == ["blue"]


def test_sharing__where_masks_overlap_only() -> None:
    masks = [torch.tensor(values).view(1, 1, 1, 4) for values in ([1.0, 1.0, 0.3, 0.0], [0.0, 1.0, 0.3, 0.0])]
    first, second = sharing(masks)
    torch.testing.assert_close(first.flatten(), torch.tensor([1.0, 0.5, 0.3, 0.0]))
    torch.testing.assert_close(second.flatten(), torch.tensor([0.0, 0.5, 0.3, 0.0]))


def test_rest__what_shares_leave() -> None:
    shares = sharing([torch.rand(1, 1, 6, 7) for _ in range(3)])
    torch.testing.assert_close(torch.stack([*shares, rest(shares)]).sum(0), torch.ones(1, 1, 6, 7))
