"""ICC color profiles: conversion to sRGB when a picture is read, and back when it is written."""

import io
import struct

import numpy as np
from PIL import Image, ImageCms

_INTO_SRGB = {"RGB", "CMYK", "L"}
_DAMAGED = (ImageCms.PyCMSError, OSError, ValueError)

_DATE, _IDENTITY = slice(24, 36), slice(84, 100)  # of the header (ICC.1:2022, 7.2)
_CREATED = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
_LEVELS = (0, 8, 16, 32, 64, 96, 128, 160, 192, 224, 255)  # more of them where tone curves differ most


def _dateless(profile: bytes) -> bytes:
    """The same bytes in every process: lcms writes the current time into the header."""
    header = bytearray(profile)
    header[_DATE], header[_IDENTITY] = _CREATED, bytes(16)
    return bytes(header)


SRGB: bytes = _dateless(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())


def is_srgb(profile: bytes) -> bool:
    """Whether a profile is sRGB, whoever wrote it: it changes colors by one step of 8 bits at most."""
    if profile == SRGB:
        return True
    colors = np.stack(np.meshgrid(*[np.array(_LEVELS, dtype=np.uint8)] * 3), axis=-1).reshape(1, -1, 3)
    converted, kept = to_srgb(Image.fromarray(colors), profile)
    return kept is not None and bool((np.abs(np.asarray(converted).astype(int) - colors) <= 1).all())


def to_srgb(picture: Image.Image, profile: bytes) -> tuple[Image.Image, bytes | None]:
    """Convert a picture from `profile` to sRGB.

    Args:
        picture: RGB, CMYK or gray, 8 bits per channel, without transparency. Gray may also be stored as RGB.
        profile: an ICC profile.

    Returns:
        The picture in sRGB, and the profile to restore when it is written: `profile` if it is for RGB, sRGB if it is
        for CMYK or gray. A damaged or unsuitable profile is ignored: the picture is unchanged and the profile None.
    """
    if picture.mode not in _INTO_SRGB:
        return picture, None
    try:
        source = _opened(profile)
        is_gray = source.profile.xcolor_space.strip() == "GRAY" and _has_no_color(picture)
        stored = picture.convert("L") if is_gray else picture
        converted = ImageCms.profileToProfile(
            stored, source, ImageCms.ImageCmsProfile(io.BytesIO(SRGB)), outputMode="RGB"
        )
        is_rgb = source.profile.xcolor_space.strip() == "RGB"
    except _DAMAGED:
        return picture, None
    return (picture, None) if converted is None else (converted, profile if is_rgb else SRGB)


def from_srgb(picture: Image.Image, profile: bytes) -> tuple[Image.Image, bytes]:
    """Convert an RGB picture from sRGB to a profile for RGB.

    Returns:
        The picture and the profile to embed: sRGB if the conversion to `profile` fails.
    """
    if profile == SRGB:
        return picture, SRGB
    try:
        target = _opened(profile)
        converted = ImageCms.profileToProfile(
            picture, ImageCms.ImageCmsProfile(io.BytesIO(SRGB)), target, outputMode="RGB"
        )
    except _DAMAGED:  # some profiles, such as those of scanners, only convert to sRGB
        return picture, SRGB
    return (picture, SRGB) if converted is None else (converted, profile)


def _has_no_color(picture: Image.Image) -> bool:
    """Whether a picture is gray, be it stored as RGB."""
    first, *others = (np.asarray(channel) for channel in picture.split())
    return picture.mode != "CMYK" and all(np.array_equal(first, other) for other in others)


def _opened(profile: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))
