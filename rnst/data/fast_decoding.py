"""JPEG and WebP photos decoded by torchvision, which is faster than Pillow."""

import warnings
from typing import Final, Literal

from torch import Tensor
from torchvision.io import ImageReadMode, decode_image

from rnst.image.opening import open_quickly

# Signatures of the formats whose decoders in torchvision survive damaged files, as tests showed. Its PNG decoder does
# not: a wrong check sum in the pixels ends the whole process (torchvision 0.29). Other formats go through Pillow.
_SAFE_FORMATS: Final[dict[bytes, Literal["JPEG", "WEBP"]]] = {b"\xff\xd8": "JPEG", b"RI": "WEBP"}
_ORIENTATION, _UPRIGHT = 0x0112, 1  # a tag of EXIF, and its value for a photo that is not turned


def decode_fast(content: Tensor) -> Tensor | None:
    """Decode the bytes (uint8) of a JPEG or WebP file to (3, H, W) uint8 RGB; a JPEG is turned as its tag says.

    None for other formats, and for a WebP that is turned or transparent, which torchvision ignores.

    Raises:
        DAMAGED: one of these errors of `rnst.image.opening`; the file is damaged, or has too many pixels.
    """
    kind = _SAFE_FORMATS.get(bytes(content[:2].tolist()))
    if kind is None:
        return None
    with warnings.catch_warnings(action="ignore"):  # of tags that are damaged
        header = open_quickly(content.numpy().data, kind)
        if kind == "WEBP" and (header.mode != "RGB" or header.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT):
            return None
    photo: Tensor = decode_image(content, mode=ImageReadMode.RGB, apply_exif_orientation=True)
    return photo
