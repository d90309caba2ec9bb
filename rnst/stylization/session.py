"""What several pictures share: one network, and where progress is reported."""

from dataclasses import dataclass

from rich.console import Console

from rnst.encoders.encoder import Encoder, load_encoder
from rnst.encoders.names import OWN, find_network
from rnst.optimization.devices import is_first
from rnst.stylization.job import Job
from rnst.stylization.progress import OnStep


@dataclass(frozen=True)
class Session:
    """What several pictures share.

    Attributes:
        encoder: frozen.
        facts: metadata of its weight file.
        console: where progress is shown.
        on_step: see `stylize`.
    """

    encoder: Encoder
    facts: dict[str, object]
    console: Console
    on_step: OnStep | None = None


def open_session(job: Job, console: Console | None = None, on_step: OnStep | None = None) -> Session:
    """Load the network; of several processes only the first one reports progress.

    Raises:
        RnstError: the encoder, its layers or its weights cannot be loaded.
    """
    network = job.network
    encoder, facts = load_encoder(
        find_network(network.encoder),
        job.look.layers,
        weights=None if network.weights == OWN else network.weights,
        surgery=job.surgery,
        normalization=network.normalization,
        seed=network.seed,
    )
    if not is_first():
        return Session(encoder, facts, Console(quiet=True))
    return Session(encoder, facts, console or Console(stderr=True), on_step)
