"""How a network is changed before it looks at pictures: settings, and their order."""

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
    """A change was asked for that the network has no place for."""

    def __init__(self, option: str, value: str, reason: str) -> None:
        super().__init__(f"--{option} {value} changes nothing in this encoder: {reason}. Leave the option away.")


@dataclass(frozen=True)
class Surgery:
    """Changes that leave the weights alone; each has no effect on the others.

    Attributes:
        pooling: "keep", or what the pools that reduce the resolution are replaced by: "avg", "max" or "l2".
        strides: "blur" removes the patterns that uneven strides leave in pictures, "blur_stem" only the checkerboard of
            the first convolution and the pools, "keep" none.
        pool_kernel: "keep", or "even" for windows as large as their stride, as 2x2 instead of 3x3 at stride 2.
        stem: "keep", or "dense" for a first convolution of stride 1; all features then have more positions.
        padding: "keep" (zeros), or the border repeated: at the "first" convolution, or at "all".
        relu: "keep"; "fake_last" passes the gradient through the ReLU of the deepest layer looked at; "redirected"
            passes what wakes dead units through all; "leaky" and "softplus" replace all.
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
            taps: module path -> how it is read, the deepest last.

        Raises:
            NothingToChangeError: there is nothing that an option could change.
        """
        if self.padding != "keep" and not replicate_padding(network, first_only=self.padding == "first"):
            raise NothingToChangeError("padding", self.padding, "no convolution there is padded")
        if self.stem != "keep" and not dense_stem(network):
            reason = "its first convolution has stride 1 already, or cuts the picture into patches"
            raise NothingToChangeError("stem", self.stem, reason)
        self._pools(network)
        # After the pools: those that were made even need no filter.
        if self.strides != "keep":
            blur_strides(network, stem_only=self.strides == "blur_stem")
        compact_pools(network)
        self._relus(network, taps)

    def _pools(self, network: nn.Module) -> None:
        if (self.pooling != "keep" or self.pool_kernel != "keep") and not reducing_pools(network):
            option = "pooling" if self.pooling != "keep" else "pool_kernel"
            raise NothingToChangeError(option, getattr(self, option), "no pool there reduces the resolution")
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
                raise NothingToChangeError("relu", self.relu, "its deepest layer does not end in a ReLU")
            pass_straight(network, path, tap.maker)
        elif not replace_relus(network, self.relu):
            raise NothingToChangeError("relu", self.relu, "it has other activations than ReLU")
