"""Networks of the library timm, which is an extra: imported only when one of them is asked for."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from torch import nn

from rnst.encoders.names import TIMM
from rnst.errors import MissingExtraError, RnstError, UnknownNameError

_MOST_NAMES = 8
# What makes transformers take pictures of any size; networks that do not know an option refuse it.
_ANY_SIZE: tuple[dict[str, Any], ...] = (
    {"dynamic_img_size": True, "dynamic_img_pad": True},
    {"strict_img_size": False},
    {},
)


class NoTimmWeightsError(RnstError):
    """timm could not fetch its weights."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"cannot fetch the weights of {name}: {reason}. Use a bundled encoder (rnst models lists them), "
            f"or give a weight file with --weights."
        )


def check_timm_name(name: str) -> None:
    """Make sure that timm is here and has the network.

    Raises:
        MissingExtraError: timm is not installed.
        UnknownNameError: it has no such network.
    """
    timm, bare = _timm(name), name.removeprefix(TIMM)
    if not timm.is_model(bare.partition(".")[0]):
        like = [TIMM + other for other in timm.list_models(f"*{bare.partition('_')[0]}*")[:_MOST_NAMES]]
        raise UnknownNameError("encoder", name, [*like, "timm.list_models() lists all"])


def build_timm(name: str, *, pretrained: bool = False, classes: int | None = 0) -> nn.Module:
    """A network of timm.

    Args:
        name: timm/NAME.
        pretrained: fetch timm's weights; else they are fresh and random.
        classes: number of logits; 0 builds it without its head, None with the head that timm's weights have.

    Raises:
        MissingExtraError: timm is not installed.
        UnknownNameError: it has no such network.
        NoTimmWeightsError: they cannot be fetched.
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
