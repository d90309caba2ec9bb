"""A Weights & Biases workspace that compares pictures and trainings: built here, then saved or written as JSON.

Every panel shows names that default runs log: losses and costs for every tracked picture, scores for sweeps.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from rnst.errors import MissingExtraError
from rnst.files import write_json

_SCORES = ("style_distance", "texture_distance", "color_distance", "edge_correlation")
_PICTURE_SETTINGS = ("network.encoder", "loss.style_weight", "loss.content_weight", "pictures.init", "image.steps")
_TRAINING_SETTINGS = ("model.architecture", "model.attack.ball.radius", "model.recipe.learning_rate")
_NAME = "rnst: pictures and trainings"


def build_dashboard(project: str, entity: str = "") -> Any:
    """Build the workspace; this needs no account.

    Args:
        project: project of the runs.
        entity: user or team; "" is the logged-in user.

    Raises:
        MissingExtraError: wandb-workspaces is not installed.
    """
    try:
        panels: Any = import_module("wandb_workspaces.reports.v2")
        workspaces: Any = import_module("wandb_workspaces.workspaces")
    except ImportError as error:
        raise MissingExtraError("a dashboard", "dashboard") from error
    sections = {
        "Pictures": _pictures(panels),
        "Sweeps": _sweeps(panels),
        "Trainings": _trainings(panels),
        "Settings": [panels.RunComparer(diff_only="split")],
    }
    return workspaces.Workspace(
        entity=entity,
        project=project,
        name=_NAME,
        sections=[workspaces.Section(name=name, panels=inside, is_open=True) for name, inside in sections.items()],
    )


def _pictures(panels: Any) -> list[Any]:
    """What every tracked picture logs."""
    browser = panels.MediaBrowser
    return [
        browser(title="Pictures over the steps", media_keys=["picture"], mode="grid", grid_x_axis="step"),
        browser(title="Photos and paintings", media_keys=["input/content", "input/style"], mode="gallery"),
        _curve(panels, "Losses", ["loss/total", "loss/style", "loss/content"], log=True),
        panels.ScatterPlot(
            title="Style against content: lower left is better",
            x=panels.SummaryMetric("loss/content"),
            y=panels.SummaryMetric("loss/style"),
        ),
        panels.BarPlot(title="Seconds", metrics=[panels.SummaryMetric("perf/seconds")]),
        panels.BarPlot(title="Peak memory", metrics=[panels.SummaryMetric("perf/peak_memory_bytes")]),
    ]


def _sweeps(panels: Any) -> list[Any]:
    """Scores, which every sweep logs, and its summary."""
    column = panels.ParallelCoordinatesPlotColumn
    columns = [column(panels.Config(name)) for name in _PICTURE_SETTINGS]
    columns += [column(panels.SummaryMetric(f"score/{name}")) for name in _SCORES]
    return [
        panels.ScatterPlot(
            title="Style distance against edges kept: lower right is better",
            x=panels.SummaryMetric("score/edge_correlation"),
            y=panels.SummaryMetric("score/style_distance"),
        ),
        panels.ParallelCoordinatesPlot(title="From settings to scores", columns=columns),
        panels.BarPlot(title="Style distance", metrics=[panels.SummaryMetric("score/style_distance")]),
        panels.MediaBrowser(title="Trade-offs and slider", media_keys=["pareto", "compare"]),
    ]


def _trainings(panels: Any) -> list[Any]:
    """What every training logs."""
    column = panels.ParallelCoordinatesPlotColumn
    columns = [column(panels.Config(name)) for name in _TRAINING_SETTINGS]
    columns += [column(panels.SummaryMetric(f"test/accuracy_{name}")) for name in ("clean", "attacked")]
    return [
        _curve(panels, "Accuracy, clean and attacked", ["val/accuracy_clean", "val/accuracy_attacked"]),
        _curve(panels, "Training loss", ["train/loss"]),
        _curve(panels, "Training accuracy under attack", ["train/accuracy_attacked"]),
        _curve(panels, "Learning rate", ["train/learning_rate"]),
        _curve(panels, "Radius in use", ["train/radius"]),
        _curve(panels, "Images per second", ["perf/images_per_second"]),
        panels.ParallelCoordinatesPlot(title="From settings to accuracies", columns=columns),
        panels.MediaBrowser(title="Effect of the attack", media_keys=["attack"]),
    ]


def _curve(panels: Any, title: str, names: list[str], *, log: bool = False) -> Any:
    return panels.LinePlot(title=title, x="trainer/global_step", y=names, log_y=log)


def save_dashboard(workspace: Any) -> str:
    """Save a workspace to the logged-in account, and return its address."""
    workspace.save()
    return str(workspace.url)


def is_dashboard(path: Path) -> bool:
    """Whether a file holds a workspace that `write_dashboard` wrote."""
    return _NAME.encode() in path.read_bytes()


def write_dashboard(workspace: Any, path: Path) -> None:
    """Write the workspace as JSON, as it would be sent, complete or not at all."""
    # The library has no public access to the content of an unsaved workspace.
    model = workspace._to_model().model_dump(mode="json", by_alias=True)
    write_json(path, model)
