"""Frames of a sequence: each starts from the last stylized one, which follows the motion of the photos."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from rnst.errors import InvalidValueError
from rnst.image.color_matching import gray_like
from rnst.image.files import resize
from rnst.motion.flow import NO_FLOW, flow_between
from rnst.motion.warping import visible, warp
from rnst.stylization.inputs import Inputs, LastFrame
from rnst.stylization.job import Job

_BETWEEN = 8  # frames between key frames take so many times fewer steps: they only mend what the warp left open


def frame_of(job: Job, index: int, last: Path) -> Job:
    """The job of a frame that has a frame before it.

    It has one scale: its coarse shapes exist already, and coarse scales would make them flicker.

    Args:
        job: of the picture alone.
        index: of the frame, from 0; multiples of `key_frames` are key frames.
        last: file of the stylized frame before it.
    """
    steps = job.resolution.steps
    if index % job.pictures.key_frames:
        steps = max(1, steps // _BETWEEN)
    pictures = replace(job.pictures, follows=str(last))
    return replace(job, pictures=pictures, resolution=replace(job.resolution, scales=1, steps=steps))


@torch.no_grad()
def following(job: Job, inputs: Inputs, photo: Tensor, stylized: Tensor) -> Inputs:
    """Inputs of a frame that continues the last one.

    Args:
        job: of this frame.
        inputs: of this frame alone.
        photo: last frame before stylization, (1, 3, H, W) in [0, 1].
        stylized: last frame after it, of the finished size.

    Returns:
        The same, starting from the last stylized frame, warped by the optical flow; what was occluded starts from the
        photo.

    Raises:
        InvalidValueError: the frames have different sizes.
        MissingPathError: the weights of the flow are not at hand.
    """
    if photo.shape != inputs.content.shape:
        raise InvalidValueError("--sequence", Path(job.pictures.content).name, "frames of one size")
    if job.pictures.colors == "luminance":  # photo and style are gray, the finished frame has the colors of the photo
        stylized = gray_like(stylized, stylized)
    if job.pictures.flow == NO_FLOW:
        return replace(inputs, start=stylized, previous=LastFrame(photo, stylized))
    size = stylized.shape[-2], stylized.shape[-1]
    before, now = resize(photo, size), resize(inputs.content, size)
    flow = flow_between(now, before, job.pictures.flow)
    seen = visible(flow, flow_between(before, now, job.pictures.flow))
    followed = warp(stylized, flow)
    start = seen * followed + (1.0 - seen) * now
    return replace(inputs, start=start, previous=LastFrame(warp(before, flow), followed, seen))
