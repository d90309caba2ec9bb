"""Results of a robustness evaluation: correct predictions by class, attack and radius; and signs of weak attacks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from rnst.files import read_json, write_json

CLEAN = "clean"
AUTOATTACK = "AutoAttack"

_Z_95 = 1.959964  # standard deviations around the mean that contain 95 % of a normal distribution
_NOISE = 0.005  # an increase of the accuracy up to this is chance, as random starts differ
_NOISY_PHOTOS = 2.5  # however few there are: one random start finds the error of a photo, another does not
_WIDE_GAP = 0.1  # between PGD and AutoAttack


@dataclass(frozen=True)
class Measurement:
    """Correct predictions under one attack.

    Attributes:
        attack: "clean", "PGD-20" and so on.
        radius: radius of the ball.
        steps: steps of the attack; 0 for attacks without this setting.
        right_of_class: number of correctly classified photos of each class.
    """

    attack: str
    radius: float
    steps: int
    right_of_class: tuple[int, ...]

    @property
    def right(self) -> int:
        """Total number of correct predictions."""
        return sum(self.right_of_class)


@dataclass(frozen=True)
class Evaluation:
    """Accuracy of one network, clean and under attack.

    Attributes:
        network: name or file.
        data: folder of the photos.
        norm: of the ball.
        image_size: side of the photos in pixels, at which radii are stated.
        class_names: one for each label.
        photos_of_class: number of evaluated photos of each class.
        measurements: clean first, then attack by attack, radii rising.
        settings: every setting, resolved.
        facts: facts that the weight file records.
        weights_sha256: hash of the weight file.
        seconds: duration; where the evaluation was stopped, that of its last part.
        versions: versions of the libraries.
    """

    network: str
    data: str
    norm: str
    image_size: int
    class_names: tuple[str, ...]
    photos_of_class: tuple[int, ...]
    measurements: tuple[Measurement, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    weights_sha256: str = ""
    seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def photos(self) -> int:
        """Total number of photos."""
        return sum(self.photos_of_class)

    @property
    def attacks(self) -> tuple[str, ...]:
        """Names of the attacks in order, without "clean"."""
        return tuple(dict.fromkeys(one.attack for one in self.measurements if one.attack != CLEAN))

    @property
    def radii(self) -> tuple[float, ...]:
        """All radii, rising; 0 is clean."""
        return tuple(sorted({one.radius for one in self.measurements}))

    def accuracy(self, measurement: Measurement) -> float:
        """Share of correct predictions."""
        return measurement.right / self.photos

    def find(self, attack: str, radius: float) -> Measurement | None:
        """The measurement of an attack at a radius; at radius 0 the clean one."""
        wanted = CLEAN if radius == 0 else attack
        return next((one for one in self.measurements if (one.attack, one.radius) == (wanted, radius)), None)

    def curve(self, attack: str) -> tuple[list[float], list[float]]:
        """Radii and accuracies under one attack, from the clean photos on."""
        found = [(radius, one) for radius in self.radii if (one := self.find(attack, radius)) is not None]
        return [radius for radius, _ in found], [self.accuracy(one) for _, one in found]

    def write(self, path: Path) -> None:
        """Write everything as JSON, complete or not at all; accuracies and warnings are included for readers."""
        content = asdict(self)
        content["photos"] = self.photos
        for entry, measurement in zip(content["measurements"], self.measurements, strict=True):
            entry["accuracy"] = round(self.accuracy(measurement), 6)
            entry["interval_95"] = [round(end, 6) for end in interval(measurement.right, self.photos)]
        content["warnings"] = masking_signs(self)
        write_json(path, content)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file that `write` wrote.

        Raises:
            MissingPathError: the file does not exist.
            UnreadableFileError: the file is not an evaluation of ours.
        """
        return read_json(path, "an evaluation", "Give the evaluation.json that rnst evaluate wrote.", cls._from_json)

    @classmethod
    def _from_json(cls, content: Mapping[str, Any]) -> Self:
        known = {entry.name: content[entry.name] for entry in fields(cls)}
        known |= {name: tuple(known[name]) for name in ("class_names", "photos_of_class")}
        known["measurements"] = tuple(
            Measurement(one["attack"], one["radius"], one["steps"], tuple(one["right_of_class"]))
            for one in known["measurements"]
        )
        return cls(**known)


def interval(right: int, photos: int) -> tuple[float, float]:
    """95 % confidence interval of the accuracy, for photos drawn at random (Wilson 1927)."""
    if not photos:
        return 0.0, 1.0
    share, weight = right / photos, _Z_95**2 / photos
    middle = (share + weight / 2) / (1 + weight)
    reach = _Z_95 * math.sqrt(share * (1 - share) / photos + weight / (4 * photos)) / (1 + weight)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def masking_signs(evaluation: Evaluation) -> list[str]:
    """Signs of gradient masking, that is of attacks that are too weak, from published checklists.

    A larger ball contains the smaller one, and more steps can stop early, so accuracy must not rise with either
    (Athalye et al. 2018, section 3.1; Carlini et al. 2019, section 5). Nor may an attack without gradients or with
    another loss find many more errors than PGD. Increases that random starts explain, up to half a percent or two
    photos, are no signs.
    """
    signs, noise = [], max(_NOISE, _NOISY_PHOTOS / max(1, evaluation.photos))
    for attack in evaluation.attacks:
        radii, accuracies = evaluation.curve(attack)
        signs += [
            f"{attack}: accuracy rises from {before:.1%} at radius {smaller:g} to {after:.1%} at {larger:g}"
            for (smaller, before), (larger, after) in pairwise(zip(radii, accuracies, strict=True))
            if after - before > noise
        ]
    for radius in evaluation.radii:
        found = [one for attack in evaluation.attacks if (one := evaluation.find(attack, radius)) and radius]
        signs += _more_steps_help_the_defender(evaluation, [one for one in found if one.attack != AUTOATTACK], noise)
        signs += _far_below_pgd(evaluation, found)
    return signs


def _more_steps_help_the_defender(evaluation: Evaluation, found: Sequence[Measurement], noise: float) -> list[str]:
    ordered = sorted(found, key=lambda one: one.steps)
    return [
        f"radius {more.radius:g}: accuracy rises from {evaluation.accuracy(fewer):.1%} under {fewer.attack} to "
        f"{evaluation.accuracy(more):.1%} under {more.attack}"
        for fewer, more in pairwise(ordered)
        if evaluation.accuracy(more) - evaluation.accuracy(fewer) > noise
    ]


def _far_below_pgd(evaluation: Evaluation, found: Sequence[Measurement]) -> list[str]:
    pgd = [evaluation.accuracy(one) for one in found if one.attack != AUTOATTACK]
    return [
        f"radius {one.radius:g}: AutoAttack leaves {evaluation.accuracy(one):.1%}, PGD {min(pgd):.1%}: PGD "
        "overestimates the robustness"
        for one in found
        if one.attack == AUTOATTACK and pgd and min(pgd) - evaluation.accuracy(one) > _WIDE_GAP
    ]
