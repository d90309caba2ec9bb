"""Tiny networks, with which an experiment takes minutes on one CPU core: for smoke tests, not for results."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_WIDTHS = (16, 32, 64)


class _Block(nn.Module):
    """Residual block of two convolutions that halves the resolution (He et al. 2016, section 3.3)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample = nn.Conv2d(before, after, 1, stride=2, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(N, before, H, W) to (N, after, H / 2, W / 2)."""
        inner = F.relu(self.bn1(self.conv1(features)))
        return F.relu(self.bn2(self.conv2(inner)) + self.downsample(features))


class _Tiny(nn.Module):
    """Features, global average pooling and one linear layer."""

    def __init__(self, features: nn.Sequential, channels: int, classes: int) -> None:
        super().__init__()
        self.features = features
        self.classifier = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes) of images (N, 3, H, W)."""
        logits: Tensor = self.classifier(self.features(images).mean((-2, -1)))
        return logits


def _residual(classes: int) -> nn.Module:
    stem = [nn.Conv2d(3, _WIDTHS[0], 3, padding=1, bias=False), nn.BatchNorm2d(_WIDTHS[0]), nn.ReLU()]
    blocks = [_Block(before, after) for before, after in zip((_WIDTHS[0], *_WIDTHS), _WIDTHS, strict=False)]
    return _Tiny(nn.Sequential(*stem, *blocks), _WIDTHS[-1], classes)


def _plain(classes: int, *, normalized: bool) -> nn.Module:
    """Alternating convolutions and max pools, as in a VGG."""

    def layers() -> Iterator[nn.Module]:
        for before, after in zip((3, *_WIDTHS), _WIDTHS, strict=False):
            yield nn.Conv2d(before, after, 3, padding=1)
            if normalized:
                yield nn.BatchNorm2d(after)
            yield from (nn.ReLU(), nn.MaxPool2d(2))

    return _Tiny(nn.Sequential(*layers()), _WIDTHS[-1], classes)


TINY: dict[str, Callable[[int], nn.Module]] = {
    "tiny_resnet": _residual,
    "tiny_vgg": lambda classes: _plain(classes, normalized=False),
    "tiny_vgg_bn": lambda classes: _plain(classes, normalized=True),
}


def build_tiny(name: str, classes: int) -> nn.Module:
    """A network of TINY; its convolutions are initialized for ReLUs (He et al. 2015)."""
    network = TINY[name](classes)
    if torch.get_default_device().type != "meta":
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network
