"""Changes to a network before it is used as an encoder: settings, and the order in which they apply."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from rnst.encoders.probe import Tap
from rnst.encoders.surgery.changes import blur_strides, dense_stem, even_pools, exchange_pools, replicate_padding
from rnst.encoders.surgery.compact_pool import compact_pools
from rnst.encoders.surgery.pools import reducing_pools
from rnst.encoders.surgery.relus import pass_straight, replace_relus
from rnst.errors import RnstError


class NothingToChangeError(RnstError):
    """A requested change does not apply to the network."""

    def __init__(self, option: str, value: str, reason: str) -> None:
        super().__init__(f"--{option} {value} changes nothing in this encoder: {reason}. Omit the option.")


@dataclass(frozen=True)
class Surgery:
    """Independent changes to a network that keep its weights.

    Attributes:
        pooling: "keep", or the type that replaces the pools that reduce the resolution: "avg", "max" or "l2".
        strides: "blur" removes the patterns that uneven strides cause in images, "blur_stem" only the checkerboard of
            the first convolution and the pools, "keep" none.
        pool_kernel: "keep", or "even" for windows as large as their stride, such as 2x2 instead of 3x3 at stride 2.
        stem: "keep", or "dense" for a first convolution of stride 1; all features then have more positions.
        padding: "keep" (zeros), or repeated borders: at the "first" convolution, or at "all".
        relu: "keep"; "fake_last" passes the gradient unchanged through the ReLU of the deepest layer that is used;
            "redirected" passes gradients that activate inactive units through all ReLUs; "leaky" and "softplus" replace
            all ReLUs.
    """

    pooling: str = "keep"
    strides: str = "blur"
    pool_kernel: str = "keep"
    stem: str = "keep"
    padding: str = "keep"
    relu: str = "keep"

    def apply(self, network: nn.Module, taps: Mapping[str, Tap]) -> None:
        """Change a network; in place.

        Args:
            network: with out-of-place activations.
            taps: module path -> tap, the deepest last.

        Raises:
            NothingToChangeError: an option does not apply to the network.
        """
        if self.padding != "keep" and not replicate_padding(network, first_only=self.padding == "first"):
            raise NothingToChangeError("padding", self.padding, "no convolution is padded")
        if self.stem != "keep" and not dense_stem(network):
            reason = "its first convolution has stride 1 already, or cuts the picture into patches"
            raise NothingToChangeError("stem", self.stem, reason)
        self._pools(network)
        # After the pools: even ones need no filter.
        if self.strides != "keep":
            blur_strides(network, stem_only=self.strides == "blur_stem")
        compact_pools(network)
        self._relus(network, taps)

    def _pools(self, network: nn.Module) -> None:
        if (self.pooling != "keep" or self.pool_kernel != "keep") and not reducing_pools(network):
            option = "pooling" if self.pooling != "keep" else "pool_kernel"
            raise NothingToChangeError(option, getattr(self, option), "no pool reduces the resolution")
        if self.pool_kernel == "even":
            even_pools(network)
        if self.pooling != "keep":
            exchange_pools(network, self.pooling)

    def _relus(self, network: nn.Module, taps: Mapping[str, Tap]) -> None:
        if self.relu == "keep":
            return
        if self.relu == "fake_last":
            path, tap = list(taps.items())[-1]
            if not isinstance(network.get_submodule(tap.maker), nn.ReLU):
                raise NothingToChangeError("relu", self.relu, "its deepest layer does not end with a ReLU")
            pass_straight(network, path, tap.maker)
        elif not replace_relus(network, self.relu):
            raise NothingToChangeError("relu", self.relu, "it has no ReLU")
