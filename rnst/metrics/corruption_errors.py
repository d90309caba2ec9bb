"""How much worse a network gets on spoiled photos, by the measure of another one (Hendrycks and Dietterich 2019)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

PUBLISHED_ALEXNET = "published_alexnet"
# Mean error of AlexNet over the five severities of ImageNet-C, as its authors publish it for the division; its error on
# clean photos is that of torchvision's weights, the same network.
_ALEXNET = {
    "gaussian_noise": 0.886428,
    "shot_noise": 0.894468,
    "impulse_noise": 0.922640,
    "defocus_blur": 0.819880,
    "glass_blur": 0.826268,
    "motion_blur": 0.785948,
    "zoom_blur": 0.798360,
    "snow": 0.866816,
    "frost": 0.826572,
    "fog": 0.819324,
    "brightness": 0.564592,
    "contrast": 0.853204,
    "elastic_transform": 0.646056,
    "pixelate": 0.717840,
    "jpeg_compression": 0.606500,
}
_ALEXNET_CLEAN = 0.43478

_DRAWS = 1000
_LOW, _HIGH = 0.025, 0.975


@dataclass(frozen=True)
class Estimate:
    """A figure, and where it lies in 95 % of the resamplings of photos; not a number where it is not defined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class CorruptionErrors:
    """What one network makes of spoiled photos; errors are shares, those relative to the reference percentages.

    Attributes:
        clean: error on the photos as they are.
        errors: corruption -> error at each severity.
        relative_to_reference: corruption -> CE, its errors by those of the reference.
        mean: mCE, their mean.
        degradation: mean of the relative CE, in which both networks' clean errors are taken off.
    """

    clean: Estimate
    errors: dict[str, tuple[float, ...]]
    relative_to_reference: dict[str, float]
    mean: Estimate
    degradation: Estimate


def published_alexnet(corruptions: tuple[str, ...], severities: int) -> Tensor:
    """AlexNet's errors in the layout of `errors_of`, (1 + corruptions * severities,), each severity with the mean."""
    means = [_ALEXNET[name] for name in corruptions for _ in range(severities)]
    return torch.tensor([_ALEXNET_CLEAN, *means], dtype=torch.float64)


def corruption_errors(
    right: Tensor, reference: Tensor, corruptions: tuple[str, ...], seed: int = 0
) -> CorruptionErrors:
    """Sum up one network.

    CE of a corruption is the sum of the errors over severities, divided by the same sum of the reference; mCE is the
    mean of the CE (equations 1 and 2 of the paper; in the relative ones both clean errors are subtracted first). The
    intervals say what other photos of the same kind would change; networks and reference are resampled together. They
    do not say what another training would.

    Args:
        right: (photos, 1 + corruptions * severities) bool, the clean photos first, then corruption by corruption.
        reference: the same of the reference on the same photos, or its errors (1 + corruptions * severities,).
        corruptions: their names.
        seed: of the resampling.
    """
    wrong = (~right).double()
    if reference.dim() == 1:
        errors = _resampled(wrong, seed)
        others = reference.double().expand_as(errors)
    else:
        errors, others = _resampled(torch.cat([wrong, (~reference).double()], 1), seed).chunk(2, 1)
    absolute, relative = (_ratios(errors, others, len(corruptions), without_clean=flag) for flag in (False, True))
    table = errors[0, 1:].unflatten(0, (len(corruptions), -1)).tolist()
    return CorruptionErrors(
        _estimate(errors[:, 0]),
        {name: tuple(row) for name, row in zip(corruptions, table, strict=True)},
        dict(zip(corruptions, absolute[0].tolist(), strict=True)),
        _estimate(absolute.mean(1)),
        _estimate(relative.mean(1)),
    )


def _ratios(errors: Tensor, others: Tensor, corruptions: int, *, without_clean: bool) -> Tensor:
    """CE in percent, (draws, corruptions); no number where the reference makes no errors more."""
    sums, references = (_summed(each, corruptions, without_clean=without_clean) for each in (errors, others))
    return torch.where(references > 0, 100.0 * (sums / references), math.nan)


def _summed(errors: Tensor, corruptions: int, *, without_clean: bool) -> Tensor:
    by_severity = errors[:, 1:].unflatten(1, (corruptions, -1))
    if without_clean:
        by_severity = by_severity - errors[:, :1, None]
    sums: Tensor = by_severity.sum(2)
    return sums


def _resampled(wrong: Tensor, seed: int) -> Tensor:
    """Means over the photos (photos, V), and over resamplings of them: (1 + draws, V)."""
    draw = torch.Generator().manual_seed(seed)
    photos = len(wrong)
    means = [wrong.mean(0)]
    for _ in range(_DRAWS):
        drawn = torch.randint(photos, (photos,), generator=draw)
        means.append(torch.bincount(drawn, minlength=photos).double() @ wrong / photos)
    return torch.stack(means)


def _estimate(values: Tensor) -> Estimate:
    """From the value itself and those of the resamplings."""
    ends = torch.nanquantile(values[1:], torch.tensor([_LOW, _HIGH], dtype=values.dtype))
    low, high = ends.tolist()
    return Estimate(values[0].item(), low, high)
