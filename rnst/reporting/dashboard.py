"""A Weights & Biases workspace that compares pictures and trainings: built here, then saved or written as JSON."""

from importlib import import_module
from pathlib import Path
from typing import Any

from rnst.errors import MissingExtraError
from rnst.files import write_json

_SCORES = ("style_distance", "texture_distance", "color_distance", "edge_correlation")
_SETTINGS = ("encoder", "style_weight", "content_weight", "init", "steps")


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
    sections = {"Compare": _comparisons(panels), "Pictures": _pictures(panels), "Curves": _curves(panels)}
    return workspaces.Workspace(
        entity=entity,
        project=project,
        name="rnst: pictures and trainings",
        sections=[workspaces.Section(name=name, panels=inside, is_open=True) for name, inside in sections.items()],
    )


def _comparisons(panels: Any) -> list[Any]:
    """Settings and scores of many runs."""
    columns = [panels.ParallelCoordinatesPlotColumn(panels.Config(name)) for name in _SETTINGS]
    columns += [panels.ParallelCoordinatesPlotColumn(panels.SummaryMetric(f"score/{name}")) for name in _SCORES]
    return [
        panels.ScatterPlot(
            title="Style against content: lower right is better",
            x=panels.SummaryMetric("score/edge_correlation"),
            y=panels.SummaryMetric("score/style_distance"),
        ),
        panels.ParallelCoordinatesPlot(title="From settings to scores", columns=columns),
        panels.BarPlot(title="Style distance", metrics=[panels.SummaryMetric("score/style_distance")]),
        panels.RunComparer(diff_only="split"),
    ]


def _pictures(panels: Any) -> list[Any]:
    """Finished pictures, intermediate pictures, and the summaries of sweeps."""
    browser = panels.MediaBrowser
    return [
        browser(title="Finished", media_keys=["final"], mode="gallery", gallery_axis="run"),
        browser(title="Snapshots", media_keys=["picture"], mode="grid", grid_x_axis="step", grid_y_axis="run"),
        browser(title="Sweeps: slider and plot", media_keys=["compare", "pareto"]),
        browser(title="Effect of the attack", media_keys=["attack"]),
    ]


def _curves(panels: Any) -> list[Any]:
    """Losses of pictures and trainings over their steps."""
    curves = (
        ("Losses of pictures", ["loss/total", "loss/style", "loss/content"], True),
        ("Training loss", ["train/loss"], False),
        ("Accuracy, clean and attacked", ["val/accuracy_clean", "val/accuracy_attacked"], False),
    )
    return [panels.LinePlot(title=title, x="trainer/global_step", y=names, log_y=log) for title, names, log in curves]


def save_dashboard(workspace: Any) -> str:
    """Save a workspace to the logged-in account, and return its address."""
    workspace.save()
    return str(workspace.url)


def write_dashboard(workspace: Any, path: Path) -> None:
    """Write the workspace as JSON, as it would be sent, complete or not at all."""
    # The library has no public access to the content of an unsaved workspace.
    model = workspace._to_model().model_dump(mode="json", by_alias=True)
    write_json(path, model)
