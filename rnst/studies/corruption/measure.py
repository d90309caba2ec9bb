"""Natural robustness of networks: errors on corrupted photos, mCE, relative mCE, and accuracy under attack."""

import time
from importlib.metadata import version

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import RichProgressBar
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from rnst.attacks.autoattack import require_pyautoattack
from rnst.data.batches import Sample, evenly
from rnst.data.cifar10 import Cifar10Source
from rnst.data.corrupted import Condition, CorruptedPhotos, PublishedCorruptions
from rnst.data.crops import evaluation_side, evaluation_transform
from rnst.data.photos import Preprocessing
from rnst.data.sources import Source
from rnst.encoders.classifier import Classifier, load_classifier, weight_file
from rnst.encoders.weights.files import sha256_of
from rnst.errors import InvalidValueError
from rnst.metrics.corruption_errors import corruption_errors, published_alexnet
from rnst.metrics.robustness import Evaluation
from rnst.studies.corruption.report import CorruptionReport
from rnst.studies.corruption.settings import PUBLISHED_ALEXNET, CorruptionSettings, short_name
from rnst.studies.corruption.task import CorruptionTest
from rnst.studies.evaluation.measure import evaluate, labeled_source
from rnst.studies.evaluation.settings import EvaluationSettings

_USUAL_SIZE = 224


def measure_corruption(settings: CorruptionSettings) -> CorruptionReport:
    """Measure; write corruption.json, corruption.png, corruptions.png, and radius.png if there are radii.

    Raises:
        RnstError: the input has a mistake; raised before anything is measured.
        KeyboardInterrupt: the user stopped it; the message names the lost work.
    """
    if settings.autoattack:
        require_pyautoattack()
    reference = settings.reference or settings.networks[0]
    networks = list(settings.measured)
    classifiers, sizes, source = _load(networks, settings)
    photos = _photos(settings, source)
    began = time.perf_counter()
    right = _run(CorruptionTest(classifiers, sizes), photos, settings)
    names = settings.names
    others = published_alexnet(names) if reference == PUBLISHED_ALEXNET else right[short_name(reference)]
    report = CorruptionReport(
        networks={name: corruption_errors(each, others, names, settings.seed) for name, each in right.items()},
        reference=short_name(reference),
        severities=settings.levels,
        photos=len(photos),
        evaluations=_attacked(networks, settings) if settings.radii else {},
        settings=settings.as_dict(),
        weights_sha256={short_name(name): sha256_of(weight_file(name)) for name in networks},
        seconds=round(time.perf_counter() - began, 1),
        versions={name: version(name) for name in ("torch", "torchvision", "pytorch-lightning")},
    )
    report.write(settings, _sheet(photos, settings))
    return report


def _load(networks: list[str], settings: CorruptionSettings) -> tuple[dict[str, Classifier], dict[str, int], Source]:
    """Networks, their image sizes, and photos with the labels that they share."""
    classifiers, sizes, sources = {}, {}, {}
    for network in networks:
        name = short_name(network)
        classifiers[name], facts = load_classifier(network)
        sizes[name] = settings.image_size or int(facts.get("image_size") or _USUAL_SIZE)
        sources[name] = labeled_source(settings.data, settings.split, facts)
    first, *rest = sources.items()
    for name, source in rest:
        if source.class_names != first[1].class_names:
            wanted = f"networks of the same classes; {name} has others than {first[0]}"
            raise InvalidValueError("--networks", networks, wanted)
    return classifiers, sizes, first[1]


def _photos(settings: CorruptionSettings, source: Source) -> CorruptedPhotos:
    crop = "padded" if isinstance(source, Cifar10Source) else "resized"
    view = Preprocessing(evaluation_side(settings.size, crop), evaluation_transform(settings.size))  # type: ignore[arg-type]
    chosen: Subset[Sample] = evenly(source.open(settings.split, view), settings.photos)
    conditions = [Condition(name, severity) for name in settings.names for severity in settings.levels]
    if settings.corrupted is not None:
        return PublishedCorruptions(chosen, conditions, settings.corrupted, settings.size)
    return CorruptedPhotos(chosen, conditions, settings.seed)


def _run(test: CorruptionTest, photos: CorruptedPhotos, settings: CorruptionSettings) -> dict[str, Tensor]:
    """Network -> (photos, versions) bool."""
    loader = DataLoader(
        photos,
        batch_size=settings.batch_size,
        num_workers=settings.workers,
        pin_memory=torch.cuda.is_available(),
    )
    trainer = pl.Trainer(
        accelerator=settings.accelerator,
        devices=1,
        precision=settings.precision,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        callbacks=[RichProgressBar()],
    )
    try:
        trainer.test(test, dataloaders=loader, verbose=False)
    except (SystemExit, KeyboardInterrupt) as stop:  # Lightning turns Ctrl-C into SystemExit
        raise KeyboardInterrupt(f"stopped after {test.seen} of {len(photos)} photos; nothing was written") from stop
    return test.right


def _attacked(networks: list[str], settings: CorruptionSettings) -> dict[str, Evaluation]:
    """Accuracy against radius, network by network."""
    found = {}
    for network in networks:
        name = short_name(network)
        evaluation = evaluate(
            network,
            EvaluationSettings(
                data=settings.data,
                split=settings.split,
                radii=settings.radii,
                norm=settings.norm,
                steps=[settings.steps],
                autoattack=settings.autoattack,
                photos=settings.attacked_photos,
                workers=settings.workers,
                image_size=settings.image_size,
                precision=settings.precision,
                accelerator=settings.accelerator,
                output=settings.output / "attacks" / name,
                seed=settings.seed,
                tracking="off",
            ),
        )
        if evaluation is not None:
            found[name] = evaluation
    return found


def _sheet(photos: CorruptedPhotos, settings: CorruptionSettings) -> dict[str, list[Tensor]]:
    """One photo in all its versions, row by row."""
    versions = photos[len(photos) // 2][0].float().div(255.0)[:, None]
    rows = versions[1:].unflatten(0, (len(settings.names), len(settings.levels)))
    return {name: [versions[0], *row] for name, row in zip(settings.names, rows, strict=True)}
