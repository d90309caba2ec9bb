"""What a picture should look like: losses measured once from the paintings and the photo, as the settings ask for."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnst.encoders.encoder import Encoder
from rnst.encoders.receptive_fields import layer_sizes
from rnst.image.files import fit_long_side, resize
from rnst.losses.balance import balance, evened
from rnst.losses.conventions import find_convention
from rnst.losses.objective import Objective, Weights
from rnst.losses.perceptual import ContentLoss, GramLoss
from rnst.losses.regions import RegionalLoss
from rnst.losses.smoothing import Softened, SoftenedContentLoss, exponentials, softened
from rnst.losses.statistics import WHOLE, Moments, Window, blend, moments
from rnst.losses.wasserstein import WassersteinLoss
from rnst.stylization.inputs import Region, Source
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.tiling import tiling_of_styles

Losses = dict[str, nn.Module]


class StyleTargets:
    """Style losses of all regions, measured once for each size at which the styles are seen.

    Several styles of one region are mixed in proportion to their weights: their statistics are blended, as if the mixed
    painting had so many positions of each.

    Args:
        settings: layers and scale of the styles.
        encoder: looks at them.
        regions: the styles.
    """

    def __init__(self, settings: StylizationSettings, encoder: Encoder, regions: Sequence[Region]) -> None:
        self._settings, self._encoder, self._regions = settings, encoder, regions
        self._tiling = tiling_of_styles(settings, encoder)
        self._measured: dict[int, list[Losses]] = {}

    @torch.no_grad()
    def at(self, long_side: int) -> list[Losses]:
        """For each region, layer -> loss; the styles keep their aspect and have that long side, times their scale."""
        long_side = max(1, round(long_side * self._settings.style_scale))
        if long_side not in self._measured:
            self._measured[long_side] = [self._losses(region, long_side) for region in self._regions]
        return self._measured[long_side]

    def _losses(self, region: Region, long_side: int) -> Losses:
        measured = [self._moments(source, long_side) for source in region.sources]
        weights = [source.weight for source in region.sources]
        if len(measured) > 1:
            measured = [{layer: blend([one[layer] for one in measured], weights) for layer in measured[0]}]
        return {layer: _style_loss(self._settings, target) for layer, target in measured[0].items()}

    def _moments(self, source: Source, long_side: int) -> dict[str, Moments]:
        size = fit_long_side((source.image.shape[-2], source.image.shape[-1]), long_side)
        device = self._encoder.mean.device
        layers, smooth = self._settings.style_layers or [], self._settings.smoothing != "none"
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


def content_losses(settings: StylizationSettings, features: Mapping[str, Tensor]) -> Losses:
    """Layer -> loss with the features of the photo, exactly as large as the picture, as its target."""
    kind = ContentLoss if settings.smoothing == "none" else SoftenedContentLoss
    factor = find_convention(settings.convention).content_factor
    return {layer: kind(features[layer], factor) for layer in settings.content_layers or ()}


def even_pull(style: Losses, content: Losses, features: Mapping[str, Tensor]) -> tuple[dict[str, float], ...]:
    """Weights of style and content layers under which all of them pull alike on an image with those features."""
    return tuple(evened(balance(style, features), balance(content, features)))


def weighted(
    settings: StylizationSettings, style: Losses, content: Losses, pull: Sequence[Mapping[str, float]] = ({}, {})
) -> Objective:
    """The objective that the picture minimizes.

    Args:
        settings: weights of parts and layers, and what they mean.
        style: layer -> loss.
        content: layer -> loss.
        pull: weights of style and content layers, beside those of the settings.
    """
    convention = find_convention(settings.convention)
    parts = [(style, settings.style_layer_weights, pull[0]), (content, settings.content_layer_weights, pull[1])]
    layers = []
    for losses, own, balanced in parts:
        common = len(losses) if convention.adds_layers else 1  # the objective takes the mean
        weights = own or [1.0] * len(losses)
        layers.append(
            {layer: common * weight * balanced.get(layer, 1.0) for layer, weight in zip(losses, weights, strict=True)}
        )
    usual = usual_weights(settings)
    return Objective(
        style,
        content,
        Weights(
            usual["style_weight"],
            usual["content_weight"],
            usual["tv_weight"],
            style_layers=layers[0],
            content_layers=layers[1],
            absolute_variation=convention.absolute_variation,
        ),
    )


def usual_weights(settings: StylizationSettings) -> dict[str, float]:
    """The three weights; those that are not set are the ones that are usual with the convention."""
    convention = find_convention(settings.convention)
    names = ("style_weight", "content_weight", "tv_weight")
    chosen = {name: getattr(settings, name) for name in names}
    return {name: getattr(convention, name) if value is None else value for name, value in chosen.items()}


def usual_style_loss(settings: StylizationSettings) -> str:
    """What is meant where no style loss is named; docs/looks.md shows why it is w2."""
    ours = settings.convention == "relative" and settings.smoothing == "none"
    return settings.style_loss or ("w2" if ours else "gram")


def _style_loss(settings: StylizationSettings, target: Moments) -> nn.Module:
    if usual_style_loss(settings) == "w2":
        loss: nn.Module = WassersteinLoss(target)
    else:
        loss = GramLoss(target, find_convention(settings.convention).style_factor)
    return loss if settings.smoothing == "none" else Softened(loss)
