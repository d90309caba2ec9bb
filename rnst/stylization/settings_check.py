"""Settings of a picture that contradict each other, found before anything is loaded.

They are an instance of `StylizationSettings`, which imports this module.
"""

from typing import Any

from rnst.errors import InvalidValueError
from rnst.image.print_sizes import read_sheet

NO_CONTENT = "none"
DEFAULT_SIZE = 512


def check_styles(settings: Any) -> None:
    """Refuse styles, weights and sequences that do not go together."""
    styles = len(settings.styles)
    if styles == 0:
        raise InvalidValueError("--style", settings.style, "the name of a picture, or several")
    weights = settings.style_weights
    if weights is not None and (len(weights) != styles or min(weights) < 0 or sum(weights) <= 0):
        wanted = f"a number of 0 or more for each of the {styles} styles, and not all 0"
        raise InvalidValueError("--style_weights", weights, wanted)
    if settings.style_weight == 0 and (settings.content_weight == 0 or settings.content == NO_CONTENT):
        raise InvalidValueError("--style_weight", settings.style_weight, "more than 0 where the content has no weight")
    if settings.aspect is not None and settings.content != NO_CONTENT:
        raise InvalidValueError("--aspect", settings.aspect, "left away with a content, whose shape is kept")
    if settings.sequence_weight and not settings.sequence:
        raise InvalidValueError("--sequence_weight", settings.sequence_weight, "0 without --sequence")


def check_layers(settings: Any) -> None:
    """Refuse layers that are listed twice, and weights of other layers."""
    if settings.style_loss == "w2" and settings.convention != "relative":
        raise InvalidValueError("--convention", settings.convention, "relative where --style_loss is w2")
    for part in ("style", "content"):
        layers, weights = getattr(settings, f"{part}_layers"), getattr(settings, f"{part}_layer_weights")
        if layers is not None and len(set(layers)) < len(layers):
            raise InvalidValueError(f"--{part}_layers", layers, "different layers")
        if weights is None or (layers is None and weights):
            continue
        if len(weights) != len(layers or ()) or (weights and not any(weights)):
            wanted = f"a number for each of the layers {', '.join(layers or ('(none)',))}, and not all 0"
            raise InvalidValueError(f"--{part}_layer_weights", weights, wanted)


def check_print(settings: Any) -> None:
    """Refuse a sheet that is none, or beside another size."""
    if settings.print is None:
        return
    read_sheet(settings.print)
    if settings.size != DEFAULT_SIZE:
        raise InvalidValueError("--size", settings.size, "left away with --print, which chooses it")
    if settings.side != "long":
        raise InvalidValueError("--side", settings.side, "long with --print")
