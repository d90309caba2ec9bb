"""ICC color profiles: conversion to sRGB when a picture is read, and back when it is written."""

import io

from PIL import Image, ImageCms

_INTO_SRGB = {"RGB", "CMYK", "L"}
_DAMAGED = (ImageCms.PyCMSError, OSError, ValueError)

SRGB: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def to_srgb(picture: Image.Image, profile: bytes) -> tuple[Image.Image, bytes | None]:
    """Convert a picture from `profile` to sRGB.

    Args:
        picture: RGB, CMYK or gray, 8 bits per channel, without transparency.
        profile: an ICC profile.

    Returns:
        The picture in sRGB, and the profile to restore when it is written: `profile` if it is for RGB, sRGB if it is
        for CMYK or gray. A damaged or unsuitable profile is ignored: the picture is unchanged and the profile None.
    """
    if picture.mode not in _INTO_SRGB:
        return picture, None
    try:
        source = _opened(profile)
        converted = ImageCms.profileToProfile(
            picture, source, ImageCms.ImageCmsProfile(io.BytesIO(SRGB)), outputMode="RGB"
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


def _opened(profile: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))
