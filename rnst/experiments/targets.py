"""What a picture should look like: losses measured once from the painting and the photo, as the settings ask for."""

from torch import Tensor, nn

from rnst.encoders.encoder import Encoder
from rnst.experiments.stylization_settings import StylizationSettings
from rnst.losses.objective import Objective, Weights
from rnst.losses.perceptual import ContentLoss, GramLoss

Losses = dict[str, nn.Module]


def style_losses(settings: StylizationSettings, encoder: Encoder, style: Tensor) -> Losses:
    """Layer -> loss with the painting, (1, 3, H, W) in [0, 1] at the size it is to be seen, as its target."""
    features = encoder(style)
    return {layer: GramLoss(features[layer]) for layer in settings.style_layers or ()}


def content_losses(settings: StylizationSettings, encoder: Encoder, content: Tensor) -> Losses:
    """Layer -> loss with the photo, (1, 3, H, W) in [0, 1] exactly as large as the picture, as its target."""
    features = encoder(content)
    return {layer: ContentLoss(features[layer]) for layer in settings.content_layers or ()}


def weighted(settings: StylizationSettings, style: Losses, content: Losses) -> Objective:
    """The objective that the picture minimizes."""
    return Objective(style, content, Weights(settings.style_weight, settings.content_weight, settings.tv_weight))
