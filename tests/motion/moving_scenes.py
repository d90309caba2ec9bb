"""Sequences of frames whose motion is known to the pixel."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

Frames = list[tuple[Tensor, Tensor, Tensor]]
"""For each frame: the photo (1, 3, H, W), the true flow to the last frame, and where that point was visible in it."""


def pan(photo: Tensor, size: tuple[int, int], step: tuple[int, int], count: int) -> Frames:
    """A window that moves over a photo by `step` pixels, right and down, from frame to frame."""
    frames = []
    for number in range(count):
        top, left = step[1] * number, step[0] * number
        frame = photo[..., top : top + size[0], left : left + size[1]]
        flow = torch.tensor([float(step[0]), float(step[1])]).view(1, 2, 1, 1).expand(1, 2, *size)
        seen = torch.ones(1, 1, *size)
        seen[..., size[0] - step[1] :, :] = 0
        seen[..., :, size[1] - step[0] :] = 0
        frames.append((frame, flow, seen))
    return frames


def rotating(photo: Tensor, other: Tensor, degrees: float, count: int) -> Frames:
    """A disk of one photo that rotates in front of another, (1, 3, H, W) each."""
    height, width = photo.shape[-2:]
    rows = torch.arange(height)[:, None] - (height - 1) / 2
    columns = torch.arange(width)[None, :] - (width - 1) / 2
    distance, radius = (rows.square() + columns.square()).sqrt(), 0.4 * min(height, width)
    disk = (distance <= radius).float()

    def turned(angle: float) -> Tensor:
        """Displacement (1, 2, H, W) of each pixel to its place before a rotation."""
        cosine, sine = math.cos(angle), math.sin(angle)
        return torch.stack([cosine * columns - sine * rows - columns, sine * columns + cosine * rows - rows])[None]

    frames = []
    for number in range(count):
        place = turned(math.radians(degrees) * number)
        grid = torch.stack([(place[0, 0] + columns) * 2 / width, (place[0, 1] + rows) * 2 / height], -1)[None]
        inner = F.grid_sample(other, grid, mode="bicubic", padding_mode="border", align_corners=False).clamp(0, 1)
        edge = (distance - radius).abs() < 2
        frames.append(
            (disk * inner + (1 - disk) * photo, disk * turned(math.radians(degrees)), (~edge).float()[None, None])
        )
    return frames


def flicker(results: list[Tensor], frames: Frames) -> float:
    """Mean absolute difference of consecutive results, the last one warped by the true flow, where it was visible."""
    from rnst.motion.warping import warp

    differences = []
    for last, result, (_, flow, seen) in zip(results[:-1], results[1:], frames[1:], strict=True):
        difference = (warp(last, flow) - result).abs().mean(1, keepdim=True)
        differences.append((difference * seen).sum() / seen.sum())
    return torch.stack(differences).mean().item()
