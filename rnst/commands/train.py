"""`train_robust.py` and `rnst train`: LightningCLI with our run folder, callbacks and loggers."""

import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Any

from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import LearningRateMonitor, RichProgressBar
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.loggers import CSVLogger

from rnst.callbacks.images import AttackSheets
from rnst.callbacks.tracking import Tracking, log_picture, tracker
from rnst.commands.parsing import OneLineErrors, find_config, quiet_lightning
from rnst.data.datamodules import PhotoFolders
from rnst.errors import InvalidValueError
from rnst.experiments import robust_training
from rnst.files import written_aside
from rnst.tasks.robust_classifier import RobustClassifier

_PIXELS_AT_224 = 224
_HINTS = (  # of Lightning, that a user of the command can do nothing about
    "LightningCLI's args parameter is intended to run",
    ".*LeafSpec.*deprecated",
    "Precision bf16-mixed is not supported by the model summary",
    "The number of training batches .* is smaller than the logging interval",
    ".*does not have many workers",
)


class _TrainingParser(OneLineErrors, LightningArgumentParser):
    """LightningCLI's parser, with short errors."""


class _TrainingCLI(LightningCLI):
    """LightningCLI with our own options, run folder, callbacks and loggers."""

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """A parser with short errors."""
        kwargs.setdefault("dump_header", [])
        parser = _TrainingParser(usage="train_robust.py [--config YAML] [--data.root DIR] [--KEY VALUE ...]", **kwargs)
        parser.add_argument("-c", "--config", action="config", help="YAML file with any of the options below.")
        return parser

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_argument("--output", type=Path, required=True, help="Weight file to write (.safetensors).")
        parser.add_argument("--half", type=bool, default=False, help="Export kernels as float16.")
        parser.add_argument("--resume", action="store_true", help="Go on from the newest checkpoint of this output.")
        parser.add_argument("--tracking", type=Tracking, default="auto", help="Weights & Biases: auto, wandb or off.")
        parser.link_arguments("data.facts", "model.data", apply_on="instantiate")

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """The trainer of the configuration, with what every run of ours has."""
        config = self.config
        if config.output.suffix != ".safetensors":
            raise InvalidValueError("--output", str(config.output), "a file name that ends in .safetensors")
        folder = run_folder(config.output)
        with written_aside(folder / "config.yaml") as aside:
            aside.write_text(self.parser.dump(config, skip_none=False), encoding="utf-8")
        online = tracker(
            config.tracking,
            folder,
            job_type="train",
            group=config.output.stem,
            tags=[config.data.name, config.model.architecture],
            config=config.as_dict(),
        )
        callbacks = [
            *(self.config_init.trainer.callbacks or []),
            robust_training.checkpoint_callback(folder),
            LearningRateMonitor(),
            AttackSheets(folder, None if online is None else partial(log_picture, online, "attack")),
            *([RichProgressBar(refresh_rate=5)] if config.trainer.enable_progress_bar is not False else []),
        ]
        loggers = [CSVLogger(folder, name="metrics"), *([online] if online is not None else [])]
        return super().instantiate_trainer(callbacks=callbacks, logger=loggers, default_root_dir=folder, **kwargs)


def run_folder(output: Path) -> Path:
    """Where a training keeps its state and its logs."""
    return Path("runs") / output.stem


def run(arguments: list[str]) -> None:
    """Train, measure and export as the configuration says."""
    if not any(argument.split("=")[0] in {"-c", "--config"} for argument in arguments):
        arguments = ["--config", str(find_config("train/restricted_imagenet.yaml")), *arguments]
    quiet_lightning()
    for hint in _HINTS:
        warnings.filterwarnings("ignore", message=hint)
    cli = _TrainingCLI(
        RobustClassifier,
        PhotoFolders,
        run=False,
        args=arguments,
        save_config_callback=None,
        seed_everything_default=0,
        # Our attacks leave inference mode by themselves; others may not. Stages change the image size by epoch.
        trainer_defaults={"inference_mode": False, "reload_dataloaders_every_n_epochs": 1},
    )
    config = cli.config
    radius, size = cli.model.attack.ball.radius, cli.model.data.image_size
    sys.stdout.write(f"attack: {cli.model.attack}, radius stated at {size} px\n")
    if size != _PIXELS_AT_224:
        equivalent = cli.model.attack.ball.scaled(_PIXELS_AT_224 / size).radius
        sys.stdout.write(f"radius {radius:g} at {size} px has the strength per pixel of {equivalent:.3g} at 224 px\n")
    resume = robust_training.newest_checkpoint(run_folder(config.output)) if config.resume else None
    facts = robust_training.train(
        cli.trainer, cli.model, cli.datamodule, config.output, resume=resume, half=config.half
    )
    if cli.trainer.is_global_zero:
        sys.stdout.write(
            f"{config.output}: accuracy {facts['accuracy_clean']:.1%} clean, "
            f"{facts['accuracy_attacked']:.1%} under attack\n"
        )
