"""Targets of the losses, measured once from the paintings and the photo."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnst.encoders.encoder import Encoder
from rnst.encoders.receptive_fields import layer_sizes
from rnst.image.files import fit_long_side, resize
from rnst.image.periodic import NO_WRAPS, Wraps
from rnst.losses.balance import balance, evened
from rnst.losses.conventions import find_convention
from rnst.losses.objective import Objective, Weights
from rnst.losses.perceptual import ContentLoss, GramLoss
from rnst.losses.regions import RegionalLoss
from rnst.losses.smoothing import Softened, SoftenedContentLoss, exponentials, softened
from rnst.losses.statistics import WHOLE, Moments, Window, blend, moments
from rnst.losses.wasserstein import WassersteinLoss
from rnst.optimization.tiling import Limits, Tiling
from rnst.stylization.parts import Look
from rnst.stylization.regions import Region, Source

Losses = dict[str, nn.Module]
WITHOUT_TILES = Limits(tile=0)


class StyleTargets:
    """Style losses of all regions, measured once for each size at which the styles are seen.

    Several styles of one region are mixed in proportion to their weights: their statistics are blended, as if one
    painting had positions of each style in that proportion.

    Args:
        look: layers and scale of the styles, and the loss.
        encoder: gives the features of those layers.
        regions: the styles.
        limits: of their tiles; each device measures all styles.
    """

    def __init__(self, look: Look, encoder: Encoder, regions: Sequence[Region], limits: Limits = WITHOUT_TILES) -> None:
        self._look, self._encoder, self._regions = look, encoder, regions
        self._tiling = Tiling(encoder, replace(limits, devices=1, history=0))
        self._measured: dict[int, list[Losses]] = {}
        self._statistics: dict[tuple[int, int, int], dict[str, Moments]] = {}  # by region, source and long side

    def mixed(self, regions: Sequence[Region]) -> Self:
        """Targets of the same styles in other shares: what has been measured of each style is not measured again.

        Args:
            regions: with the same pictures and masks, and other weights.
        """
        other = copy(self)
        other._regions, other._measured = regions, {}
        return other

    @torch.no_grad()
    def at(self, long_side: int) -> list[Losses]:
        """For each region, layer -> loss; the styles keep their aspect and have that long side, times their scale."""
        long_side = max(1, round(long_side * self._look.style_scale))
        if long_side not in self._measured:
            self._measured[long_side] = [self._losses(index, long_side) for index in range(len(self._regions))]
        return self._measured[long_side]

    def shrink(self) -> None:
        """From now on, look at the styles in smaller tiles, see `Tiling.shrink`."""
        self._tiling.shrink()

    def _losses(self, index: int, long_side: int) -> Losses:
        region = self._regions[index]
        measured = [self._statistics_of(index, number, long_side) for number in range(len(region.sources))]
        weights = [source.weight for source in region.sources]
        if len(measured) > 1:
            measured = [{layer: blend([one[layer] for one in measured], weights) for layer in measured[0]}]
        return {layer: _style_loss(self._look, target) for layer, target in measured[0].items()}

    def _statistics_of(self, index: int, number: int, long_side: int) -> dict[str, Moments]:
        """Moments of one style of a region, measured once."""
        key = index, number, long_side
        if key not in self._statistics:
            self._statistics[key] = self._moments(self._regions[index].sources[number], long_side)
        return self._statistics[key]

    def _moments(self, source: Source, long_side: int) -> dict[str, Moments]:
        size = fit_long_side((source.image.shape[-2], source.image.shape[-1]), long_side)
        device = self._encoder.mean.device
        layers, smooth = list(self._look.style_layers), self._look.smoothing != "none"
        mask = None if source.mask is None else resize(source.mask.to(device), size)
        shapes = layer_sizes(self._encoder, size) if mask is not None else {}
        masks = {layer: at_layer(mask, shapes[layer][-2:]) for layer in layers} if mask is not None else {}

        def measure(features: Mapping[str, Tensor], windows: Mapping[str, Window]) -> list[Moments]:
            weights = {layer: whole[(..., *windows.get(layer, WHOLE))] for layer, whole in masks.items()}
            return [
                moments(exponentials(features[layer]) if smooth else features[layer], weights.get(layer))
                for layer in layers
            ]

        found = self._tiling.statistics(resize(source.image.to(device), size), measure)
        return {layer: softened(one) if smooth else one for layer, one in zip(layers, found, strict=True)}


def regional(styles: Sequence[Losses], masks: Sequence[Tensor], features: Mapping[str, Tensor]) -> Losses:
    """Layer -> loss of all regions.

    Args:
        styles: layer -> loss for each region.
        masks: (1, 1, H, W) for each region, as large as the image that the network sees.
        features: layer -> features of such an image.
    """
    return {
        layer: RegionalLoss(
            [losses[layer] for losses in styles], [at_layer(mask, features[layer].shape[-2:]) for mask in masks]
        )
        for layer in styles[0]
    }


def at_layer(mask: Tensor, size: torch.Size) -> Tensor:
    """A mask (1, 1, H, W) at the resolution of a layer: the share of each position that it covers."""
    return F.adaptive_avg_pool2d(mask, (size[0], size[1]))


def content_losses(look: Look, features: Mapping[str, Tensor]) -> Losses:
    """Layer -> loss with the features of the photo, exactly as large as the picture, as its target."""
    kind = ContentLoss if look.smoothing == "none" else SoftenedContentLoss
    factor = find_convention(look.convention).content_factor
    return {layer: kind(features[layer], factor) for layer in look.content_layers}


def even_pull(style: Losses, content: Losses, features: Mapping[str, Tensor]) -> tuple[dict[str, float], ...]:
    """Weights of style and content layers that make their gradients equally large for an image with those features."""
    return tuple(evened(balance(style, features), balance(content, features)))


def weighted(
    look: Look,
    style: Losses,
    content: Losses,
    pull: Sequence[Mapping[str, float]] = ({}, {}),
    wraps: Wraps = NO_WRAPS,
) -> Objective:
    """The objective that the picture minimizes.

    Args:
        look: weights of parts and layers, and what they mean.
        style: layer -> loss.
        content: layer -> loss.
        pull: weights of style and content layers, beside those of the look.
        wraps: axes along which the picture repeats.
    """
    convention = find_convention(look.convention)
    parts = [(style, look.style_layers, pull[0]), (content, look.content_layers, pull[1])]
    layers = []
    for losses, own, balanced in parts:
        common = len(losses) if convention.adds_layers else 1  # the objective takes the mean
        layers.append({layer: common * own[layer] * balanced.get(layer, 1.0) for layer in losses})
    return Objective(
        style,
        content,
        Weights(
            look.style_weight,
            look.content_weight,
            look.tv_weight,
            style_layers=layers[0],
            content_layers=layers[1],
            absolute_variation=convention.absolute_variation,
            wraps=wraps,
        ),
    )


def _style_loss(look: Look, target: Moments) -> nn.Module:
    if look.style_loss == "w2":
        loss: nn.Module = WassersteinLoss(target)
    else:
        loss = GramLoss(target, find_convention(look.convention).style_factor)
    return loss if look.smoothing == "none" else Softened(loss)
