"""Report on natural robustness: JSON, curves, a sheet of corrupted photos, and the tracker's run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from rnst.files import write_json
from rnst.metrics.corruption_errors import CorruptionErrors
from rnst.metrics.robustness import Evaluation
from rnst.reporting.plots import Curve, line_plot, picture_table
from rnst.reporting.tracking.run import of_experiment
from rnst.reporting.tracking.tracker import Tracker
from rnst.studies.corruption.settings import CorruptionSettings


@dataclass(frozen=True)
class CorruptionReport:
    """Natural robustness of several networks on the same photos.

    Attributes:
        networks: name -> its errors, including the reference unless it is a published table.
        reference: name of the network whose errors count as 100.
        severities: rising.
        photos: number of photos, each in all versions.
        evaluations: name -> accuracy against radius; empty without an attack.
        settings: every setting.
        weights_sha256: name -> hash of its weight file.
        seconds: duration.
        versions: versions of the libraries.
    """

    networks: Mapping[str, CorruptionErrors]
    reference: str
    severities: tuple[int, ...]
    photos: int
    evaluations: Mapping[str, Evaluation]
    settings: Mapping[str, Any]
    weights_sha256: Mapping[str, str]
    seconds: float
    versions: Mapping[str, str]

    def by_severity(self, name: str) -> Curve:
        """Accuracy over the severities, averaged over all corruptions; 0 is the clean photo."""
        found = self.networks[name]
        means = [1.0 - sum(column) / len(column) for column in zip(*found.errors.values(), strict=True)]
        return [0, *self.severities], [1.0 - found.clean.value, *means]

    def write(self, settings: CorruptionSettings, sheet: Mapping[str, Sequence[Tensor]]) -> None:
        """Write all files, and the tracker's run.

        Args:
            settings: their `output` is the folder to write to.
            sheet: corruption -> a photo, clean and at rising severity, each (1, 3, S, S).
        """
        folder = settings.output
        pictures = {"accuracy against severity": folder / "corruption.png", "corruptions": folder / "corruptions.png"}
        line_plot(
            pictures["accuracy against severity"],
            {name: self.by_severity(name) for name in self.networks},
            x_label="severity (0: clean)",
            y_label=f"accuracy on {self.photos} photos",
            title=f"mean of {len(sheet)} corruptions",
            percent=True,
        )
        top = ["photo", *(f"severity {severity}" for severity in self.severities)]
        picture_table(pictures["corruptions"], {name.replace("_", "\n"): row for name, row in sheet.items()}, {}, top)
        if self.evaluations:
            pictures["accuracy against radius"] = folder / "radius.png"
            self._draw_radii(pictures["accuracy against radius"])
        write_json(folder / "corruption.json", asdict(self))
        self._track(settings, pictures)

    def _draw_radii(self, path: Path) -> None:
        several = len(next(iter(self.evaluations.values())).attacks) > 1
        norm, photos = next((each.norm, each.photos) for each in self.evaluations.values())
        line_plot(
            path,
            {
                f"{name}, {attack}" if several else name: evaluation.curve(attack)
                for name, evaluation in self.evaluations.items()
                for attack in evaluation.attacks
            },
            x_label=f"{norm} radius at each network's own size, pixels in [0, 1]",
            y_label=f"accuracy on {photos} photos",
            title="under attack",
            percent=True,
        )

    def _track(self, settings: CorruptionSettings, pictures: Mapping[str, Path]) -> None:
        run = of_experiment("corruption", settings.output, self.settings, [f"{len(self.networks)} networks"])
        tracker = Tracker(settings.tracking, settings.output, run)
        curves = {name: self.by_severity(name) for name in self.networks}
        for step, severity in enumerate((0, *self.severities)):
            accuracies = {f"accuracy/{name}": values[step] for name, (_, values) in curves.items()}
            tracker.metrics({"severity": severity, **accuracies}, step)
        for number, (name, path) in enumerate(pictures.items(), len(self.severities) + 1):
            tracker.figure(name, path, number)
        tracker.summary({f"mCE/{name}": found.mean.value for name, found in self.networks.items()})
        tracker.summary({f"relative mCE/{name}": found.degradation.value for name, found in self.networks.items()})
        tracker.finish()
