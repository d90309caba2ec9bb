"""Snow, frost, fog and brightness. All pictures are (3, H, W) float32 in [0, 1]; results may exceed this range."""

import torch
from torch import Generator, Tensor
from torchvision.transforms import v2

from rnst.corruptions.blur import enlarged, translated_mean
from rnst.corruptions.fields import clouds, ice

_FALL = (-135.0, -45.0)  # range of the direction in which flakes fall, in degrees


def snow(  # noqa: PLR0913 - the numbers of the published table
    picture: Tensor,
    draw: Generator,
    mean: float,
    deviation: float,
    size: float,
    threshold: float,
    length: float,
    sigma: float,
    kept: float,
) -> Tensor:
    """Whiten the picture, then add falling flakes, and the same flakes rotated by 180 degrees.

    Args:
        picture: (3, H, W).
        draw: generator of the flakes and of their direction.
        mean: mean of the normal noise that becomes flakes.
        deviation: standard deviation of the noise.
        size: size of a flake, in pixels.
        threshold: noise below this value is no flake.
        length: half the length of a flake's motion blur, in pixels.
        sigma: decay of the motion blur, in pixels.
        kept: share of the picture that is not whitened.
    """
    height, width = picture.shape[-2:]
    flakes = enlarged(mean + deviation * torch.randn(1, height, width, generator=draw), size)
    flakes = torch.where(flakes < threshold, 0.0, flakes).clamp(0.0, 1.0)
    share = torch.rand(1, generator=draw).item()
    flakes = translated_mean(flakes, _FALL[0] + share * (_FALL[1] - _FALL[0]), int(length), sigma)
    gray = v2.functional.rgb_to_grayscale(picture)
    whitened = kept * picture + (1.0 - kept) * torch.maximum(picture, 1.5 * gray + 0.5)
    return whitened + flakes + flakes.flip(-2, -1)


def frost(picture: Tensor, draw: Generator, kept: float, added: float) -> Tensor:
    """Overlay a frosted pane.

    The published corruption uses six photos of frost from the web, which we may not distribute. The pane is synthetic
    here (`rnst.corruptions.fields.ice`), so errors under this corruption are not comparable with published ones.
    """
    height, width = picture.shape[-2:]
    return kept * picture + added * ice(height, width, draw)


def fog(picture: Tensor, draw: Generator, amount: float, roughness: float) -> Tensor:
    """Add clouds of this amplitude, and rescale to the brightest value of the picture."""
    height, width = picture.shape[-2:]
    brightest = picture.max()
    added = amount * clouds(height, width, roughness, draw)
    return (picture + added) * brightest / (brightest + amount)


def brightness(picture: Tensor, draw: Generator, amount: float) -> Tensor:  # noqa: ARG001
    """Raise the value in HSV, which is the largest of the three colors; black becomes gray."""
    value = picture.amax(0, keepdim=True)
    raised = (value + amount).clamp(0.0, 1.0)
    return torch.where(value > 0.0, picture * (raised / value.clamp_min(1e-6)), raised)
