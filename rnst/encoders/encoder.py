"""A frozen network that turns an image into features, and stops where nobody looks any further."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from rnst.encoders.catalog import build_headless, input_statistics, weights_address
from rnst.encoders.families import NORMALIZATIONS
from rnst.encoders.layers import resolve_layers, tap_layers
from rnst.encoders.names import RANDOM, TIMM, Network, find_network
from rnst.encoders.probe import AllFound, Tap, run_hooked, smallest_side
from rnst.encoders.surgery.changes import can_initialize, initialize
from rnst.encoders.surgery.folding import fold_normalizations
from rnst.encoders.surgery.relus import out_of_place
from rnst.encoders.surgery.surgery import Surgery
from rnst.encoders.timm_networks import build_timm
from rnst.encoders.tokens import as_map, grid_of, patch_size
from rnst.encoders.weights.downloads import fetch
from rnst.encoders.weights.files import WeightsMismatchError, load_into, read_weights
from rnst.encoders.weights.layouts import Facts
from rnst.encoders.weights.left_over import refuse_left_over
from rnst.errors import MissingPathError, RnstError, is_out_of_memory

_NOT_INSTALLED = (
    "An installed package brings the default networks alone: take the file from checkpoints/ of rnst's repository and "
    "name it with --weights."
)
_known_taps: dict[tuple[str, frozenset[str]], tuple[dict[str, Tap], list[str]]] = {}


class TooSmallError(RnstError):
    """A picture is smaller than the network's windows."""

    def __init__(self, size: Sequence[int], smallest: int) -> None:
        super().__init__(
            f"a picture of {size[1]} x {size[0]} pixels is too small for the layers in use, which need "
            f"{smallest} on each side. Give a larger --size, a smaller --scales, or earlier layers."
        )


