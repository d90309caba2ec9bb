"""Robustness of a network: accuracy clean and under attack, over a list of radii, as JSON and a curve."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.callbacks import RichProgressBar
from torch import nn

from rnst.attacks.attack import Attack
from rnst.attacks.autoattack import AutoAttack, require_pyautoattack
from rnst.attacks.ball import Ball, L2Ball, LinfBall
from rnst.attacks.pgd import published_pgd
from rnst.data.cifar10 import Cifar10Source
from rnst.data.crops import Crop
from rnst.data.evaluation_photos import EvaluationPhotos
from rnst.data.sources import KNOWN_GROUPS, FolderSource, Source, Split, subfolders
from rnst.encoders.classifier import load_classifier, weight_file
from rnst.encoders.weights.files import sha256_of
from rnst.encoders.weights.layouts import Facts
from rnst.errors import InvalidValueError
from rnst.metrics.robustness import AUTOATTACK, CLEAN, Evaluation, Measurement
from rnst.reporting.plots import line_plot
from rnst.reporting.tracking.run import Run, program, without_places
from rnst.reporting.tracking.tracker import Tracker
from rnst.studies.evaluation.among import Among
from rnst.studies.evaluation.journal import Journal
from rnst.studies.evaluation.settings import EvaluationSettings
from rnst.studies.evaluation.task import RobustnessTest

_log = logging.getLogger(__name__)
_NOT_OF_AN_ANSWER = {"radii", "steps", "autoattack", "output", "tracking", "workers", "skip_broken"}
_BALLS: dict[str | None, type[Ball]] = {"l2": L2Ball, "linf": LinfBall}


@dataclass(frozen=True)
class _Condition:
    """One attack at one radius."""

    label: str
    steps: int
    attack: Attack

    @property
    def name(self) -> str:
        """Unique name, independent of the other conditions."""
        return f"{self.label} {self.attack.ball.radius!r}"


def evaluate(network: str, settings: EvaluationSettings) -> Evaluation | None:
    """Measure; write evaluation.json and evaluation.png.

    Args:
        network: name of the catalog, or a weight file.
        settings: all other settings.

    Returns:
        The evaluation; None in all processes but the first if several devices share the work.

    Raises:
        RnstError: the input has a mistake; raised before any attack is run.
        KeyboardInterrupt: the user stopped it; the same evaluation goes on from there.
    """
    if settings.autoattack:
        require_pyautoattack()
    classifier, facts = load_classifier(network, architecture=settings.architecture)
    settings = settings.resolved(network, facts)
    source = labeled_source(settings.data, settings.split, facts)
    decides: nn.Module = classifier
    if settings.among == "present" and isinstance(source, FolderSource):
        source, decides = _among_present(source, classifier, settings.split)
    photos = _photos(settings, source, facts)
    conditions = _conditions(settings)
    attacks = {condition.name: condition.attack for condition in conditions}
    weights_sha256 = sha256_of(weight_file(network))
    journal = _journal(settings, weights_sha256)
    test = RobustnessTest(decides, len(source.class_names), attacks, settings.seed, journal)
    began = time.perf_counter()
    if not _run(test, photos, settings):
        return None
    counts = {name: tuple(right) for name, right in test.right_of_class.items()}
    attacked = [Measurement(each.label, each.attack.ball.radius, each.steps, counts[each.name]) for each in conditions]
    evaluation = Evaluation(
        network=network,
        data=str(settings.data.resolve()),
        norm=str(settings.norm),
        image_size=settings.image_size or 0,
        class_names=source.class_names,
        photos_of_class=tuple(test.photos_of_class),
        measurements=(Measurement(CLEAN, 0.0, 0, counts[CLEAN]), *attacked),
        settings=settings.as_dict(),
        facts={name: value for name, value in facts.items() if name != "classes"},
        weights_sha256=weights_sha256,
        seconds=round(time.perf_counter() - began, 1),
        versions=_versions(),
    )
    _write(evaluation, settings)
    _forget(journal, settings.devices)
    return evaluation


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("torch", "torchvision", "pytorch-lightning")}


def _journal(settings: EvaluationSettings, weights_sha256: str) -> Callable[[int], Journal]:
    """Number of a process -> its journal; an attack that is added later finds the answers of the others."""
    chosen = {name: value for name, value in settings.as_dict().items() if name not in _NOT_OF_AN_ANSWER}
    evaluation = {**chosen, "weights": weights_sha256, "versions": _versions()}
    folder = settings.output or Path()
    return lambda rank: Journal(folder / f"evaluation.{rank}.journal", evaluation)


def _forget(journal: Callable[[int], Journal], devices: int) -> None:
    for rank in range(devices):
        journal(rank).remove()


def _among_present(source: FolderSource, classifier: nn.Module, split: Split) -> tuple[FolderSource, Among]:
    """Photos and classifier of the classes that have photos.

    Raises:
        InvalidValueError: there is nothing to decide.
    """
    names, known = source.present(split), source.class_names
    if len(names) < 2:  # noqa: PLR2004 - a decision
        raise InvalidValueError("--among", f"present, which is {names[0]} alone", "all, or of photos of two classes")
    return source.of(names), Among(classifier, [known.index(name) for name in names])


def _conditions(settings: EvaluationSettings) -> list[_Condition]:
    """Attack by attack, radii rising."""
    balls = [_BALLS[settings.norm](radius) for radius in settings.radii or [] if radius > 0]
    conditions = [
        _Condition(f"PGD-{steps}", steps, published_pgd(ball, steps))
        for steps in settings.steps or []
        for ball in balls
    ]
    if settings.autoattack:
        conditions += [_Condition(AUTOATTACK, 0, AutoAttack(ball, settings.seed)) for ball in balls]
    return conditions


def labeled_source(data: Path, split: Split, facts: Facts) -> Source:
    """Photos with the labels that a network was trained on.

    Args:
        data: folder of the photos.
        split: split to evaluate.
        facts: facts of the network's weight file.

    Raises:
        InvalidValueError: the classes of the logits are unknown.
    """
    names, logits = tuple(facts.get("classes") or ()), facts["logits"]
    if names == Cifar10Source(data).class_names and not (data / split).is_dir():  # the archive, not folders of it
        return Cifar10Source(data)
    if names:
        known = next((groups for groups in KNOWN_GROUPS.values() if tuple(groups) == names), None)
        source = FolderSource(data, known or {name: (name,) for name in names})
        for warning in source.unmatched(split, is_own=known is None):
            _log.warning(warning)
        return source
    known = next((groups for groups in KNOWN_GROUPS.values() if len(groups) == logits), None)
    if known is not None:
        return FolderSource(data, known)
    folder = data / split
    folders = subfolders(folder) if folder.is_dir() else []
    if folder.is_dir() and len(folders) != logits:
        raise InvalidValueError("--data", str(folder), f"a folder with {logits} class folders, one for each logit")
    return FolderSource(data, {name: (name,) for name in folders})


def _photos(settings: EvaluationSettings, source: Source, facts: Facts) -> EvaluationPhotos:
    """The photos, cropped as in the training.

    Raises:
        InvalidValueError: there are fewer than devices.
    """
    usual: Crop = "padded" if isinstance(source, Cifar10Source) else "resized"
    photos = EvaluationPhotos(
        source,
        split=settings.split,
        image_size=settings.image_size or 0,
        crop=facts.get("crop", usual),
        photos=settings.photos,
        batch_size=settings.batch_size,
        workers=settings.workers,
        skip_broken=settings.skip_broken,
    )
    if settings.devices > len(photos.chosen):
        raise InvalidValueError("--devices", settings.devices, f"at most the number of photos, {len(photos.chosen)}")
    return photos


def _run(test: RobustnessTest, photos: EvaluationPhotos, settings: EvaluationSettings) -> bool:
    """Test on the selected devices; returns whether this process writes the report."""
    trainer = pl.Trainer(
        accelerator=settings.accelerator,
        devices=settings.devices,
        precision=settings.precision,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        inference_mode=False,
        callbacks=[RichProgressBar()],
    )
    try:
        trainer.test(test, datamodule=photos, verbose=False)
    except (SystemExit, KeyboardInterrupt) as stop:  # Lightning turns Ctrl-C into SystemExit
        done = f"stopped after {test.seen} of {len(photos.chosen)} photos; the same command goes on from there"
        raise KeyboardInterrupt(done) from stop
    if skipped := photos.skipped():
        _log.warning(skipped)
    return trainer.is_global_zero


def _write(evaluation: Evaluation, settings: EvaluationSettings) -> None:
    """Write the numbers and the curve, and both to the tracker."""
    folder = settings.output or Path()
    evaluation.write(folder / "evaluation.json")
    picture = folder / "evaluation.png"
    line_plot(
        picture,
        {attack: evaluation.curve(attack) for attack in evaluation.attacks},
        x_label=f"{evaluation.norm} radius at {evaluation.image_size} px, pixels in [0, 1]",
        y_label=f"accuracy on {evaluation.photos} photos",
        title=Path(evaluation.network).stem,
        percent=True,
    )
    config = {**evaluation.settings, "network": evaluation.network, "facts": dict(evaluation.facts)}
    run = Run(
        name=f"{Path(evaluation.network).stem} | {evaluation.norm} at {evaluation.image_size} px",
        job_type="evaluate",
        group=Path(evaluation.network).stem,
        tags=[evaluation.norm, f"{evaluation.image_size} px"],
        config={**without_places(config), "versions": program()},
    )
    tracker = Tracker(settings.tracking, folder, run)
    for step, radius in enumerate(evaluation.radii):
        found = [(attack, evaluation.find(attack, radius)) for attack in evaluation.attacks]
        accuracies = {f"accuracy/{attack}": evaluation.accuracy(one) for attack, one in found if one is not None}
        tracker.metrics({"radius": radius, **accuracies}, step)
    tracker.figure("accuracy against radius", picture, len(evaluation.radii))
    tracker.finish()
