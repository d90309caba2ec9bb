"""Do networks that learn another network's non-robust features well also misclassify its adversarial examples?"""

import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

import torch
from torch import Tensor, nn

from rnst.attacks.ball import L2Ball
from rnst.attacks.loss import CrossEntropy, TargetedCrossEntropy
from rnst.attacks.pgd import published_pgd
from rnst.encoders.catalog import build_classifier
from rnst.errors import InvalidValueError, RnstError
from rnst.files import read_json, write_json
from rnst.studies.transferability.networks import CLEAN, Trained, train_best
from rnst.studies.transferability.report import Row, Transfer, TransferabilityReport
from rnst.studies.transferability.sets import (
    CONTROLS,
    D_DET,
    D_RAND,
    CleanPhotos,
    answers,
    attacked_floats,
    build_sets,
    clean_photos,
    in_floats,
    next_labels,
    same_length_noise,
    share_of,
)
from rnst.studies.transferability.settings import TransferabilitySettings

_SETTINGS = "settings.json"
_PHOTOS = "photos_sha256"
_SOURCE = "source"

Report = Callable[[str], object]


class OtherExperimentError(RnstError):
    """The output folder contains an experiment with other settings."""

    def __init__(self, settings: TransferabilitySettings, name: str, then: object, now: object) -> None:
        super().__init__(
            f"the experiment in {settings.output} was started with {name} {then!r}, now it is {now!r}: "
            "continue with that value, or give another --output"
        )


def measure_transferability(settings: TransferabilitySettings, report: Report) -> TransferabilityReport:
    """Train, build sets, train on them, measure transfer; write transferability.json and transferability.png.

    Every finished network and set is kept: a stopped experiment resumes with the rest.

    Args:
        settings: all settings.
        report: called with a message after each part.

    Raises:
        RnstError: the input has a mistake; raised before anything is trained.
        KeyboardInterrupt: the user stopped it; finished parts are kept.
    """
    began = time.perf_counter()
    compared = list(dict.fromkeys([*settings.architectures, settings.source]))
    _check_names(compared)
    photos = clean_photos(settings)
    _begin(settings, photos)
    source = train_best(settings.source, _SOURCE, photos, None, settings, report)
    clean = {name: train_best(name, CLEAN, photos, None, settings, report) for name in compared}
    attacked = source.load(settings.accelerator)
    sets = build_sets(photos, attacked, settings, report)
    on_sets = {
        (name, kind): train_best(name, kind, photos, sets[kind].photos, settings, report)
        for kind in (D_DET, D_RAND)
        for name in settings.architectures
    }
    controls = {
        kind: train_best(settings.source, kind, photos, sets[kind].photos, settings, report) for kind in CONTROLS
    }
    examples = _Examples(attacked, photos, settings)
    rows = {name: _row(name, clean[name], on_sets, examples) for name in compared}
    found = TransferabilityReport(
        source=_row(settings.source, source, {}, examples),
        rows=tuple(rows[name] for name in settings.architectures),
        retrained_source=None if settings.source in settings.architectures else rows[settings.source],
        success={name: each.success for name, each in sets.items()},
        controls={name: examples.accuracies(each) for name, each in controls.items()},
        classes=len(photos.source.class_names),
        test_photos=len(photos.test),
        settings=settings.as_dict(),
        seconds=round(time.perf_counter() - began, 1),
        versions={name: version(name) for name in ("torch", "torchvision", "pytorch-lightning")},
    )
    found.write(settings)
    return found


def _check_names(architectures: Sequence[str]) -> None:
    """Refuse architectures that cannot be built, before anything is written."""
    with torch.device("meta"):
        for name in architectures:
            build_classifier(name, 2)


def _begin(settings: TransferabilitySettings, photos: CleanPhotos) -> None:
    """Store the settings and a hash of the photos, or check that those of a stopped experiment are the same."""
    path, now, digest = settings.output / _SETTINGS, settings.that_matter(), photos.digest
    if not path.is_file():
        write_json(path, {**now, _PHOTOS: digest})
        return
    then = read_json(path, "settings of an experiment", "Give another --output.", dict)
    for name, value in now.items():
        if then.get(name) != value:
            raise OtherExperimentError(settings, name, then.get(name), value)
    if then.get(_PHOTOS, digest) != digest:
        wanted = f"a folder with the photos that the experiment in {settings.output} was started with"
        raise InvalidValueError("--data", str(settings.data), wanted)


class _Examples:
    """Adversarial test photos against the source, and test photos with noise of the same norm.

    Args:
        attacked: the source.
        photos: photos whose test split is attacked.
        settings: radii and steps.
    """

    def __init__(self, attacked: nn.Module, photos: CleanPhotos, settings: TransferabilitySettings) -> None:
        self.settings = settings
        self.test = photos.test
        self.next = next_labels(self.test.labels, len(photos.source.class_names))
        images = in_floats(self.test.photos, torch.device("cpu"))
        draw = torch.Generator().manual_seed(settings.seed)
        self._versions: list[tuple[float, dict[str, Tensor]]] = []
        for radius in settings.radii:
            found = {}
            for kind, labels, loss in (
                ("untargeted", self.test.labels, CrossEntropy()),
                ("targeted", self.next, TargetedCrossEntropy()),
            ):
                attack = published_pgd(L2Ball(radius), settings.transfer_steps, loss=loss)
                adversarial = attacked_floats(attacked, self.test.photos, labels, attack, settings.batch_size_attack)
                found[kind] = adversarial
                found[f"{kind}_noise"] = same_length_noise(images, adversarial, draw)
            self._versions.append((radius, found))

    def transfer(self, network: nn.Module) -> tuple[Transfer, ...]:
        """Effect of the photos on a network."""
        size = self.settings.batch_size_attack
        before = answers(network, self.test.photos, size)
        rows = []
        for radius, versions in self._versions:
            shares = {}
            for kind, images in versions.items():
                after = answers(network, images, size)
                hits = after == self.next if kind.startswith("targeted") else after != before
                shares[kind] = float(hits.float().mean())
            rows.append(Transfer(radius, **shares))
        return tuple(rows)

    def accuracies(self, trained: Trained) -> tuple[float, float]:
        """Test accuracy on the true labels, and on the labels of the next class."""
        network, size = trained.load(self.settings.accelerator), self.settings.batch_size_attack
        return share_of(network, self.test, self.test.labels, size), share_of(network, self.test, self.next, size)


def _row(architecture: str, clean: Trained, on_sets: Mapping[tuple[str, str], Trained], examples: _Examples) -> Row:
    network = clean.load(examples.settings.accelerator)
    own = {kind: each for (name, kind), each in on_sets.items() if name == architecture}
    accuracy = {kind: examples.accuracies(each)[0] for kind, each in own.items()}
    return Row(
        architecture,
        any(isinstance(module, nn.BatchNorm2d) for module in network.modules()),
        examples.accuracies(clean)[0],
        accuracy.get(D_DET),
        accuracy.get(D_RAND),
        {CLEAN: clean.learning_rate, **{kind: each.learning_rate for kind, each in own.items()}},
        examples.transfer(network),
    )
