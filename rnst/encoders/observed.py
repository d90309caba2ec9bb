"""A whole classifier as an encoder: features of any layer, of the layer before the head, and the logits."""

from collections.abc import Sequence

from torch import Tensor, nn

from rnst.encoders.catalog import build_headless
from rnst.encoders.classifier import load_classifier
from rnst.encoders.encoder import Encoder
from rnst.encoders.layers import resolve_layers, tap_layers
from rnst.encoders.probe import Tap
from rnst.encoders.surgery.relus import RedirectedReLU, out_of_place, pass_straight, replace_relus
from rnst.encoders.weights.layouts import Facts
from rnst.errors import InvalidValueError

LOGITS = "logits"
REPRESENTATION = "representation"
_HEADS = (LOGITS, REPRESENTATION)


class Waking(nn.Module):
    """An encoder whose inactive units get a gradient in the first forward passes only.

    Args:
        encoder: its ReLUs are replaced by `RedirectedReLU`; in place.
        passes: number of passes with redirected gradients. lucid uses 16.
    """

    def __init__(self, encoder: Encoder, passes: int) -> None:
        super().__init__()
        if passes:
            replace_relus(encoder.network, "redirected")
        self.encoder = encoder
        self._passes = passes
        self._done = 0
        self._relus = [module for module in encoder.modules() if isinstance(module, RedirectedReLU)]

    def begin_anew(self, *, climbing: bool) -> None:
        """Count passes from 0 again.

        Args:
            climbing: the gradients are of a value to maximize, not of a loss.
        """
        self._done = 0
        for relu in self._relus:
            relu.climbing = climbing

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Layer -> features of images (N, 3, H, W) in [0, 1]."""
        return self._features(images, self._done < self._passes)

    def as_it_is(self, images: Tensor) -> dict[str, Tensor]:
        """Same as `forward`, without redirected gradients; the pass is not counted."""
        self._done -= 1
        return self._features(images, redirected=False)

    def _features(self, images: Tensor, redirected: bool) -> dict[str, Tensor]:  # noqa: FBT001 - private
        for relu in self._relus:
            relu.active = redirected
        self._done += 1
        features: dict[str, Tensor] = self.encoder(images)
        return features

    def train(self, mode: bool = True) -> "Waking":  # noqa: ARG002, FBT001, FBT002 - the signature of nn.Module
        """Keep the network in eval mode."""
        return super().train(mode=False)


def load_observed(
    name: str, layers: Sequence[str], *, architecture: str | None = None, fake_last: bool = False
) -> tuple[Encoder, Facts]:
    """Build and load a classifier as a frozen encoder.

    Args:
        name: catalog name, or a weight file.
        layers: friendly names or module paths; "logits"; "representation", the input of the last linear layer.
        architecture: of a file that does not contain it.
        fake_last: pass the gradient unchanged through the ReLU of the deepest layer of maps among `layers`.

    Returns:
        The encoder, whose features of "logits" and "representation" are (N, K), and the facts of `load_classifier`.

    Raises:
        UnknownNameError, LayerShapeError: a layer does not exist, or its output is not a feature map.
        InvalidValueError: the network has no linear head.
        RnstError: see `load_classifier`.
    """
    classifier, facts = load_classifier(name, architecture=architecture)
    network = classifier.network
    out_of_place(network)
    bare = build_headless(facts["architecture"])
    paths = resolve_layers(bare, [layer for layer in dict.fromkeys(layers) if layer not in _HEADS])
    taps = tap_layers(bare, paths)[0] if paths else {}
    if fake_last and taps:
        path, tap = list(taps.items())[-1]
        if isinstance(network.get_submodule(tap.maker), nn.ReLU):
            pass_straight(network, path, tap.maker)
    if REPRESENTATION in layers:
        paths[REPRESENTATION] = _expose_representation(network, name)
    if LOGITS in layers:
        paths[LOGITS] = ""  # the network itself
    heads = {paths[head]: Tap("maps", overwritten=False) for head in _HEADS if head in paths}
    return Encoder(network, paths, facts["mean"], facts["std"], {**taps, **heads}), facts


def _expose_representation(network: nn.Module, name: str) -> str:
    """Insert an identity module before the last linear layer; in place. Returns its path."""
    linear = [path for path, module in network.named_modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise InvalidValueError("the layer", REPRESENTATION, f"a layer of maps: {name} has no linear head")
    network.set_submodule(linear[-1], nn.Sequential(nn.Identity(), network.get_submodule(linear[-1])))
    return f"{linear[-1]}.0"
