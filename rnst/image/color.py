"""Color as numbers that an optimizer likes: decorrelated, unbounded."""

import torch
from torch import Tensor, nn

# Square root of the covariance of RGB values over ImageNet photos, K = U sqrt(S). Figures: lucid (Olah et al. 2017).
_COLOR_ROOT = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
_MARGIN = 1e-3  # pixels at 0 and 1 would need infinite numbers


class DecorrelatedColor(nn.Module):
    """RGB in (0, 1) as the sigmoid of a linear map of three uncorrelated channels.

    The map is K divided by its largest column norm, as in lucid. Gradients in the new channels are as even as colors of
    photos are, and the sigmoid keeps every pixel in its range without a clamp that the optimizer knows nothing of.
    """

    matrix: Tensor
    inverse: Tensor

    def __init__(self) -> None:
        super().__init__()
        root = torch.tensor(_COLOR_ROOT, dtype=torch.float64)
        matrix = root / torch.linalg.vector_norm(root, dim=0).max()
        self.register_buffer("matrix", matrix.float(), persistent=False)
        self.register_buffer("inverse", torch.linalg.inv(matrix).float(), persistent=False)

    def to_rgb(self, channels: Tensor) -> Tensor:
        """Unbounded channels (N, 3, H, W) to RGB in (0, 1), in float32 also under autocast."""
        with torch.autocast(channels.device.type, enabled=False):
            return torch.einsum("ij,njhw->nihw", self.matrix, channels).sigmoid()

    def from_rgb(self, image: Tensor) -> Tensor:
        """Inverse of `to_rgb`; pixels are first clamped to [0.001, 0.999]."""
        with torch.autocast(image.device.type, enabled=False):
            logits = image.clamp(_MARGIN, 1.0 - _MARGIN).logit()
            return torch.einsum("ij,njhw->nihw", self.inverse, logits)
