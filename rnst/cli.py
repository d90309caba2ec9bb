"""The commands."""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import LearningRateMonitor
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.loggers import CSVLogger

from rnst.callbacks.tracking import Tracking, tracker
from rnst.data.datamodules import PhotoFolders
from rnst.errors import RnstError
from rnst.experiments import stylization
from rnst.experiments.robust_training import checkpoint_callback, newest_checkpoint, train
from rnst.experiments.stylization_settings import StylizationSettings
from rnst.files import written_aside
from rnst.tasks.robust_classifier import RobustClassifier

CONFIGS = Path(__file__).parents[1] / "configs"
_DEFAULT_RECIPE = CONFIGS / "train" / "restricted_imagenet.yaml"


class _TrainingCLI(LightningCLI):
    """LightningCLI with our own three options, run folder and callbacks."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_argument("--output", type=Path, help="Weight file to write (.safetensors).")
        parser.add_argument("--half", type=bool, default=False, help="Export kernels as float16.")
        parser.add_argument("--resume", action="store_true", help="Go on from the newest checkpoint of this output.")
        parser.add_argument("--tracking", type=Tracking, default="auto", help="Weights & Biases.")
        parser.link_arguments("data.facts", "model.data", apply_on="instantiate")

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        folder = run_folder(self.config.output)
        callbacks = [*(self.config_init.trainer.callbacks or []), checkpoint_callback(folder), LearningRateMonitor()]
        settings = self.parser.dump(self.config, skip_none=False)
        with written_aside(folder / "config.yaml") as aside:
            aside.write_text(settings)
        loggers = [CSVLogger(folder, name="", version="")]
        online = tracker(
            self.config.tracking,
            folder,
            job_type="train",
            group=self.config.output.stem,
            tags=[self.config.data.name, self.config.model.architecture],
            config=self.config.as_dict(),
        )
        return super().instantiate_trainer(
            callbacks=callbacks, logger=[*loggers, *([online] if online else [])], default_root_dir=folder, **kwargs
        )


def run_folder(output: Path) -> Path:
    """Where a training keeps its state and logs."""
    return Path("runs") / output.stem


def train_robust(arguments: Sequence[str] | None = None) -> None:
    """`python train_robust.py`: without --config, the article's recipe."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not any(argument.split("=")[0] in {"-c", "--config"} for argument in arguments):
        arguments = ["--config", str(_DEFAULT_RECIPE), *arguments]
    _reporting(lambda: _train(arguments))


def _train(arguments: list[str]) -> None:
    cli = _TrainingCLI(
        RobustClassifier,
        PhotoFolders,
        run=False,
        args=arguments,
        save_config_callback=None,
        seed_everything_default=0,
        trainer_defaults={"inference_mode": False, "reload_dataloaders_every_n_epochs": 1},
    )
    resume = newest_checkpoint(run_folder(cli.config.output)) if cli.config.resume else None
    facts = train(cli.trainer, cli.model, cli.datamodule, cli.config.output, resume=resume, half=cli.config.half)
    if cli.trainer.is_global_zero:
        sys.stdout.write(
            f"{cli.config.output}: accuracy {facts['accuracy_clean']:.1%} clean, "
            f"{facts['accuracy_attacked']:.1%} under attack\n"
        )


def stylize(arguments: Sequence[str] | None = None) -> None:
    """`python stylize.py`: without arguments, a sample photo in the style of a sample painting."""
    _reporting(lambda: _stylize(list(sys.argv[1:] if arguments is None else arguments)))


def _stylize(arguments: list[str]) -> None:
    parser = ArgumentParser(prog="stylize.py", description="Paint a photo in the style of a painting.")
    parser.add_argument("--config", action="config", help="YAML file with any of the options below.")
    parser.add_class_arguments(StylizationSettings)
    options = parser.parse_args(arguments)
    del options.config
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    result = stylization.stylize(StylizationSettings(**options.as_dict()))
    sys.stdout.write(f"{result.image}: {result.size[0]}x{result.size[1]} pixels, {result.seconds:.0f} s\n")


def _reporting(command: Callable[[], None]) -> None:
    """Run a command; turn our own errors into one line and exit status 2."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        command()
    except RnstError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
