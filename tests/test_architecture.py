"""A module imports only from lower levels, and from its folder without a circle; libraries have one door."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_FILES = sorted(path for path in (_ROOT / "rnst").rglob("*.py") if path.name != "__init__.py")

# Lowest level first. A module imports from lower levels, and from its own folder as long as no circle comes about.
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("rnst.errors",),
    (
        "rnst.browser",
        "rnst.machine",
        "rnst.normalization",
        "rnst.ranges",
        "rnst.secondary",
        "rnst.signals",
        "rnst.streams",
    ),
    ("rnst.files", "rnst.outputs", "rnst.recorded_paths", "rnst.yaml_files"),
    ("rnst.results",),
    ("rnst.image", "rnst.attacks", "rnst.metrics", "rnst.corruptions"),
    ("rnst.data", "rnst.encoders", "rnst.losses"),
    ("rnst.optimization", "rnst.reporting", "rnst.motion"),
    ("rnst.training", "rnst.stylization"),
    ("rnst.sweeps",),
    ("rnst.app",),
    ("rnst.studies.evaluation",),
    (
        "rnst.studies.artifacts",
        "rnst.studies.corruption",
        "rnst.studies.layers",
        "rnst.studies.transferability",
        "rnst.studies.visualization",
    ),
    ("rnst.commands",),
    ("rnst.cli",),
    ("rnst.__main__",),
)
# What is fenced in -> the only modules, or packages, that may use it.
_FENCES = {
    "PIL": {
        f"rnst.image.{name}"
        for name in (
            "credits",
            "deep_color",
            "files",
            "formats",
            "gray",
            "labeled_sheet",
            "metadata",
            "opening",
            "profiles",
        )
    },
    "tifffile": {"rnst.image.formats"},
    "pickle": {"rnst.encoders.weights.safe_pickle", "rnst.encoders.weights.containers", "rnst.encoders.weights.files"},
    "torch.load": {"rnst.encoders.weights.files"},
    "huggingface_hub": {"rnst.encoders.weights.downloads"},
    "urllib.request": {"rnst.encoders.weights.downloads"},
    "torch.hub": {"rnst.encoders.weights.downloads"},
    "torch.fx": {"rnst.encoders.surgery.graph"},
    "av": {"rnst.motion.video"},
    "gradio": {f"rnst.app.{name}" for name in ("actions", "page", "controls", "results", "serving")},
    "webbrowser": {"rnst.browser"},
    "litdata": {"rnst.data.streamed", "rnst.data.packing"},
    "wandb": {"rnst.reporting.tracking"},
    "resource": {"rnst.machine"},
    "fcntl": {"rnst.machine"},
    "os.cpu_count": {"rnst.machine"},
    "matplotlib": {"rnst.reporting.plots", "rnst.reporting.panels"},
    "torch.distributed": {"rnst.optimization.process_group", "rnst.optimization.ranks"},
    "jsonargparse": {"rnst.commands", "rnst.ranges"},
    "pytorch_lightning.cli": {"rnst.commands.training_cli"},
    "rnst.training.robust_classifier": {
        "rnst.training.checks",
        "rnst.training.train",
        "rnst.studies.transferability.networks",
        "rnst.commands.training_cli",
    },
}
# What takes seconds to import. The modules below do without it, so that help and mistakes are answered at once.
_HEAVY = (
    *("torch", "torchvision", "torchmetrics", "pytorch_lightning", "lightning_fabric", "timm"),
    *("wandb", "scipy", "matplotlib", "skimage", "numpy", "PIL", "safetensors", "gradio"),
)
_LIGHT = ("rnst.cli", "rnst.commands", "rnst.encoders.names", "rnst.image.endings", "rnst.reporting.gallery")
_LIGHT_FILES = ("settings", "plan")  # of any folder
_LIGHT_BUT = ("rnst.commands.training_cli",)  # imported once the work begins
_LONGEST_FILE, _LONGEST_FUNCTION = 250, 50


def _module(path: Path) -> str:
    return ".".join(path.relative_to(_ROOT).with_suffix("").parts)


def _used(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Dotted names that a file imports or reaches through an import, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            yield from ((f"{source}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield ast.unparse(node), node.lineno


def _is_in(name: str, package: str) -> bool:
    return f"{name}.".startswith(f"{package}.")


def _place(module: str) -> tuple[int, str] | None:
    """Level and folder of a module; None where it belongs to no level."""
    places = ((level, folder) for level, folders in enumerate(_LEVELS) for folder in folders)
    return next((place for place in places if _is_in(module, place[1])), None)


def _may_import(importer: str, imported: str) -> bool:
    """Whether levels allow it; circles inside a folder are another test's."""
    place, its_place = _place(importer), _place(imported)
    return place is not None and its_place is not None and (its_place[0] < place[0] or its_place == place)


