"""Settings that do not go together, refused before anything is loaded."""

from typing import Any

from rnst.errors import InvalidValueError
from rnst.image.endings import check_format, check_video_format
from rnst.image.print_sizes import read_sheet

_MOST_SHIFTS = 4096  # positions that differ, for strides up to 64
NO_CONTENT = "none"
DEFAULT_SIZE = 512


def check_combinations(settings: Any) -> None:
    """Refuse every contradiction within settings whose values are each in range.

    Args:
        settings: `StylizationSettings`.

    Raises:
        InvalidValueError: names the option.
    """
    if settings.shifts > _MOST_SHIFTS:
        raise InvalidValueError("--shifts", settings.shifts, f"at most {_MOST_SHIFTS}")
    for check in (check_styles, check_layers, check_seamless, check_sequence, check_print):
        check(settings)
    if settings.has_video:
        check_video_format(settings.output)
    elif not settings.has_folder:
        check_format(settings.output, settings.size, settings.depth)


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
    if settings.is_sequence:
        raise InvalidValueError("--sequence", settings.sequence, "false with --seamless")


def check_sequence(settings: Any) -> None:
    """Refuse options of sequences for pictures that are none.

    Args:
        settings: `StylizationSettings`.

    Raises:
        InvalidValueError: names the option.
    """
    if settings.is_sequence:
        return
    if settings.sequence_weight:
        raise InvalidValueError("--sequence_weight", settings.sequence_weight, "0 without --sequence")
    if settings.flow not in {None, "still"}:
        raise InvalidValueError("--flow", settings.flow, "left away without --sequence")
    if settings.key_frames > 1:
        raise InvalidValueError("--key_frames", settings.key_frames, "1 without --sequence")


def check_styles(settings: Any) -> None:
    """Refuse weights that do not fit the styles, and pictures that nothing is compared with.

    Args:
        settings: `StylizationSettings`.

    Raises:
        InvalidValueError: names the option.
    """
    styles = len(settings.styles)
    if styles == 0:
        raise InvalidValueError("--style", settings.style, "the name of a picture, or several")
    weights = settings.style_weights
    if weights is not None and (len(weights) != styles or min(weights) < 0 or sum(weights) <= 0):
        wanted = f"a number of 0 or more for each of the {styles} styles, and not all 0"
        raise InvalidValueError("--style_weights", weights, wanted)
    if settings.style_weight == 0 and (settings.content_weight == 0 or settings.content == NO_CONTENT):
        raise InvalidValueError("--style_weight", settings.style_weight, "more than 0 where the content has no weight")
    if settings.colors != "free" and settings.content == NO_CONTENT:
        raise InvalidValueError("--colors", settings.colors, "free without a content, which has the other colors")
    if settings.aspect is not None and settings.content != NO_CONTENT:
        raise InvalidValueError("--aspect", settings.aspect, "left away with a content, whose shape is kept")


def check_print(settings: Any) -> None:
    """Refuse a sheet that is none, or beside another size.

    Args:
        settings: `StylizationSettings`.

    Raises:
        InvalidValueError: names the option.
    """
    if settings.print is None:
        return
    read_sheet(settings.print)
    if settings.size != DEFAULT_SIZE:
        raise InvalidValueError("--size", settings.size, "left away with --print, which chooses it")
    if settings.side != "long":
        raise InvalidValueError("--side", settings.side, "long with --print")
