"""The commands. The only file that knows command lines."""

import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from jsonargparse import ArgumentParser
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import LearningRateMonitor, RichProgressBar
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.loggers import CSVLogger

from rnst.callbacks.images import AttackSheets
from rnst.callbacks.tracking import Tracking, log_picture, tracker
from rnst.data.datamodules import PhotoFolders
from rnst.encoders.catalog import BUNDLED, DEFAULT_ENCODER, encoder_names, find_network
from rnst.errors import InvalidValueError, RnstError
from rnst.experiments import robust_training, stylization
from rnst.experiments.stylization_settings import StylizationSettings
from rnst.files import written_aside
from rnst.gallery.page import DEFAULT_TITLE, read_results, write_gallery
from rnst.tasks.robust_classifier import RobustClassifier

_CONFIG_FOLDERS = (Path(__file__).parents[1] / "configs", Path(__file__).parent / "bundled" / "configs")
_PIXELS_AT_224 = 224
_HINTS = (  # of Lightning, that a user of the command can do nothing about
    "LightningCLI's args parameter is intended to run",
    ".*LeafSpec.*deprecated",
    "Precision bf16-mixed is not supported by the model summary",
    "The number of training batches .* is smaller than the logging interval",
    ".*does not have many workers",
)
_STOPPED = 130  # what a shell reports of a program that Ctrl-C ended

Command = Callable[[list[str]], None]


def train_robust(arguments: Sequence[str] | None = None) -> None:
    """`python train_robust.py`: without --config, the article's recipe."""
    _run(_train, arguments)


def stylize(arguments: Sequence[str] | None = None) -> None:
    """`python stylize.py`: without arguments, a sample photo in the style of a sample painting."""
    _run(_stylize, arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """`rnst COMMAND`."""
    _run(_dispatch, arguments)


def _run(command: Command, arguments: Sequence[str] | None) -> None:
    """Run a command; turn our own errors into one line and exit status 2."""
    try:
        command(list(sys.argv[1:] if arguments is None else arguments))
    except BrokenPipeError:  # the reader has seen enough, as in `rnst models | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (RnstError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt as stop:
        sys.stderr.write(f"{str(stop) or 'stopped'}\n")
        sys.exit(_STOPPED)


class UsageError(RnstError):
    """The command line itself is wrong."""


class _OneLineErrors(ArgumentParser):
    """A parser that says what is wrong in one line, without the whole usage before it."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise instead of printing and leaving."""
        raise UsageError(f"{' '.join(message.split())}. See --help.") from ex


class _TrainingParser(_OneLineErrors, LightningArgumentParser):
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


def _train(arguments: list[str]) -> None:
    if not any(argument.split("=")[0] in {"-c", "--config"} for argument in arguments):
        arguments = ["--config", str(_config("train/restricted_imagenet.yaml")), *arguments]
    _quiet_lightning()
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


def _stylize(arguments: list[str]) -> None:
    parser = _OneLineErrors(
        usage="stylize.py [--content C] [--style S] [--output PICTURE] [--OPTION VALUE ...]",
        description="Paint a photo in the style of a painting.",
    )
    parser.add_argument("--config", action="config", help="YAML file with any of the options below.")
    parser.add_class_arguments(StylizationSettings, as_group=False)
    options = parser.parse_args(_gathered(arguments, {"--style_layers", "--content_layers"})).as_dict()
    options.pop("config", None)
    _quiet_lightning()
    result = stylization.stylize(StylizationSettings(**options))
    width, height = result.size
    sys.stdout.write(f"{result.image}: {width} x {height} pixels, {result.seconds:.0f} s\n")


def _models(arguments: list[str]) -> None:
    parser = _OneLineErrors(prog="rnst models", description="List the names that --encoder takes.")
    parser.parse_args(arguments)
    for name in encoder_names():
        network = find_network(name)
        mark = "*" if name == DEFAULT_ENCODER else " "
        sys.stdout.write(f"{mark} {name:<24} {network.source:<12} {network.description}\n")
    sys.stdout.write(f"* is the default. {len(BUNDLED)} come with the project; the others are downloaded once.\n")


def _gallery(arguments: list[str]) -> None:
    parser = _OneLineErrors(prog="rnst gallery", description="Write finished pictures as one page that compares them.")
    parser.add_argument("results", type=Path, help="Folder that stylize.py wrote to; searched with all its subfolders.")
    parser.add_argument("--output", type=Path, default=Path("outputs/gallery.html"), help="HTML file to write.")
    parser.add_argument("--embed", action="store_true", help="Carry the pictures inside the page.")
    parser.add_argument("--title", type=str, default=DEFAULT_TITLE, help="Heading of the page.")
    options = parser.parse_args(arguments)
    results = read_results(options.results)
    page = write_gallery(results, options.output, embed=options.embed, title=options.title)
    sys.stdout.write(f"{page}: {len(results)} pictures; open it in a browser\n")


_COMMANDS: dict[str, tuple[Command, str]] = {
    "stylize": (_stylize, "paint a photo in the style of a painting; also as stylize.py"),
    "train": (_train, "train robust weights; also as train_robust.py"),
    "models": (_models, "list the networks"),
    "gallery": (_gallery, "write finished pictures as one page"),
}


def _dispatch(arguments: list[str]) -> None:
    if arguments and arguments[0] in _COMMANDS:
        _COMMANDS[arguments[0]][0](arguments[1:])
        return
    lines = [f"  {name:<10} {summary}\n" for name, (_, summary) in _COMMANDS.items()]
    text = "".join(["usage: rnst COMMAND [--help]\n\n", *lines])
    asked = not arguments or arguments[0] in {"-h", "--help"}
    (sys.stdout if asked else sys.stderr).write(text)
    sys.exit(0 if asked else 2)


def _gathered(arguments: list[str], lists: set[str]) -> list[str]:
    """`--style_layers layer1 layer2` as the parser takes it: `--style_layers=["layer1", "layer2"]`."""
    gathered: list[str] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument in lists and rest and not rest[0].startswith("["):
            values = []
            while rest and not rest[0].startswith("--"):
                values.append(rest.pop(0))
            argument = f"{argument}={json.dumps(values)}"
        gathered.append(argument)
    return gathered


def _config(name: str) -> Path:
    """File of a configuration, in a checkout or in an installed package."""
    return next((folder / name for folder in _CONFIG_FOLDERS if (folder / name).is_file()), Path(name))


def _quiet_lightning() -> None:
    """Lightning's advertisements and notes on devices say nothing to the user of a command."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
