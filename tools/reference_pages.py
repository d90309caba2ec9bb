"""Reference pages that are made while the site is built: a hook of MkDocs, see `hooks` in mkdocs.yml.

Commands come from their parsers, configurations from the first lines of their files, networks from the catalog. So none
of these pages can be older than the code.
"""

import re
import shutil
import sys
from argparse import SUPPRESS, Action
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

_ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(_ROOT))  # mkdocs starts elsewhere

from rnst.cli import COMMANDS, GROUPS  # noqa: E402
from rnst.commands.options import CommandParser  # noqa: E402
from rnst.commands.parsing import shipped_configs  # noqa: E402
from rnst.commands.train_help import first_screen  # noqa: E402
from rnst.encoders.names import BUNDLED, find_network  # noqa: E402
from rnst.encoders.published import PUBLISHED  # noqa: E402
from rnst.metrics.score_table import SCORE_TABLE  # noqa: E402

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

_COMMANDS = "reference/commands"
_MIRROR = _ROOT / "outputs" / "site_sources"  # also `paths` in mkdocs.yml
_HEADINGS = {
    "train": "Training",
    "trainer": "Devices of a training",
    "stylize": "Stylization",
    "sweeps": "Sweeps",
    "experiments": "Experiments",
}
_COPIED = {
    "reference/bundled-networks.md": _ROOT / "checkpoints" / "README.md",
    "changelog.md": _ROOT / "CHANGELOG.md",
    "contributing.md": _ROOT / "CONTRIBUTING.md",
}


def generated() -> dict[str, str]:
    """Path in the site -> text of each page that is made."""
    pages = {f"{_COMMANDS}/{name}.md": command_page(name) for name in COMMANDS}
    pages[f"{_COMMANDS}/index.md"] = _commands_page()
    pages["reference/configurations.md"] = configurations_page()
    pages["reference/published-networks.md"] = networks_page()
    pages["reference/scores.md"] = scores_page()
    return pages | {path: _from_site(source.read_text(encoding="utf-8")) for path, source in _COPIED.items()}


def _from_site(text: str) -> str:
    """Links of a page in the root of the repository as links within the site."""
    return text.replace("](docs/", "](")


def on_startup(**_: Any) -> None:
    """Copy the package, before the plugin that reads it looks for the folder."""
    _mirror_sources()


def on_config(config: "MkDocsConfig") -> "MkDocsConfig":
    """Put a page for each command into the navigation."""
    section = next(entry["Reference"] for entry in config.nav or [] if isinstance(entry, dict) and "Reference" in entry)
    commands = [f"{_COMMANDS}/index.md", *({f"rnst {name}": f"{_COMMANDS}/{name}.md"} for name in COMMANDS)]
    section.insert(1, {"Commands": commands})
    return config


def on_files(files: "Files", config: "MkDocsConfig") -> "Files":
    """Add the pages."""
    from mkdocs.structure.files import File

    for path, text in generated().items():
        files.append(File.generated(config, path, content=text))
    return files


def _mirror_sources() -> None:
    """Copy the package with a file `__init__.py` in each folder.

    Our folders have none, as Python allows; griffe, which reads the docstrings, does not find modules in such folders.
    """
    shutil.rmtree(_MIRROR, ignore_errors=True)
    for source in (_ROOT / "rnst").rglob("*.py"):
        copy = _MIRROR / source.relative_to(_ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())
        for folder in copy.relative_to(_MIRROR).parents[:-1]:
            (_MIRROR / folder / "__init__.py").touch()


def parser_of(command: str) -> CommandParser | None:
    """The parser that a command builds; None for one that has another kind."""
    found = list[CommandParser]()

    def stop(parser: CommandParser, *_: Any, **__: Any) -> dict[str, Any]:
        found.append(parser)
        raise SystemExit

    module = import_module(f"rnst.commands.{command}")
    if command != "train":  # whose parser is Lightning's
        with patch.object(CommandParser, "parse", stop), suppress(SystemExit):
            module.run([])
    return found[0] if found else None


def command_page(command: str) -> str:
    """Usage, examples and every option of a command."""
    parser = parser_of(command)
    if parser is None:
        more = "[Training recipes](../recipes.md) and [Training and attacks](../python/training.md) explain the keys."
        return f"# rnst {command}\n\n{_sentence(COMMANDS[command])} {more}\n\n```text\n{first_screen()}```\n"
    description, _, examples = (parser.description or "").partition("\n\nexamples\n")
    parts = [f"# rnst {command}", description, f"```text\n{parser.usage}\n```"]
    if examples:
        parts += ["## Examples", f"```sh\n{_with_comments(examples)}\n```"]
    for group in parser._action_groups:
        entries = [_entry(action) for action in group._group_actions if action.help != SUPPRESS]
        if entries:
            title = {"positional arguments": "Arguments", "options": "General options"}.get(
                group.title or "", group.title
            )
            parts += [f"## {title}", *entries]
    return "\n\n".join(parts) + "\n"