class Encoder(nn.Module):
    """Images to features, with the network frozen.

    Args:
        network: without its head; every parameter loaded.
        layers: names to give the features -> module paths.
        mean: of each channel, of the images that the weights were trained with.
        std: of each channel.
        taps: module path -> how its output is read; none means as maps that the network may overwrite.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        layers: dict[str, str],
        mean: Sequence[float],
        std: Sequence[float],
        taps: Mapping[str, Tap] | None = None,
    ) -> None:
        super().__init__()
        self.layers = dict(layers)
        self.network = network.to(memory_format=torch.channels_last)
        self.taps = dict(taps or {path: Tap("maps", overwritten=True) for path in self.layers.values()})
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(requires_grad=False)
        self.eval()

    def forward(self, images: Tensor, keep: Collection[str] | None = None) -> dict[str, Tensor]:
        """Features of each layer, (N, C, H', W'), of images (N, 3, H, W) in [0, 1].

        Args:
            images: all of one size.
            keep: layers that are wanted; the others are given as tensors of their shape without memory. None: all.

        Raises:
            TooSmallError: the images are smaller than the network's windows.
        """
        normalized = ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        try:
            kept = set(self.layers if keep is None else keep)
            kept = {path for name, path in self.layers.items() if name in kept}
            found = _run_until(self.network, normalized, self.taps, kept)
        except RuntimeError as error:
            if is_out_of_memory(error):  # to find the smallest size would take more of it
                raise
            smallest = smallest_side(self.network, list(self.taps), images.shape[-2:])
            if smallest is None:  # then it is not for the size
                raise
            raise TooSmallError(images.shape[-2:], smallest) from error
        return {name: self._as_maps(found[path], self.taps[path], images) for name, path in self.layers.items()}

    def _as_maps(self, output: Tensor, tap: Tap, images: Tensor) -> Tensor:
        if tap.layout == "tokens":
            return as_map(output, grid_of(images, patch_size(self.network)))
        return output.permute(0, 3, 1, 2) if tap.layout == "channels last" else output

    def train(self, mode: bool = True) -> "Encoder":  # noqa: ARG002, FBT001, FBT002 - the signature of nn.Module
        """Stay in eval mode: Lightning switches a whole task to train mode when it fits."""
        return super().train(mode=False)


def load_encoder(
    network: Network | str,
    layers: Sequence[str],
    *,
    weights: str | None = None,
    surgery: Surgery = Surgery(),
    normalization: str = "own",
    seed: int = 0,
) -> tuple[Encoder, Facts]:
    """Build, load, freeze.

    Args:
        network: row of the catalog, or its name.
        layers: friendly names or module paths.
        weights: a file, "random", or None for the catalog's own.
        surgery: changes to the network.
        normalization: "own", what the weights were trained with; or a name in NORMALIZATIONS.
        seed: of random weights.

    Returns:
        The encoder, and the facts that its weight file carries.

    Raises:
        UnknownNameError: a layer or the network does not exist.
        MissingPathError, UnreadableFileError, WeightsMismatchError, DownloadError: the weights cannot be had.
    """
    network = find_network(network) if isinstance(network, str) else network
    bare = build_headless(network.architecture)
    paths = resolve_layers(bare, layers)
    taps, unused = _tapped(bare, network.architecture, paths)
    whole = list(bare.state_dict())
    _drop(bare, unused)
    facts: Facts = {}
    if weights == RANDOM:
        bare = _random(bare, network.architecture, unused, seed)
    elif network.source == "timm":
        bare = build_timm(network.architecture, pretrained=weights is None)
        out_of_place(bare)
        _drop(bare.eval(), unused)
    if weights != RANDOM and (network.source != "timm" or weights is not None):
        facts = _load(bare, network, weights, whole)
    fold_normalizations(bare, taps)
    surgery.apply(bare, taps)
    mean, std = input_statistics(network)
    mean, std = NORMALIZATIONS.get(normalization, (facts.get("mean", mean), facts.get("std", std)))
    return Encoder(bare, paths, mean, std, taps), facts


def weights_file(network: Network, weights: str | None = None) -> Path:
    """The file that a network's weights come from; fetched where it is not here.

    Args:
        network: row of the catalog, none of timm, which fetches by itself.
        weights: a file, or None for the catalog's own.

    Raises:
        MissingPathError: the network belongs to the project, and this installation did not bring its file.
        DownloadError: it cannot be fetched.
    """
    own = network.bundled_file if weights is None else Path(weights)
    if weights is None and own is not None and not own.is_file():
        raise MissingPathError(own, f"weights of {network.name}", _NOT_INSTALLED)
    return own or fetch(*weights_address(network))


def _tapped(bare: nn.Module, architecture: str, paths: dict[str, str]) -> tuple[dict[str, Tap], list[str]]:
    """`tap_layers` of a network that was just built: a sweep loads the same architecture many times."""
    key = architecture, frozenset(paths.values())
    if key not in _known_taps:
        _known_taps[key] = tap_layers(bare, paths)
    taps, unused = _known_taps[key]
    return dict(taps), list(unused)


def _load(bare: nn.Module, network: Network, weights: str | None, whole: Sequence[str]) -> Facts:
    """Load the layers that are used.

    Args:
        bare: the network without the others; in place.
        network: row of the catalog.
        weights: a file, or None for the catalog's own.
        whole: names of the parameters of all layers.
    """
    path = weights_file(network, weights)
    state, facts = read_weights(path)
    stated = facts.get("architecture", network.architecture)
    if _bare_name(stated) != _bare_name(network.architecture):
        raise WeightsMismatchError(path, f"they are of {stated}, and the network is {network.architecture}")
    refuse_left_over(whole, state, path)
    load_into(bare, state, path)
    return facts


def _bare_name(architecture: str) -> str:
    """The name without timm's prefix and the tag of its weights: both libraries share layouts as that of the ResNet."""
    return architecture.removeprefix(TIMM).partition(".")[0]


def _random(bare: nn.Module, architecture: str, unused: Sequence[str], seed: int) -> nn.Module:
    """A network with random weights in the place of one without any."""
    if can_initialize(bare) and not architecture.startswith(TIMM):
        bare.to_empty(device="cpu")
        initialize(bare, torch.Generator().manual_seed(seed))
        return bare
    # A transformer has parameters and tables that only its own constructor knows how to fill.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_headless(architecture, "cpu")
    _drop(network, unused)
    return network


def _run_until(network: nn.Module, images: Tensor, taps: Mapping[str, Tap], kept: Collection[str]) -> dict[str, Tensor]:
    """Outputs of the modules at the taps, of those not in `kept` the shape; the forward pass ends with the last one.

    Of a module that runs several times, as the ReLU of a residual block, the first output counts.
    """
    found: dict[str, Tensor] = {}

    def reader(path: str, tap: Tap) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor | None]:
        def read(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
            if path in found:
                return None
            found[path] = output if path in kept else torch.empty_like(output, device="meta")
            if len(found) == len(taps):
                raise AllFound
            # As a residual block, which adds its shortcut in place to what its last normalization gave.
            return output.clone() if tap.overwritten else None

        return read

    handles = [network.get_submodule(path).register_forward_hook(reader(path, tap)) for path, tap in taps.items()]
    run_hooked(network, images, handles)
    return found


def _drop(network: nn.Module, unused: Sequence[str]) -> None:
    """Replace modules by nothing; in place."""
    for path in unused:
        parent, _, name = path.rpartition(".")
        setattr(network.get_submodule(parent), name, nn.Identity())
