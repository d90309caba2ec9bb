import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.io import ImageReadMode, decode_image

from rnst.data.fast_decoding import decode_fast
from rnst.data.photos import decode_content
from rnst.errors import UnreadableFileError

_TURNS: dict[int, Any] = {
    1: lambda photo: photo,
    2: lambda photo: photo.flip(2),
    3: lambda photo: photo.flip(1, 2),
    4: lambda photo: photo.flip(1),
    5: lambda photo: photo.transpose(1, 2),
    6: lambda photo: photo.rot90(-1, (1, 2)),
    7: lambda photo: photo.flip(1, 2).transpose(1, 2),
    8: lambda photo: photo.rot90(1, (1, 2)),
}


def _stored(picture: Image.Image, kind: str, **options: Any) -> Tensor:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return torch.frombuffer(bytearray(file.getvalue()), dtype=torch.uint8)


def _noise(channels: int = 3) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 28, channels), dtype=np.uint8))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
@pytest.mark.parametrize("orientation", _TURNS)
def test_a_tag_turns_photos_of_every_format(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = decode_content(_stored(_noise(), kind), "photo")
    turned = decode_content(_stored(_noise(), kind, exif=exif), "photo")
    assert torch.equal(turned, _TURNS[orientation](upright))


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_transparency_is_laid_over_white(kind: str) -> None:
    """What nobody sees has no color."""
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    photo = _noise(4)
    photo.putalpha(0)
    assert decode_content(_stored(photo, kind, **options), "photo").unique().tolist() == [255]


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_plain_photos_are_decoded_by_torchvision(kind: str, mode: str) -> None:
    content = _stored(_noise().convert(mode), kind)
    fast = decode_fast(content)
    assert fast is not None
    assert torch.equal(fast, decode_image(content, mode=ImageReadMode.RGB))
    assert torch.equal(fast, decode_content(content, "photo"))


def test_other_formats_are_not_decoded_here() -> None:
    assert decode_fast(_stored(_noise(), "PNG")) is None
    assert decode_fast(torch.zeros(0, dtype=torch.uint8)) is None


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    content = _stored(Image.new("L", (8, 8)), "JPEG")
    start = bytes(content.tolist()).index(b"\xff\xc0") + 5
    content[start : start + 4] = torch.tensor(list(struct.pack(">HH", 20000, 20000)), dtype=torch.uint8)
    with pytest.raises(UnreadableFileError, match="400000000 pixels, more than 178 million"):
        decode_content(content, Path("bomb.jpg"))
