"""A module imports only from lower levels; inside a folder, only files listed above it; libraries have one door."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_FILES = sorted(path for path in (_ROOT / "rnst").rglob("*.py") if path.name != "__init__.py")

# Level by level, lowest first: folder -> its files; a file may import those before it.
_LEVELS: tuple[dict[str, str], ...] = (
    {"rnst": "errors files results"},
    {
        "rnst.image": "profiles metadata formats io masks color_matching noise strokes painting samples color "
        "color_basis parameters transforms",
        "rnst.corruptions": "noise fields blur weather digital table",
        "rnst.attacks": "ball attack loss pgd fgsm autoattack",
        "rnst.metrics": "arrays artifacts peakiness color_distance content_similarity random_network style_distance "
        "lpips score_table scores pareto robustness gradients corruption_errors correlation",
    },
    {
        "rnst.data": "imagenet restricted_imagenet crops order photos sources unlabeled cifar10 packed streamed "
        "packing batches evaluation_photos in_memory corrupted source_choice datamodules class_names",
        "rnst.encoders": "families published tokens probe layers pools compact_pool surgery relus plumbing "
        "timm_networks small_pictures tiny catalog choice graph folding block_convolution twin safe_pickle containers "
        "layouts weights transfer downloads conversion encoder receptive_fields efficientnet_names classifier initial "
        "observed",
        "rnst.losses": "outer_product statistics style conventions perceptual smoothing wasserstein balance regions "
        "regularizers activations units activation_text objective temporal",
    },
    {
        "rnst.optimization": "tiles memory ranks tiled_gradient tiling devices workers health averaging mean_losses "
        "optimizers prior_ball"
    },
    {
        "rnst.tasks": "recipe training_losses attack_sample robustness_test corruption_test teacher robust_classifier "
        "image_optimization"
    },
    {
        "rnst.callbacks": "plots panels curves live_view images averaging overfitting progress resume tracking "
        "dashboard",
        "rnst.gallery": "pictures summary page",
    },
    {
        "rnst.experiments": "run_state robust_training evaluation_settings evaluation stylization_settings scene "
        "cutting targets output_names fitting scales views painter estimate record studio stylization spreading series "
        "picking sweep_plan sweep sweep_report visualization_settings visualization_columns visualization_figures "
        "ascent feature_visualization transferability_settings transferability_sets transferability_networks "
        "transferability_report transferability corruption_settings corruption_report corruption layer_gains once "
        "layer_settings layer_sensitivity layer_painting layer_report layer_robustness artifact_fixes "
        "artifact_settings gradient_phases artifact_textures artifact_report artifacts"
    },
    {
        "rnst.commands": "parsing options experiment train_help train curve pack evaluate stylize models convert sweep "
        "gallery dashboard visualize corruption transferability artifacts layers"
    },
    {"rnst": "cli"},
)
_PLACES = {
    f"{folder}.{name}": (level, folder, index)
    for level, folders in enumerate(_LEVELS)
    for folder, names in folders.items()
    for index, name in enumerate(names.split())
}
# Experiments do not know each other, with these exceptions: programs in several files.
_PAINTING = (
    "stylization_settings scene cutting targets output_names fitting scales views painter estimate record "
    "studio stylization spreading series picking sweep_plan sweep sweep_report layer_gains"
)
_EVALUATION = "evaluation_settings evaluation"
_CORRUPTION = "evaluation_settings evaluation corruption_settings corruption_report corruption"
_TRANSFERABILITY = (
    "robust_training transferability_settings transferability_sets transferability_networks transferability_report "
    "transferability"
)
_VISUALIZATION = (
    "fitting visualization_settings visualization_columns visualization_figures ascent feature_visualization"
)
_LAYERS = (
    "stylization_settings stylization picking sweep_plan once layer_settings layer_sensitivity layer_painting "
    "layer_report layer_robustness"
)
_ARTIFACTS = (
    "stylization_settings stylization sweep_plan once artifact_fixes artifact_settings gradient_phases "
    "artifact_textures artifact_report artifacts"
)
_PROGRAMS = (_PAINTING, _EVALUATION, _CORRUPTION, _TRANSFERABILITY, _VISUALIZATION, _LAYERS, _ARTIFACTS)
# What is fenced in -> the only modules, or packages, that may use it.
_FENCES = {
    "PIL": {"rnst.image.io", "rnst.image.formats", "rnst.image.metadata", "rnst.image.profiles"},
    "tifffile": {"rnst.image.formats"},
    "pickle": {"rnst.encoders.safe_pickle", "rnst.encoders.containers", "rnst.encoders.weights"},
    "torch.load": {"rnst.encoders.weights"},
    "urllib.request": {"rnst.encoders.transfer"},
    "torch.fx": {"rnst.encoders.graph"},
    "litdata": {"rnst.data.streamed", "rnst.data.packing"},
    "wandb": {"rnst.callbacks.tracking"},
    "matplotlib": {"rnst.callbacks.plots", "rnst.callbacks.panels"},
    "torch.distributed": {"rnst.optimization.ranks"},
    "jsonargparse": {"rnst.commands"},
    "pytorch_lightning.cli": {"rnst.commands.train"},
    "rnst.tasks.robust_classifier": {
        "rnst.experiments.robust_training",
        "rnst.experiments.transferability_networks",
        "rnst.commands.train",
    },
}
_TORCH = ("torch", "torchvision", "torchmetrics", "pytorch_lightning")
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


def _may_import(importer: str, imported: str) -> bool:
    (level, folder, index), (its_level, its_folder, its_index) = _PLACES[importer], _PLACES[imported]
    if (level, folder) != (its_level, its_folder):
        return its_level < level
    pair = {importer.split(".")[-1], imported.split(".")[-1]}
    same_program = any(pair <= set(program.split()) for program in _PROGRAMS)
    return its_index < index and (folder != "rnst.experiments" or same_program)


def _wrong(importer: str, name: str) -> str | None:
    """What is wrong with a name that a module uses."""
    for fenced, users in _FENCES.items():
        if _is_in(name, fenced) and not any(_is_in(importer, user) for user in users):
            return f"only {', '.join(sorted(users))} may use {fenced}"
    if name.startswith("."):
        return "imports are absolute"
    imported = next((module for module in _PLACES if _is_in(name, module)), None)
    if imported is not None and imported != importer and not _may_import(importer, imported):
        return f"{importer} stands below {imported} or beside it"
    return None


def _too_long(tree: ast.AST, lines: int) -> Iterator[tuple[int, str]]:
    if lines > _LONGEST_FILE:
        yield lines, f"the file is longer than {_LONGEST_FILE} lines"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            length = node.end_lineno - node.lineno + 1
            if length > _LONGEST_FUNCTION:
                yield node.lineno, f"{node.name} has {length} lines, {_LONGEST_FUNCTION} are allowed"


@pytest.mark.parametrize("path", _FILES, ids=_module)
def test_imports_and_sizes(path: Path) -> None:
    text, place = path.read_text(encoding="utf-8"), path.relative_to(_ROOT)
    assert _module(path) in _PLACES, f"{place}:1: add this file to _LEVELS in {Path(__file__).name}"
    tree = ast.parse(text)
    found = {(line, wrong) for name, line in _used(tree) if (wrong := _wrong(_module(path), name))}
    found |= set(_too_long(tree, text.count("\n")))
    assert not found, "\n".join(f"{place}:{line}: {wrong}" for line, wrong in sorted(found))


@pytest.mark.parametrize("path", sorted((_ROOT / "rnst").rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_package_files_hold_a_docstring_at_most(path: Path) -> None:
    found = [node.lineno for node in ast.parse(path.read_text()).body if not isinstance(node, ast.Expr)]
    assert not found, f"{path.relative_to(_ROOT)}:{found[0]}: importing a package does nothing else"


def test_gallery_imports_no_torch() -> None:
    imports = {_module(path): {name for name, _ in _used(ast.parse(path.read_text()))} for path in _FILES}
    reached, waiting = set[str](), {module for module in imports if _is_in(module, "rnst.gallery")}
    while waiting:
        module = waiting.pop()
        reached.add(module)
        torch = [name for name in imports[module] if any(_is_in(name, package) for package in _TORCH)]
        assert not torch, f"{module}, which the gallery reaches, uses {torch[0]}"
        waiting |= {other for other in imports if any(_is_in(name, other) for name in imports[module])} - reached


def test_it_found_the_code() -> None:
    assert len(_FILES) > 15
