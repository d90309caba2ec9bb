"""A frozen network that turns an image into features, and stops where nobody looks any further."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from rnst.encoders.catalog import IMAGENET_MEAN, IMAGENET_STD, Network, build_headless, weights_address
from rnst.encoders.layers import resolve_layers
from rnst.encoders.surgery import average_pools, blur_strides, initialize, out_of_place_relus
from rnst.encoders.weights import Facts, fetch, load_into, read_weights

RANDOM = "random"
_PROBE_SIZE = 224


@dataclass(frozen=True)
class Plumbing:
    """How the network is changed before it looks at pictures.

    Attributes:
        pooling: "keep", or "avg" for average instead of max pools.
        strides: "blur" removes the checkerboard that a ResNet's stem and pool leave, "keep" does not.
    """

    pooling: str = "keep"
    strides: str = "blur"


class Encoder(nn.Module):
    """Images to features, with the network frozen.

    Args:
        network: without its head; every parameter loaded.
        layers: names to give the features -> module paths.
        mean: of each channel, of the images that the weights were trained with.
        std: of each channel.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, layers: dict[str, str], mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.layers = dict(layers)
        self.network = network.to(memory_format=torch.channels_last)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(requires_grad=False)
        self.eval()

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Features of each layer, (N, C, H', W'), of images (N, 3, H, W) in [0, 1]."""
        normalized = ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        found = _run_until(self.network, normalized, set(self.layers.values()))
        return {name: found[path] for name, path in self.layers.items()}

    def train(self, mode: bool = True) -> "Encoder":  # noqa: ARG002, FBT001, FBT002 - the signature of nn.Module
        """Stay in eval mode: Lightning switches a whole task to train mode when it fits."""
        return super().train(mode=False)


def load_encoder(
    network: Network,
    layers: Sequence[str],
    *,
    weights: str | None = None,
    plumbing: Plumbing = Plumbing(),
    seed: int = 0,
) -> tuple[Encoder, Facts]:
    """Build, load, freeze.

    Args:
        network: row of the catalog.
        layers: friendly names or module paths.
        weights: a file, "random", or None for the catalog's own.
        plumbing: changes to the network.
        seed: of random weights.

    Returns:
        The encoder, and the facts that its weight file carries.

    Raises:
        UnknownNameError: a layer does not exist.
        MissingPathError, UnreadableFileError, WeightsMismatchError, DownloadError: the weights cannot be had.
    """
    bare = build_headless(network.architecture)
    paths = resolve_layers(bare, layers)
    _drop_what_never_runs(bare, set(paths.values()))
    facts: Facts = {}
    if weights == RANDOM:
        bare.to_empty(device="cpu")
        initialize(bare, torch.Generator().manual_seed(seed))
    else:
        own = network.bundled_file if weights is None else Path(weights)
        path = own or fetch(*weights_address(network))
        state, facts = read_weights(path)
        load_into(bare, state, path)
    out_of_place_relus(bare)
    if plumbing.pooling == "avg":
        average_pools(bare)
    if plumbing.strides == "blur":
        blur_strides(bare)
    return Encoder(bare, paths, facts.get("mean", IMAGENET_MEAN), facts.get("std", IMAGENET_STD)), facts


class _AllFound(Exception):  # noqa: N818 - no error: it ends a forward pass that has nothing left to find
    """Every wanted layer has been reached."""


def _run_until(network: nn.Module, images: Tensor, paths: set[str]) -> dict[str, Tensor]:
    """Outputs of the modules at `paths`; the forward pass ends with the last of them.

    Of a module that runs several times, as the ReLU of a residual block, the first output counts.
    """
    found: dict[str, Tensor] = {}

    def reader(path: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor | None]:
        def read(module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
            if path in found:
                return None
            found[path] = output
            if len(found) == len(paths):
                raise _AllFound
            # A residual block adds its shortcut in place to what its last normalization gave.
            return output.clone() if isinstance(module, nn.BatchNorm2d) else None

        return read

    handles = [network.get_submodule(path).register_forward_hook(reader(path)) for path in paths]
    try:
        network(images)
    except _AllFound:
        pass
    finally:
        for handle in handles:
            handle.remove()
    return found


def _drop_what_never_runs(network: nn.Module, paths: set[str]) -> None:
    """Replace modules behind the deepest layer by nothing, so that their weights need not be loaded; in place."""
    used: set[nn.Module] = set()

    def note(module: nn.Module, _inputs: tuple[Tensor, ...]) -> None:
        used.add(module)

    modules = dict(network.named_modules())
    handles = [module.register_forward_pre_hook(note) for module in modules.values()]
    network.eval()
    _run_until(network, torch.empty(1, 3, _PROBE_SIZE, _PROBE_SIZE, device="meta"), paths)
    for handle in handles:
        handle.remove()
    for path, module in modules.items():
        if used.isdisjoint(module.modules()):
            parent, _, name = path.rpartition(".")
            setattr(network.get_submodule(parent), name, nn.Identity())
