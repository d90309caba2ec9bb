"""Report on transferability: correlations, figure, JSON, and the tracker's run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rnst.files import write_json
from rnst.metrics.correlation import Correlation, correlation
from rnst.reporting.plots import labeled_points
from rnst.reporting.tracking.run import of_experiment
from rnst.reporting.tracking.tracker import Tracker
from rnst.studies.transferability.settings import TransferabilitySettings

UNTARGETED, TARGETED = "untargeted", "targeted"


@dataclass(frozen=True)
class Transfer:
    """Effect of the source's adversarial photos on a network; shares of the test photos.

    Attributes:
        radius: L2, at the size of the photos.
        untargeted: share whose prediction changes.
        targeted: share classified as the target class of the attack.
        untargeted_noise: share whose prediction changes under noise of the same norm.
        targeted_noise: share classified as the target class under noise of the same norm.
    """

    radius: float
    untargeted: float
    targeted: float
    untargeted_noise: float
    targeted_noise: float


@dataclass(frozen=True)
class Row:
    """One architecture, or the source itself.

    Attributes:
        architecture: its name.
        batch_norm: whether it has batch normalization.
        clean: test accuracy, trained on clean photos.
        d_det: test accuracy, trained on D_det; the position in the figure. None for the source.
        d_rand: test accuracy, trained on D_rand.
        learning_rates: name of the set -> best learning rate on its held-out photos.
        transfer: transfer to the network trained on clean photos, one for each radius.
    """

    architecture: str
    batch_norm: bool
    clean: float
    d_det: float | None
    d_rand: float | None
    learning_rates: Mapping[str, float]
    transfer: tuple[Transfer, ...]


@dataclass(frozen=True)
class TransferabilityReport:
    """The whole experiment.

    Attributes:
        source: the attacked network; transfer to itself is white-box.
        rows: architectures, in their order.
        retrained_source: row of the source's architecture, trained again, unless it is among `rows`.
        success: set -> share of its photos for which the source predicts the label.
        controls: control set of the training -> test accuracy on true labels, and on those of the next class.
        classes: number of classes; chance is one divided by it.
        test_photos: number of test photos.
        settings: every setting.
        seconds: duration of this run; an earlier one may have done a part.
        versions: versions of the libraries.
    """

    source: Row
    rows: tuple[Row, ...]
    retrained_source: Row | None
    success: Mapping[str, float]
    controls: Mapping[str, tuple[float, float]]
    classes: int
    test_photos: int
    settings: Mapping[str, Any]
    seconds: float
    versions: Mapping[str, str]

    def correlations(self, kind: str, number: int) -> dict[str, Correlation]:
        """Correlations of test accuracy on D_det with transfer, over several subsets of the architectures.

        Args:
            kind: UNTARGETED or TARGETED.
            number: index of the radius.
        """
        groups = {
            "all": self.rows,
            "without VGG": [row for row in self.rows if not is_vgg(row.architecture)],
            "with batch norm": [row for row in self.rows if row.batch_norm],
            "without batch norm": [row for row in self.rows if not row.batch_norm],
        }
        return {name: _correlation(rows, kind, number) for name, rows in groups.items()}

    def write(self, settings: TransferabilitySettings) -> None:
        """Write transferability.json and transferability.png, and the tracker's run."""
        found = {
            f"{kind} {radius:g}": {name: asdict(one) for name, one in self.correlations(kind, number).items()}
            for kind in (UNTARGETED, TARGETED)
            for number, radius in enumerate(settings.radii)
        }
        content = {**asdict(self), "correlations": found}
        write_json(settings.output / "transferability.json", content)
        picture = settings.output / "transferability.png"
        self._draw(picture, settings)
        self._track(picture, settings)

    def _draw(self, path: Path, settings: TransferabilitySettings) -> None:
        whole = self.correlations(UNTARGETED, 0)["all"]
        title = f"r = {described(whole)}, {whole.points} architectures"
        labeled_points(
            path,
            {row.architecture: (row.d_det or 0.0, row.transfer[0].untargeted) for row in self.rows},
            x_label=f"test accuracy, trained on D_det of {settings.source}",
            y_label=f"answers changed by attacks on {settings.source}",
            title=f"{title}; L2 radius {settings.radii[0]:g} at {settings.image_size} px",
        )

    def _track(self, picture: Path, settings: TransferabilitySettings) -> None:
        tags = [settings.source, settings.dataset]
        run = of_experiment("transferability", settings.output, self.settings, tags)
        tracker = Tracker(settings.tracking, settings.output, run)
        for step, row in enumerate(self.rows):
            figures = {"clean": row.clean, "d_det": row.d_det or 0.0, "d_rand": row.d_rand or 0.0}
            figures |= {f"transfer/{one.radius:g}": one.untargeted for one in row.transfer}
            tracker.metrics(figures, step)
        tracker.figure("transfer against D_det", picture, len(self.rows))
        tracker.summary({f"r/{name}": one.coefficient for name, one in self.correlations(UNTARGETED, 0).items()})
        tracker.finish()


def is_vgg(architecture: str) -> bool:
    """Whether it is a VGG; the article also reports its correlation without them."""
    return "vgg" in architecture


def described(found: Correlation) -> str:
    """A coefficient with its interval, as text."""
    if not math.isfinite(found.coefficient):
        return f"undefined ({found.points} points)"
    if not math.isfinite(found.low):
        return f"{found.coefficient:.2f} (no interval of {found.points} points)"
    return f"{found.coefficient:.2f} ({found.low:.2f} to {found.high:.2f})"


def _correlation(rows: Sequence[Row], kind: str, number: int) -> Correlation:
    accuracies = [row.d_det for row in rows if row.d_det is not None]
    return correlation(accuracies, [getattr(row.transfer[number], kind) for row in rows])
