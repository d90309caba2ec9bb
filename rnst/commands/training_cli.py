"""LightningCLI with our run folder, callbacks and loggers: what `rnst train` runs once its help is not asked for."""

import sys
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from lightning_fabric.utilities.rank_zero import rank_zero_only  # it knows the number of this process
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import RichProgressBar
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI

from rnst.commands.parsing import OneLineErrors, quiet_lightning
from rnst.commands.train_help import USAGE
from rnst.data.datamodules import PhotoFolders
from rnst.encoders.weights.files import is_ours, sha256_of
from rnst.errors import InvalidValueError
from rnst.outputs import check_folder, check_output, identified
from rnst.ranges import Minutes, NonNegativeInt, Share
from rnst.reporting.trackers import BY_DEFAULT, chosen_trackers
from rnst.reporting.tracking.run import without_places
from rnst.reporting.tracking.tracker import Tracker, has_offline_runs, upload_command
from rnst.training import checks, run_state
from rnst.training import train as training
from rnst.training.attack_sheets import AttackSheets
from rnst.training.averaging import AveragedWeights
from rnst.training.curves import LearningCurve
from rnst.training.loggers import open_training_tracker, run_of_training, users_loggers
from rnst.training.meter import TrainingMeter
from rnst.training.overfitting import MonitorSettings, OverfittingMonitor
from rnst.training.robust_classifier import RobustClassifier
from rnst.training.stopping import StopAfterStep
from rnst.training.trainer_options import check_seed, check_trainer, refused_options

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

    tracker: Tracker | None = None
    _asks_for_monitor = False  # on the command line, not in a configuration

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """A parser with short errors."""
        kwargs.setdefault("dump_header", [])
        parser = _TrainingParser(usage=USAGE, **kwargs)
        parser.add_argument("-c", "--config", action="config", help="YAML file with any of the options below.")
        return parser

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """The configuration, with what Lightning refuses late or not at all checked first."""
        super().parse_arguments(parser, args)
        self._asks_for_monitor = any(word.partition("=")[0] in {"--monitor", "--monitor.every"} for word in args)
        if not self.config.output.name:
            raise InvalidValueError("--output", "", "a file name that ends in .safetensors")
        check_seed(self.config.seed_everything)
        check_trainer(self.config.trainer.as_dict())

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_argument("--output", type=Path, required=True, help="Weight file to write (.safetensors).")
        parser.add_argument("--half", type=bool, default=False, help="Export kernels as float16.")
        parser.add_argument("--resume", action="store_true", help="Go on from the newest checkpoint of this output.")
        text = "off, or trackers joined by commas: wandb (offline unless there is a key), tensorboard, csv."
        parser.add_argument("--tracking", type=str, default=BY_DEFAULT, help=text)
        parser.add_argument("--ema", type=Share, default=0.0, help="Average the weights with this decay, as 0.999.")
        parser.add_argument("--checkpoint_minutes", type=Minutes, default=0.0, help="Also keep the state this often.")
        parser.add_argument(
            "--checkpoint_steps", type=NonNegativeInt, default=0, help="Also keep the state this often."
        )
        parser.add_argument("--monitor", type=MonitorSettings, default=MonitorSettings())
        parser.add_argument("--weights", type=str | None, default=None, help="Weight file or name to start from.")
        parser.link_arguments("data.facts", "model.data", apply_on="instantiate")
        parser.link_arguments("weights", "model.weights")
        parser.link_arguments("model.teacher", "data.teacher_size", compute_fn=_teacher_size)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """The trainer of the configuration, with what every run of ours has."""
        config, folder = self.config, run_state.run_folder(self.config.output)
        if config.output.suffix != ".safetensors":
            raise InvalidValueError("--output", str(config.output), "a file name that ends in .safetensors")
        chosen_trackers(config.tracking)
        monitor = self._monitor()
        if _is_main_process():
            self._begin(folder)
        loggers, show = users_loggers(self.config_init.trainer.logger, folder), None
        if loggers is None:
            model = self.config_init.model
            ball, name = model.attack.ball, model.data.name
            run = run_of_training(config.output, name, model.architecture, ball, config.as_dict())
            self.tracker = open_training_tracker(config.tracking, folder, run)
            loggers, show = self.tracker.loggers, partial(self.tracker.picture, "attack")
        callbacks = [
            *(self.config_init.trainer.callbacks or []),
            *([AveragedWeights(config.ema)] if config.ema else []),
            *([OverfittingMonitor(monitor, run_state.last_good_checkpoint(folder), report_line)] if monitor else []),
            *run_state.checkpoint_callbacks(folder, minutes=config.checkpoint_minutes, steps=config.checkpoint_steps),
            TrainingMeter(),
            AttackSheets(folder, show),
            LearningCurve(folder),
            StopAfterStep(run_state.stopped_checkpoint(folder)),
            *([RichProgressBar(refresh_rate=5)] if config.trainer.enable_progress_bar is not False else []),
        ]
        kwargs["logger"] = loggers or False
        kwargs["plugins"] = [*_listed(self.config_init.trainer.plugins), run_state.CompleteCheckpoints()]
        with refused_options():
            return super().instantiate_trainer(callbacks=callbacks, default_root_dir=folder, **kwargs)

    def _monitor(self) -> MonitorSettings | None:
        """When to monitor the training, if so; a monitor of the configuration alone is left out where none can be."""
        settings, model = self.config_init.monitor, self.config_init.model
        if settings.every and not model.attack.ball.radius and not self._asks_for_monitor:
            report_line("without an attack there is no catastrophic overfitting: the monitor of the recipe is left out")
            return None
        settings.check(model.attack)
        return settings if settings.every else None

    def _begin(self, folder: Path) -> None:
        """Check output, photos and the run to resume before a folder is made."""
        data, config = self.config_init.data, self.config
        inputs = identified([] if config.weights is None else [(f"--weights {config.weights}", Path(config.weights))])
        check_output("--output", config.output, inputs, is_ours)
        check_folder("the run folder", folder)
        checks.check_data(data, report_line)
        checks.check_length(self.config_init.model, config.trainer.as_dict())
        checks.check_batch(self.config_init.model, data.batch_size)
        checks.check_network(self.config_init.model, [data.image_size, *(stage.image_size for stage in data.stages)])
        dumped = self.parser.dump(config, skip_none=False)
        if config.resume:
            run_state.newest_checkpoint(folder, report_line)
            run_state.refuse_other_settings(folder, yaml.safe_load(dumped))
        if moved := run_state.begin(folder, dumped, resume=config.resume):
            report_line(f"an earlier run of this output is now in {moved}; --resume would have continued it")


