"""Color profiles: to sRGB when a picture is read, and back when it is written."""

import io

from PIL import Image, ImageCms

_INTO_SRGB = {"RGB", "CMYK", "L"}
_DAMAGED = (ImageCms.PyCMSError, OSError, ValueError)

SRGB: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def to_srgb(picture: Image.Image, profile: bytes) -> tuple[Image.Image, bytes | None]:
    """Convert a picture whose numbers mean what `profile` says.

    Args:
        picture: RGB, CMYK or gray, 8 bits a channel, without transparency.
        profile: an ICC profile.

    Returns:
        The picture in sRGB, and the profile to be put back: the same one where it is for RGB, sRGB where it is for ink
        or gray. A damaged profile, or one that does not fit, is ignored: the picture as it was, and None.
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
        The picture and the profile to embed: sRGB where the other cannot be written to.
    """
    if profile == SRGB:
        return picture, SRGB
    try:
        target = _opened(profile)
        converted = ImageCms.profileToProfile(
            picture, ImageCms.ImageCmsProfile(io.BytesIO(SRGB)), target, outputMode="RGB"
        )
    except _DAMAGED:  # some profiles, as of scanners, only lead into sRGB
        return picture, SRGB
    return (picture, SRGB) if converted is None else (converted, profile)


def _opened(profile: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))