def _wrong(importer: str, name: str) -> str | None:
    """What is wrong with a name that a module uses."""
    for fenced, users in _FENCES.items():
        if _is_in(name, fenced) and not any(_is_in(importer, user) for user in users):
            return f"only {', '.join(sorted(users))} may use {fenced}"
    if name.startswith("."):
        return "imports are absolute"
    imported = _imported(name)
    if imported is not None and imported != importer and not _may_import(importer, imported):
        return f"{importer} may not import {imported}: it is on a higher level, or in another folder of the same one"
    return None


def _imported(name: str) -> str | None:
    """The module of ours that a dotted name belongs to."""
    parts = name.split(".")
    candidates = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((module for module in candidates if module in _MODULES), None)


def _too_long(tree: ast.AST, lines: int) -> Iterator[tuple[int, str]]:
    if lines > _LONGEST_FILE:
        yield lines, f"the file is longer than {_LONGEST_FILE} lines"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            length = node.end_lineno - node.lineno + 1
            if length > _LONGEST_FUNCTION:
                yield node.lineno, f"{node.name} has {length} lines, {_LONGEST_FUNCTION} are allowed"


_MODULES = {_module(path): path for path in _FILES}


@pytest.mark.parametrize("path", _FILES, ids=_module)
def test_imports_and_sizes(path: Path) -> None:
    text, place = path.read_text(encoding="utf-8"), path.relative_to(_ROOT)
    assert _place(_module(path)), f"{place}:1: add its folder to _LEVELS in {Path(__file__).name}"
    tree = ast.parse(text)
    found = {(line, wrong) for name, line in _used(tree) if (wrong := _wrong(_module(path), name))}
    found |= set(_too_long(tree, text.count("\n")))
    assert not found, "\n".join(f"{place}:{line}: {wrong}" for line, wrong in sorted(found))


def test_importing_a_folder_does_nothing() -> None:
    """Folders have no `__init__.py`; that of `rnst` itself names what is public, and `test_public_names` holds it."""
    assert list((_ROOT / "rnst").rglob("__init__.py")) == [_ROOT / "rnst" / "__init__.py"]


def _imports_of(module: str) -> set[str]:
    """Modules of ours that a module imports."""
    names = (name for name, _ in _used(ast.parse(_MODULES[module].read_text(encoding="utf-8"))))
    return {imported for name in names if (imported := _imported(name)) is not None} - {module}


def test_imports_run_in_no_circle() -> None:
    waiting = {module: _imports_of(module) for module in _MODULES}
    while free := {module for module, needed in waiting.items() if not needed & waiting.keys()}:
        waiting = {module: needed for module, needed in waiting.items() if module not in free}
    assert not waiting, f"a circle goes through {sorted(waiting)}"


def _imported_at_once(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Names that a module imports when it is imported itself: not those inside functions, nor those for types alone."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (name for name, _ in _used(node))
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.ClassDef):
            yield from _imported_at_once(node.body)


def _is_light(module: str) -> bool:
    named = module.rpartition(".")[2] in _LIGHT_FILES or any(_is_in(module, light) for light in _LIGHT)
    return named and module not in _LIGHT_BUT


@pytest.mark.parametrize("start", sorted(filter(_is_light, _MODULES)))
def test_settings_and_commands_import_nothing_heavy(start: str) -> None:
    way, waiting = {start: start}, [start]
    while waiting:
        module = waiting.pop()
        for name in _imported_at_once(ast.parse(_MODULES[module].read_text(encoding="utf-8")).body):
            heavy = next((package for package in _HEAVY if _is_in(name, package)), None)
            assert heavy is None, f"{way[module]} imports {heavy}: import it inside the function that needs it"
            imported = _imported(name)
            if imported is not None and imported not in way:
                way[imported] = f"{way[module]} -> {imported}"
                waiting.append(imported)


def test_settings_of_a_picture_end_where_they_become_a_job() -> None:
    taking = {
        _module(path)
        for path in _FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.arg) and node.annotation and "StylizationSettings" in ast.unparse(node.annotation)
    }
    within = {module for module in taking if not _is_in(module, "rnst.commands")}
    assert within == {"rnst.stylization.job", "rnst.stylization.stylize"}


def test_it_found_the_code() -> None:
    assert len(_FILES) > 15
