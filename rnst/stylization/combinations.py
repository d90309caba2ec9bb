"""Settings that do not go together, refused before anything is loaded."""

from typing import Any

from rnst.errors import InvalidValueError


def check_layers(settings: Any) -> None:
    """Refuse layers that are named twice, and weights that do not fit the layers.

    Args:
        settings: `StylizationSettings`.

    Raises:
        InvalidValueError: names the option.
    """
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


def check_seamless(settings: Any) -> None:
    """Refuse what has borders in a picture that repeats.

    Args:
        settings: `StylizationSettings`.

    Raises:
        InvalidValueError: names the option.
    """
    if settings.seamless == "none":
        return
    if settings.tile:
        raise InvalidValueError("--tile", settings.tile, "0 or left away with --seamless: tiles have borders")
    if settings.devices > 1:
        raise InvalidValueError("--devices", settings.devices, "1 with --seamless: devices share a picture in tiles")
    if settings.transforms != "none":
        raise InvalidValueError("--transforms", settings.transforms, "none with --seamless: it crops and rotates")
    if settings.sequence:
        raise InvalidValueError("--sequence", settings.sequence, "false with --seamless")