def _with_comments(examples: str) -> str:
    """Examples as they are typed in a clone, what they do as a comment above each."""
    lines = list[str]()
    for example in examples.splitlines():
        command, *remark = re.split(r" {2,}", example.strip(), maxsplit=1)
        lines += [f"# {text}" for text in remark]
        lines.append(f"uv run {command.removeprefix('python ')}")
    return "\n".join(lines)


def _entry(action: Action) -> str:
    """One option as an entry of a list of definitions."""
    names = [name for name in action.option_strings if not name.endswith("+")] or [""]
    value = action.metavar or ("" if action.nargs == 0 else action.dest.upper())
    text = "Print all settings as YAML, and stop." if action.dest == "print_config" else (action.help or "")
    value = "" if action.dest in {"print_config", "help"} else str(value)
    return f"`{f'{names[-1]} {value}'.strip()}`\n:   {_escaped(text.replace('%%', '%'))}"


def _escaped(text: str) -> str:
    """Text in which only what is between backticks means anything to Markdown; options become code."""
    parts = text.split("`")
    for number in range(0, len(parts), 2):
        parts[number] = re.sub(r"(?<![\w-])(--[a-z_]+)", r"`\1`", _plain(parts[number]))
    return "`".join(parts)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _commands_page() -> str:
    note = (
        "`stylize.py` is `rnst stylize`, and `train_robust.py` is `rnst train`.\n"
        "Each command prints its options with `--help`. Exit status: 0 done, 2 a mistake in the input, 1 a bug."
    )
    parts = ["# Commands", note]
    for title, commands in GROUPS.items():
        rows = [f"| [rnst {name}]({name}.md) | {_sentence(summary)} |" for name, summary in commands.items()]
        parts += [f"## {title}", "\n".join(["| command | what it does |", "|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


def configurations_page() -> str:
    """Every configuration with the first lines of its file."""
    parts = ["# Configurations", "`--config NAME` takes a name of this page, or a file."]
    for folder, heading in _HEADINGS.items():
        parts.append(f"## {heading}")
        for name, path in shipped_configs():
            if name.partition("/")[0] == folder:
                parts += [f"### {name}", *_described(path)]
    return "\n\n".join(parts) + "\n"


def _described(path: Path) -> Iterator[str]:
    """The first comment of a file: sentences, and its command."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comment = [
        line[1:] for line in lines[: next((n for n, line in enumerate(lines) if not line.startswith("#")), None)]
    ]
    prose = list[str]()
    for line in comment:
        if line.startswith("   "):
            yield _plain(" ".join(prose))
            yield f"```text\n{line.strip()}\n```"
            prose = []
        else:
            prose.append(line.strip())
    if prose:
        yield _plain(" ".join(prose))


def _plain(text: str) -> str:
    """Text in which no character means anything to Markdown."""
    return re.sub(r"([<>*\[\]])", r"\\\1", text)


def networks_page() -> str:
    """The published robust networks, and how the bundled ones are listed."""
    rows = [
        f"| `{name}` | `{find_network(name).architecture}` | {row.data} | {_percent(row.accuracy)} | {row.licence} |"
        for name, row in PUBLISHED.items()
    ]
    head = (
        "# Published robust networks\n\n"
        f"`--encoder NAME` takes each of these {len(PUBLISHED)} names. The file is downloaded on the first use and "
        "checked by its sha256. The accuracies are those of the publishers. They were not measured by this project. "
        f"The {len(BUNDLED)} networks that come with the project are on [a page of their own](bundled-networks.md).\n\n"
        "L2 radii are in units of pixels in [0, 1] at 224 pixels. Linf radii are in the name as gray levels: "
        "`resnet50_linf_eps4` has the radius 4/255.\n"
    )
    return _with_table(head, ["name", "architecture", "data", "accuracy, clean", "license"], rows)


def _with_table(head: str, columns: Sequence[str], rows: Sequence[str]) -> str:
    """A page: its beginning, and a table."""
    return "\n".join([head, f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *rows, ""])


def _percent(share: float | None) -> str:
    return "not stated" if share is None else f"{share:.2%}"


def scores_page() -> str:
    """Every score of a picture, with its range and direction."""
    rows = [
        f"| `{name}` | {row.better} | {row.lowest:.3g} to {row.highest:.3g} {row.unit} | {_plain(row.meaning)} |"
        for name, row in SCORE_TABLE.items()
    ]
    head = (
        "# Scores\n\n"
        "`--scores true` measures a finished picture. No network under test takes part: the style distance comes "
        "from small untrained networks. [How networks are compared](../explanation/fair-comparison.md) explains "
        "which score decides.\n"
    )
    return _with_table(head, ["score", "better", "range", "meaning"], rows)
