"""The largest change of a layer's features within an L2 ball around a photo, and the spread of its activation."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnst import machine
from rnst.attacks.attack import Model
from rnst.attacks.ball import L2Ball
from rnst.attacks.loss import RelativeChange, relative_change
from rnst.attacks.pgd import published_pgd
from rnst.encoders.catalog import build_headless, stages
from rnst.encoders.choice import Choice
from rnst.encoders.encoder import Encoder, load_encoder
from rnst.encoders.layers import friendly_layers, resolve_layers
from rnst.encoders.surgery.surgery import Surgery
from rnst.metrics.peakiness import peak, softmax_entropy
from rnst.studies.layers.settings import LayerSettings

_AS_TRAINED = Surgery(strides="keep")
_WEIGHTED = (nn.Conv2d, nn.Linear)
_STEM = "stem"


def layers_of(settings: LayerSettings, choice: Choice) -> list[str]:
    """Layers of a network to measure, from the first to the deepest.

    Raises:
        UnknownNameError: the network has no such layer.
    """
    network = build_headless(choice.network.architecture)
    if settings.layers is not None:
        return list(resolve_layers(network, settings.layers))
    stem = [_STEM] if _STEM in friendly_layers(network) else []
    return list(dict.fromkeys([*stem, *stages(choice.network)]))


@dataclass(frozen=True)
class Change:
    """Change of a layer within a ball of one radius, for all photos.

    Attributes:
        largest: relative change of the activation that the attack found, one for each photo.
        random: relative change under random perturbations of the same norm, averaged over draws.
    """

    largest: tuple[float, ...]
    random: tuple[float, ...]

    @property
    def mean_largest(self) -> float:
        """Mean over photos."""
        return sum(self.largest) / len(self.largest)

    @property
    def mean_random(self) -> float:
        """Mean over photos."""
        return sum(self.random) / len(self.random)


@dataclass(frozen=True)
class LayerReport:
    """One layer of one network.

    Attributes:
        encoder: name of the network as it was given.
        layer: name of the layer.
        depth: share of the network's convolutions and linear maps that have run when the layer is reached.
        entropy: entropy of the softmax of its activation, in [0, 1]; averaged over photos.
        peak: largest over mean activation; averaged over photos.
        changes: radius -> changes within the ball.
    """

    encoder: str
    layer: str
    depth: float
    entropy: float
    peak: float
    changes: Mapping[float, Change]


def measure_layer(name: str, choice: Choice, layer: str, photos: Tensor, settings: LayerSettings) -> LayerReport:
    """Attack one layer of one network; the forward pass ends at the layer.

    Args:
        name: name of the network as it was given.
        choice: the network.
        layer: friendly name or module path.
        photos: (N, 3, S, S) in [0, 1].
        settings: radii, steps, draws, batches and seed.

    Raises:
        RnstError: the network cannot be loaded.
    """
    device = machine.device()
    encoder, _ = load_encoder(choice.network, [layer], weights=choice.weights, surgery=_AS_TRAINED, seed=settings.seed)
    encoder = encoder.to(device)

    def model(images: Tensor) -> Tensor:
        features: Tensor = encoder(images)[layer]
        return features

    batches = [batch.to(device) for batch in photos.split(settings.batch_size)]
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)  # the same random numbers for every layer and network
        found = {radius: [_change(model, batch, radius, settings) for batch in batches] for radius in settings.balls}
    with torch.no_grad():
        features = [model(batch) for batch in batches]
    return LayerReport(
        encoder=name,
        layer=layer,
        depth=_depth(encoder, choice, photos[:1].to(device)),
        entropy=float(torch.cat([softmax_entropy(one) for one in features]).mean()),
        peak=float(torch.cat([peak(one) for one in features]).mean()),
        changes={
            radius: Change(*(tuple(torch.cat(parts).tolist()) for parts in zip(*pairs, strict=True)))
            for radius, pairs in found.items()
        },
    )


def _change(model: Model, images: Tensor, radius: float, settings: LayerSettings) -> tuple[Tensor, Tensor]:
    """Relative changes (N,) under the attack, and under random perturbations of the same norm."""
    ball = L2Ball(radius)
    steps = settings.attack_steps
    attack = published_pgd(ball, steps, random_start=True, loss=RelativeChange())
    labels = torch.zeros(len(images), dtype=torch.long, device=images.device)
    attacked = attack(model, images, labels)
    with torch.no_grad():
        clean = model(images)
        drawn = [
            relative_change(clean, model((images + radius * ball.steepest(torch.randn_like(images))).clamp(0.0, 1.0)))
            for _ in range(settings.draws)
        ]
        return relative_change(clean, model(attacked)).cpu(), torch.stack(drawn).mean(0).cpu()


def _depth(encoder: Encoder, choice: Choice, photo: Tensor) -> float:
    """Share of the modules with weights that have run."""
    whole = sum(isinstance(module, _WEIGHTED) for module in build_headless(choice.network.architecture).modules())
    run = 0

    def count(_module: nn.Module, _inputs: object, _output: object) -> None:
        nonlocal run
        run += 1

    handles = [
        module.register_forward_hook(count) for module in encoder.network.modules() if isinstance(module, _WEIGHTED)
    ]
    try:
        with torch.no_grad():
            encoder(photo)
    finally:
        for handle in handles:
            handle.remove()
    return run / max(1, whole)
