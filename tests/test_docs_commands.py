"""Every command of README and docs is understood by its parser; options, files and names in prose exist."""

import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest

from rnst.cli import COMMANDS
from rnst.commands.options import CommandParser
from rnst.commands.parsing import with_configs_found
from rnst.commands.stylize import _place_pictures
from rnst.commands.train import _plain
from rnst.stylization.settings import StylizationSettings
from tools.documentation_commands import DOCS, LOG, README, ROOT, blocks, pages, programs
from tools.reference_pages import parser_of

_PROSE = sorted(page for page in [README, ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")] if LOG not in page.parents)
_BLOCKS = [block for page in [*pages(), ROOT / "CONTRIBUTING.md"] for block in blocks(page)]
_STYLIZATION = {entry.name for entry in fields(StylizationSettings)} - {"output"}  # that of a folder has no ending

# Programs of others that the pages use; their options are not ours to check.
_FOREIGN = {
    *("bash", "cd", "cp", "curl", "docker", "ffmpeg", "git", "jupyter"),
    *("mkdocs", "pip", "pytest", "tar", "uv", "wandb"),
}
_FOREIGN_OPTIONS = {"no-sync", "group", "gpus", "user"}
_CODE = re.compile(r"`([^`\n]+)`")
_OPTION = re.compile(r"(?<![\w-])--([a-z][\w.-]*)")
_FILE = re.compile(r"(?:benchmarks|configs|docs|notebooks|rnst|tests|tools)/[\w./-]*\w|checkpoints/README\.md")
_NAME = re.compile(r"rnst(?:\.\w+)+")
_FENCE = re.compile(r"^( *)```.*?^\1```\s*$", re.MULTILINE | re.DOTALL)


class _ParsedError(Exception):
    """Raised in the place of the work."""


def _id(value: Any) -> str:
    return value.relative_to(ROOT).as_posix() if isinstance(value, Path) else ""


def _parse(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse a command by the parser of its program, and check its settings as far as that needs no file."""
    program, arguments = command[0], list(command[1:])
    name = {"stylize.py": "stylize", "train_robust.py": "train"}.get(program, arguments[0] if arguments else "")
    arguments = arguments[1:] if program == "rnst" else arguments
    assert name in COMMANDS
    if name == "train":
        _parse_training(arguments, monkeypatch)
        return
    real = CommandParser.parse

    def parse(parser: CommandParser, *words: Any, **more: Any) -> dict[str, Any]:
        options = real(parser, *words, **more)
        if name == "stylize":
            _place_pictures(options, parser.given)
            StylizationSettings(**{key: value for key, value in options.items() if key in _STYLIZATION})
        raise _ParsedError

    monkeypatch.setattr(CommandParser, "parse", parse)
    arguments = [argument for argument in arguments if argument != "--print_config"]
    with pytest.raises(_ParsedError):
        import_module(f"rnst.commands.{name}").run(arguments)


def _parse_training(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from rnst.commands import training_cli

    def stop(*_: Any) -> None:
        raise _ParsedError

    monkeypatch.setattr(training_cli._TrainingCLI, "before_instantiate_classes", stop)
    monkeypatch.setattr("sys.argv", ["train_robust.py"])
    words = with_configs_found(_plain(arguments), "train/restricted_imagenet", needed="output")
    with pytest.raises(_ParsedError):
        training_cli.train_by(words)


@pytest.mark.parametrize("page", dict.fromkeys(block.page for block in _BLOCKS), ids=_id)
def test_commands_are_understood(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in dict.fromkeys(command for block in _BLOCKS if block.page == page for command in block.commands):
        with monkeypatch.context() as patches:
            if command[0] in programs():
                _parse(_without_files(command), patches)
            elif command[0] == "-m":
                assert (ROOT / f"{command[1].replace('.', '/')}.py").is_file(), command
            elif command[0].endswith(".py"):
                assert (ROOT / command[0]).is_file(), command
            else:
                assert command[0] in _FOREIGN, command


def _without_files(command: tuple[str, ...]) -> tuple[str, ...]:
    """The command with a shipped configuration in the place of files that a reader writes."""
    written = {"mine.yaml", "outputs/coffee--flow.png", "outputs/coffee--flow.json"}
    shipped = "smoke" if "sweep" in command else "draft"
    return tuple(
        shipped if word in written and command[number - 1] == "--config" else word
        for number, word in enumerate(command)
    )


def test_commands_were_found() -> None:
    found = [command for block in _BLOCKS for command in block.commands if command[0] in programs()]
    assert len(found) > 100
    assert {command[1] for command in found if command[0] == "rnst"} > {
        "sweep",
        "evaluate",
        "convert",
        "models",
        "gallery",
    }


def _training_parser() -> Any:
    """The parser of a training, before it has read anything."""
    from rnst.commands import training_cli
    from rnst.data.datamodules import PhotoFolders
    from rnst.training.robust_classifier import RobustClassifier

    built = []

    class Stopping(training_cli._TrainingCLI):
        def parse_arguments(self, parser: Any, *_: Any, **__: Any) -> None:
            built.append(parser)
            raise _ParsedError

    with pytest.raises(_ParsedError):
        Stopping(RobustClassifier, PhotoFolders, run=False, args=[])
    return built[0]


@pytest.fixture(scope="module")
def known_options() -> set[str]:
    """Every option of every command; of a training, every key."""
    parsers = [*(parser for name in COMMANDS if (parser := parser_of(name)) is not None), _training_parser()]
    known = {name for parser in parsers for action in parser._actions for name in action.option_strings}
    return {name.removeprefix("--") for name in known} | {"version", "help_all"} | _FOREIGN_OPTIONS


def _is_known(option: str, known: set[str]) -> bool:
    """Whether an option exists; one of a nested class exists where the option of that class does."""
    parts = option.replace("-", "_").split(".")
    prefixes = [".".join(parts[:length]) for length in range(2, len(parts))]
    return option in known or ".".join(parts) in known or any(prefix in known for prefix in prefixes)


@pytest.mark.parametrize("page", _PROSE, ids=_id)
def test_options_files_and_names_exist(page: Path, known_options: set[str]) -> None:
    for line in _FENCE.sub("", page.read_text(encoding="utf-8")).splitlines():
        of_others = page.name.startswith("from-") and line.startswith("|")
        text = "|".join(line.split("|")[2:]) if of_others else line
        for code in _CODE.findall(text):
            unknown = [name for name in _OPTION.findall(code) if not _is_known(name, known_options)]
            assert not unknown, f"{code} in {line}"
            missing = [name for name in _FILE.findall(code) if not (ROOT / name).exists()]
            assert not missing, line
            for name in _NAME.findall(code):
                resolve_name(name)
