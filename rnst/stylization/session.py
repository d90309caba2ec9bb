"""What several pictures share: one network, and whom progress is told to."""

from dataclasses import dataclass, fields

from rich.console import Console

from rnst.encoders.encoder import Encoder, load_encoder
from rnst.encoders.names import find_network
from rnst.encoders.surgery.surgery import Surgery
from rnst.optimization.devices import is_first
from rnst.stylization.progress import OnStep
from rnst.stylization.settings import StylizationSettings


@dataclass(frozen=True)
class Session:
    """What several pictures share.

    Attributes:
        encoder: frozen.
        facts: what its weight file says about itself.
        console: where progress is shown.
        on_step: see `stylize`.
    """

    encoder: Encoder
    facts: dict[str, object]
    console: Console
    on_step: OnStep | None = None


def open_session(
    settings: StylizationSettings, console: Console | None = None, on_step: OnStep | None = None
) -> Session:
    """Load the network; of several processes only the first one is told anything.

    Raises:
        RnstError: a child of it where the encoder, its layers or its weights cannot be had.
    """
    layers = list(dict.fromkeys([*(settings.style_layers or []), *(settings.content_layers or [])]))
    encoder, facts = load_encoder(
        find_network(settings.encoder),
        layers,
        weights=settings.weights,
        surgery=Surgery(**{entry.name: getattr(settings, entry.name) for entry in fields(Surgery)}),
        normalization=settings.normalization,
        seed=settings.seed,
    )
    if not is_first():
        return Session(encoder, facts, Console(quiet=True))
    return Session(encoder, facts, console or Console(stderr=True), on_step)
