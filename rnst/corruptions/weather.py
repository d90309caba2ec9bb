"""Snow, frost, fog and too much light. All pictures here are (3, H, W) float32 in [0, 1]; results may leave it."""

import torch
from torch import Generator, Tensor
from torchvision.transforms import v2

from rnst.corruptions.blur import enlarged, moved
from rnst.corruptions.fields import clouds, ice

_FALL = (-135.0, -45.0)  # degrees in which flakes may fall


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
    """Whiten the picture, then add falling flakes, and the same flakes turned by half a turn.

    Args:
        picture: (3, H, W).
        draw: of the flakes and of their direction.
        mean: of the normal noise that becomes flakes.
        deviation: of that noise.
        size: of a flake, in pixels.
        threshold: noise below is no flake.
        length: half of that of a falling flake, in pixels.
        sigma: how soon its trace fades, in pixels.
        kept: share of the picture that is not whitened.
    """
    height, width = picture.shape[-2:]
    flakes = enlarged(mean + deviation * torch.randn(1, height, width, generator=draw), size)
    flakes = torch.where(flakes < threshold, 0.0, flakes).clamp(0.0, 1.0)
    share = torch.rand(1, generator=draw).item()
    flakes = moved(flakes, _FALL[0] + share * (_FALL[1] - _FALL[0]), int(length), sigma)
    gray = v2.functional.rgb_to_grayscale(picture)
    whitened = kept * picture + (1.0 - kept) * torch.maximum(picture, 1.5 * gray + 0.5)
    return whitened + flakes + flakes.flip(-2, -1)


def frost(picture: Tensor, draw: Generator, kept: float, added: float) -> Tensor:
    """Lay a frosted pane over the picture.

    The published corruption takes six photos of frost from the web, which are not ours to give away. Here the pane is
    made up (`rnst.corruptions.fields.ice`): errors under this corruption do not compare with published ones.
    """
    height, width = picture.shape[-2:]
    return kept * picture + added * ice(height, width, draw)


def fog(picture: Tensor, draw: Generator, amount: float, roughness: float) -> Tensor:
    """Add clouds of this height, and scale back to the brightest value that the picture had."""
    height, width = picture.shape[-2:]
    brightest = picture.max()
    added = amount * clouds(height, width, roughness, draw)
    return (picture + added) * brightest / (brightest + amount)


def brightness(picture: Tensor, draw: Generator, amount: float) -> Tensor:  # noqa: ARG001
    """Raise the value of hue, saturation and value, which is the largest of the three colors; black becomes gray."""
    value = picture.amax(0, keepdim=True)
    raised = (value + amount).clamp(0.0, 1.0)
    return torch.where(value > 0.0, picture * (raised / value.clamp_min(1e-6)), raised)