def train_by(arguments: list[str]) -> None:
    """Train, measure and export according to the configuration.

    Args:
        arguments: of the command line, the path of a file after each --config.
    """
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
        # The sizes of a stage stand still, so that cuDNN's search for the fastest convolutions pays.
        trainer_defaults={"inference_mode": False, "reload_dataloaders_every_n_epochs": 1, "benchmark": True},
    )
    config, folder = cli.config, run_state.run_folder(cli.config.output)
    _report_radius(cli.model)
    resume = run_state.newest_checkpoint(folder, report_line) if config.resume else None
    facts = training.train(
        cli.trainer, cli.model, cli.datamodule, config.output, resume=resume, half=config.half, report=report_line
    )
    if cli.trainer.is_global_zero:
        if cli.tracker is not None:
            _finish(cli.tracker, sha256_of(config.output), facts)
        if has_offline_runs(folder):
            sys.stdout.write(f"upload: {upload_command(folder)}\n")
        sys.stdout.write(
            f"{config.output}: {'accuracy' if cli.model.teacher is None else 'agreement with the teacher'} "
            f"{facts['accuracy_clean']:.1%} clean, "
            f"{facts['accuracy_attacked']:.1%} under attack; the run is in {folder}\n"
        )


def _finish(tracker: Tracker, weights_sha256: str, facts: Mapping[str, Any]) -> None:
    """Log the hash of the exported weights, which the runs of pictures made with them log too, and close the run."""
    tracker.config({"weights_sha256": weights_sha256, "weights_facts": without_places(facts)})
    tracker.finish()


def report_line(line: str) -> None:
    """Write a line for the user, once for all processes."""
    if _is_main_process():
        sys.stderr.write(f"{line}\n")


def _teacher_size(teacher: Any) -> int:
    """Side of the images that a teacher receives; jsonargparse keeps its options one level down."""
    return 0 if teacher is None else int(teacher.get("init_args", teacher)["image_size"])


def _is_main_process() -> bool:
    """Before a trainer is there to ask."""
    return getattr(rank_zero_only, "rank", 0) == 0


def _report_radius(model: RobustClassifier) -> None:
    radius, size = model.attack.ball.radius, model.data.image_size
    if not _is_main_process():
        return
    sys.stdout.write(f"attack: {model.attack}, radius stated at {size} px\n")
    equivalent = model.attack.ball.scaled(_PIXELS_AT_224 / size).radius
    if equivalent != radius:
        sys.stdout.write(f"radius {radius:g} at {size} px has the strength per pixel of {equivalent:.3g} at 224 px\n")


def _listed(plugins: Any) -> list[Any]:
    if plugins is None:
        return []
    return list(plugins) if isinstance(plugins, list) else [plugins]
