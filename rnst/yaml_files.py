"""YAML that somebody else may have written: refused before it is unfolded to more than the memory holds."""

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from rnst.errors import UnreadableFileError

_WHAT = "YAML"
_NULL, _MERGE = "tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"
_TEXT = "tag:yaml.org,2002:str"
_MOST_BYTES = 4 << 20
_MOST_VALUES = 100_000  # after aliases are unfolded
_DEEPEST = 50
_LONGEST_NUMBER = 300  # characters; longer integers are refused by Python itself, with advice about its own limits


def read_yaml(path: Path) -> dict[str, Any]:
    """Options by name from a YAML file; only plain values are made.

    Raises:
        UnreadableFileError: the file is no UTF-8 text, no YAML, has no options in it, gives one twice, or unfolds to
            more than any configuration has.
    """
    text = _text(path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        _check(path, node)
        content: dict[str, Any] = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError, LookupError, AttributeError, TypeError) as error:
        raise UnreadableFileError(path, _WHAT, _why(error)) from error
    return content


def _why(error: Exception) -> str:
    """Why a text is no YAML of ours, in one line."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, yaml.constructor.ConstructorError):
        line = "" if error.problem_mark is None else f" in line {error.problem_mark.line + 1}"
        return f"it asks for more than texts, numbers, lists and options{line}; nothing was run"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"it is no YAML in line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return " ".join(str(error).split())


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UnreadableFileError(path, _WHAT, error.strerror or str(error)) from error
    if len(content) > _MOST_BYTES:
        raise UnreadableFileError(path, _WHAT, f"it has more than {_MOST_BYTES >> 20} MB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(path, _WHAT, "it is no text in UTF-8: save it again as UTF-8") from error
    if "\0" in text:
        raise UnreadableFileError(path, _WHAT, "it is no text: it holds zero bytes")
    return text


def _check(path: Path, root: yaml.Node | None) -> None:
    """Refuse a document that is no list of options, or is not sound."""
    if root is None:
        raise UnreadableFileError(path, _WHAT, "it is empty: write options as `size: 768`, one a line")
    if not isinstance(root, yaml.MappingNode):
        raise UnreadableFileError(path, _WHAT, "it must hold options as `size: 768`, one a line")
    other = next((name for name, _ in root.value if name.tag not in {_TEXT, _MERGE}), None)
    if other is not None:
        raise UnreadableFileError(path, _WHAT, f"{getattr(other, 'value', 'a list')} is no name of an option")
    if _count(root, {}, 0) > _MOST_VALUES:
        raise UnreadableFileError(path, _WHAT, f"its aliases unfold to more than {_MOST_VALUES} values")
    for node in _nodes(root, set()):
        if isinstance(node, yaml.ScalarNode) and len(node.value) > _LONGEST_NUMBER and node.tag.endswith(":int"):
            raise UnreadableFileError(path, _WHAT, f"it holds a number of {len(node.value)} digits")
        if isinstance(node, yaml.MappingNode):
            _check_names(path, node)


def _check_names(path: Path, node: yaml.MappingNode) -> None:
    names = [name.value for name, _ in node.value if isinstance(name, yaml.ScalarNode) and name.tag != _MERGE]
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise UnreadableFileError(path, _WHAT, f"it gives {twice} twice")
    for name, value in node.value:
        if isinstance(value, yaml.ScalarNode) and (value.tag, value.value, value.style) == (_NULL, "", None):
            named = getattr(name, "value", "an option")
            raise UnreadableFileError(path, _WHAT, f"{named} has no value: write one, or null for none")


def _count(node: yaml.Node, known: dict[int, int], depth: int) -> int:
    """Values that a node unfolds to; the nodes of aliases are shared, so each is counted once.

    Raises:
        RecursionError: it is nested too deeply, or contains itself.
    """
    if id(node) in known:
        return known[id(node)]
    if depth > _DEEPEST:
        raise RecursionError
    known[id(node)] = 1 + sum(_count(child, known, depth + 1) for child in _children(node))
    return known[id(node)]


def _nodes(node: yaml.Node, seen: set[int]) -> list[yaml.Node]:
    """All nodes, each once."""
    if id(node) in seen:
        return []
    seen.add(id(node))
    return [node, *(inner for child in _children(node) for inner in _nodes(child, seen))]


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
