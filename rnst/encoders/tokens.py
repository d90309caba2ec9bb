"""Vision transformers as encoders: images of any size, and tokens as feature maps."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class AnySizeTransformer(nn.Module):
    """torchvision's vision transformer without its head, for images of any size.

    Sides that are not a multiple of the patch size are padded on the right and at the bottom by repeating the last
    pixels, so that the patches cover the whole image. The position embedding, which was trained for one grid of
    patches, is interpolated to the grid of the image (Dosovitskiy et al. 2021, section 3.2).

    Args:
        network: the transformer; its modules are reused under the same names.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.patch_size: int = network.patch_size  # type: ignore[assignment]  # attributes of modules have no types
        self.conv_proj: nn.Module = network.conv_proj  # type: ignore[assignment]
        self.class_token: Tensor = network.class_token  # type: ignore[assignment]
        self.encoder: nn.Module = network.encoder  # type: ignore[assignment]

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) to tokens (N, 1 + rows * columns, C), the class token first."""
        rows, columns = grid_of(images, self.patch_size)
        height, width = images.shape[-2:]
        beyond = (0, columns * self.patch_size - width, 0, rows * self.patch_size - height)
        patches = self.conv_proj(F.pad(images, beyond, mode="replicate"))
        sequence = patches.flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(images), -1, -1), sequence], dim=1)
        positions = _resized(self.encoder.pos_embedding, (rows, columns))  # type: ignore[arg-type]
        tokens = tokens + positions.to(tokens.dtype)
        for layer in self.encoder.layers:  # type: ignore[union-attr]
            tokens = layer(tokens)
        normalized: Tensor = self.encoder.ln(tokens)  # type: ignore[operator]
        return normalized


def patch_size(network: nn.Module) -> int:
    """Side in pixels of the patches of a transformer, ours or timm's; 0 for networks without patches."""
    owner = network if hasattr(network, "patch_size") else getattr(network, "patch_embed", None)
    size = getattr(owner, "patch_size", 0)
    return int(size[0] if isinstance(size, tuple) else size)


def grid_of(images: Tensor, patch: int) -> tuple[int, int]:
    """Rows and columns of patches that cover images (N, 3, H, W)."""
    height, width = images.shape[-2:]
    return -(-height // patch), -(-width // patch)


def as_map(tokens: Tensor, grid: tuple[int, int]) -> Tensor:
    """Tokens (N, T, C), class and register tokens first, to a map (N, C, rows, columns)."""
    rows, columns = grid
    places = tokens[:, tokens.shape[1] - rows * columns :]
    return places.mT.reshape(len(tokens), -1, *grid)


def _resized(positions: Tensor, grid: tuple[int, int]) -> Tensor:
    """Interpolate a position embedding (1, 1 + side * side, C) of a square grid to `grid`."""
    place_free, places = positions[:, :1], positions[:, 1:]
    side = round(places.shape[1] ** 0.5)
    if (side, side) == grid:
        return positions
    square = as_map(places, (side, side)).float()
    resized = F.interpolate(square, grid, mode="bicubic", align_corners=False)
    return torch.cat([place_free, resized.flatten(2).transpose(1, 2).to(positions.dtype)], dim=1)
