"""Errors of a network on corrupted photos, relative to a reference network (Hendrycks and Dietterich 2019)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from rnst.metrics.robustness import interval

# Mean error of AlexNet over the five severities of ImageNet-C, published by its authors as divisors; the error on clean
# photos is that of torchvision's weights of the same network.
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
_SEVERITIES = 5

_DRAWS = 1000
_LOW, _HIGH = 0.025, 0.975


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval; NaN where it is undefined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class CorruptionErrors:
    """Errors of one network on corrupted photos: errors are shares, relative errors are percentages.

    Attributes:
        clean: error on the clean photos, with Wilson's interval.
        errors: corruption -> error at each severity.
        relative_to_reference: corruption -> CE, the errors divided by those of the reference.
        mean: mCE, the mean of the CE, with an interval over bootstrap samples of the photos.
        degradation: mean of the relative CE, for which both networks' clean errors are subtracted; as `mean`.
    """

    clean: Estimate
    errors: dict[str, tuple[float, ...]]
    relative_to_reference: dict[str, float]
    mean: Estimate
    degradation: Estimate


def published_alexnet(corruptions: tuple[str, ...]) -> Tensor:
    """AlexNet's errors as a reference of all five severities, (1 + 5 * corruptions,); each severity has the mean."""
    means = [_ALEXNET[name] for name in corruptions for _ in range(_SEVERITIES)]
    return torch.tensor([_ALEXNET_CLEAN, *means], dtype=torch.float64)


def corruption_errors(
    right: Tensor, reference: Tensor, corruptions: tuple[str, ...], seed: int = 0
) -> CorruptionErrors:
    """Aggregate the predictions of one network.

    CE of a corruption is the sum of the errors over severities, divided by the same sum of the reference; mCE is the
    mean of the CE (equations 1 and 2 of the paper; the relative ones subtract both clean errors first). The intervals
    cover the choice of photos; networks and reference are resampled together. They do not cover the variance between
    trainings. Where all samples agree, as without any error or with a single photo, they show no variance, and the
    interval is undefined; that of the reference itself is 100 to 100.

    Args:
        right: (photos, 1 + corruptions * severities) bool, the clean photos first, then corruption by corruption.
        reference: the same of the reference on the same photos, or its errors (1 + corruptions * severities,). The
            reference itself is recognized by passing one tensor for both.
        corruptions: names of the corruptions.
        seed: seed of the bootstrap.
    """
    wrong = (~right).double()
    if reference.dim() == 1:
        errors = _resampled(wrong, seed)
        others = reference.double().expand_as(errors)
    else:
        errors, others = _resampled(torch.cat([wrong, (~reference).double()], 1), seed).chunk(2, 1)
    absolute, relative = (_ratios(errors, others, len(corruptions), without_clean=flag) for flag in (False, True))
    table = errors[0, 1:].unflatten(0, (len(corruptions), -1)).tolist()
    clean = Estimate(errors[0, 0].item(), *interval(int(wrong[:, 0].sum()), len(wrong)))
    itself = right is reference
    return CorruptionErrors(
        clean,
        {name: tuple(row) for name, row in zip(corruptions, table, strict=True)},
        dict(zip(corruptions, absolute[0].tolist(), strict=True)),
        _estimate(absolute.mean(1), by_definition=itself),
        _estimate(relative.mean(1), by_definition=itself),
    )


def _ratios(errors: Tensor, others: Tensor, corruptions: int, *, without_clean: bool) -> Tensor:
    """CE in percent, (draws, corruptions); NaN where the reference has no additional errors."""
    sums, references = (_summed(each, corruptions, without_clean=without_clean) for each in (errors, others))
    return torch.where(references > 0, 100.0 * (sums / references), math.nan)


def _summed(errors: Tensor, corruptions: int, *, without_clean: bool) -> Tensor:
    by_severity = errors[:, 1:].unflatten(1, (corruptions, -1))
    if without_clean:
        by_severity = by_severity - errors[:, :1, None]
    sums: Tensor = by_severity.sum(2)
    return sums


def _resampled(wrong: Tensor, seed: int) -> Tensor:
    """Means over the photos (photos, V), and over bootstrap samples of them: (1 + draws, V)."""
    draw = torch.Generator().manual_seed(seed)
    photos = len(wrong)
    means = [wrong.mean(0)]
    for _ in range(_DRAWS):
        drawn = torch.randint(photos, (photos,), generator=draw)
        means.append(torch.bincount(drawn, minlength=photos).double() @ wrong / photos)
    return torch.stack(means)


def _estimate(values: Tensor, *, by_definition: bool) -> Estimate:
    """Build an estimate from a value and its bootstrap samples; only a value by definition has no variance."""
    ends = torch.nanquantile(values[1:], torch.tensor([_LOW, _HIGH], dtype=values.dtype))
    low, high = ends.tolist() if by_definition or ends[0] < ends[1] else (math.nan, math.nan)
    return Estimate(values[0].item(), low, high)
