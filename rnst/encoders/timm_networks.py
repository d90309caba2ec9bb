"""Networks of timm, an optional dependency that is imported only when one of them is used."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from torch import nn

from rnst.encoders.names import TIMM
from rnst.errors import MissingExtraError, RnstError, UnknownNameError

_MOST_NAMES = 8
# Options that let transformers take images of any size, tried in order; networks without an option raise TypeError.
_ANY_SIZE: tuple[dict[str, Any], ...] = (
    {"dynamic_img_size": True, "dynamic_img_pad": True},
    {"strict_img_size": False},
    {},
)


class NoTimmWeightsError(RnstError):
    """timm could not download the weights."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"cannot fetch the weights of {name}: {reason}. Use a bundled encoder (rnst models lists them), "
            f"or give a weight file with --weights."
        )


def check_timm_name(name: str) -> None:
    """Check that timm is installed and has the network.

    Raises:
        MissingExtraError: timm is not installed.
        UnknownNameError: timm has no such network.
    """
    timm, bare = _timm(name), name.removeprefix(TIMM)
    if not timm.is_model(bare.partition(".")[0]):
        like = [TIMM + other for other in timm.list_models(f"*{bare.partition('_')[0]}*")[:_MOST_NAMES]]
        raise UnknownNameError("encoder", name, [*like, "timm.list_models() lists all"])


def build_timm(name: str, *, pretrained: bool = False, classes: int | None = 0) -> nn.Module:
    """A network of timm.

    Args:
        name: timm/NAME.
        pretrained: download timm's weights; otherwise the weights are random.
        classes: number of logits; 0 means no head, None the head of timm's weights.

    Raises:
        MissingExtraError: timm is not installed.
        UnknownNameError: timm has no such network.
        NoTimmWeightsError: the weights cannot be downloaded.
    """
    check_timm_name(name)
    timm = _timm(name)
    head = {} if classes is None else {"num_classes": classes}
    for options in _ANY_SIZE:
        with suppress(TypeError):
            try:
                network: nn.Module = timm.create_model(
                    name.removeprefix(TIMM), pretrained=pretrained, **head, **options
                )
            except (OSError, RuntimeError, ValueError) as error:
                raise NoTimmWeightsError(name, str(error).splitlines()[0]) from error
            return network
    raise NoTimmWeightsError(name, "timm cannot build it")


def timm_statistics(name: str) -> tuple[Sequence[float], Sequence[float]]:
    """Mean and standard deviation of each channel of the images that timm's weights were trained with."""
    config = _timm(name).get_pretrained_cfg(name.removeprefix(TIMM))
    return config.mean, config.std


def _timm(name: str) -> Any:
    try:
        import timm
    except ImportError as error:
        raise MissingExtraError(f"encoder {name}", "timm") from error
    return timm
