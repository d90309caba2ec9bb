"""Awkward pictures: programs, deep gray, floats, masks, one color, one pixel; kinds A5, B5-B7, C3, C4, p3, p4, p8."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import EpsImagePlugin, Image

from rnst.errors import InvalidValueError, MissingPathError, UnreadableFileError
from rnst.image.color_basis import read_color_root
from rnst.image.color_matching import gray_like, match_moments
from rnst.image.files import image_from_bytes, left_out, pictures_in, read_image, read_picture
from rnst.image.metadata import read_settings
from rnst.losses.regularizers import total_variation
from rnst.stylization.inputs import read_inputs
from rnst.stylization.parts import Pictures, Resolution

_RAMP = np.linspace(0.0, 1.0, 64 * 48).reshape(48, 64)


def _noisy(size: tuple[int, int] = (64, 48), mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


def _png_of_deep_gray(path: Path, key: int) -> None:
    """A 16-bit gray PNG in which one value is transparent."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    values = (_RAMP * 65535).round().astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    header = struct.pack(">IIBBBBB", 64, 48, 16, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"tRNS", struct.pack(">H", key)), chunk(b"IDAT", zlib.compress(rows))]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b""))


@pytest.mark.parametrize("name", ["a.eps", "a.jpg", "a.png"])
def test_a5__no_program_is_started_for_a_picture(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *of, **named: started.append((of, named)))
    content = io.BytesIO()
    _noisy().save(content, "EPS")
    (tmp_path / name).write_bytes(content.getvalue())
    for read in (read_picture, read_settings):
        with pytest.raises(UnreadableFileError, match="PostScript program"):
            read(tmp_path / name)
    with pytest.raises(UnreadableFileError, match="PostScript program"):
        image_from_bytes(content.getvalue(), name)
    assert not started


@pytest.mark.parametrize("kind", ["wmf", "emf", "fits", "hdf", "grib", "bufr", "mpeg", "fpx", "icns", "palm"])
def test_a5__formats_that_are_no_photos_are_not_opened(tmp_path: Path, kind: str) -> None:
    starts = {
        "wmf": b"\xd7\xcd\xc6\x9a\0\0" + struct.pack("<hhhh", 0, 0, 9, 9) + b"\x48\0\0\0\0\0" + b"\x01\0\x09\0",
        "emf": b"\x01\0\0\0" + b"\0" * 36 + b" EMF" + b"\0" * 60,
        "fits": b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2800),
        "hdf": b"\x89HDF\r\n\x1a\n",
        "grib": b"GRIB\0\0\0\1",
        "bufr": b"BUFR",
        "mpeg": b"\0\0\1\xb3" + b"\x10\x01\x10" * 9,
        "fpx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "icns": b"icns\0\0\0\x20",
        "palm": b"\0\x10" * 40,
    }
    (tmp_path / "a.png").write_bytes(starts[kind] + b"\0" * 300)
    with pytest.raises(UnreadableFileError):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("worst", [np.nan, np.inf, -np.inf, 1.0001, 3.0])
@pytest.mark.parametrize("scale", [1.0, 255.0, 65535.0])
def test_b5__one_odd_float_does_not_make_a_picture_black(tmp_path: Path, worst: float, scale: float) -> None:
    values = (_RAMP * scale).astype(np.float32)
    values[0, 0] = worst if not np.isfinite(worst) or scale == 1.0 else scale * 1.0001
    Image.fromarray(values).save(tmp_path / "a.tif")
    image = read_image(tmp_path / "a.tif")[0, 0].numpy()
    assert np.isfinite(image).all()
    np.testing.assert_allclose(image[1:], _RAMP[1:], atol=1e-4)


@pytest.mark.parametrize("kind", ["<u2", ">u2", "<i2", "<u4", "<i4"])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_b6__deep_gray_has_the_range_of_its_type(tmp_path: Path, kind: str, photometric: str) -> None:
    limits = np.iinfo(kind)
    values = (limits.min + _RAMP * (float(limits.max) - limits.min)).clip(limits.min, limits.max).astype(kind)
    order = ">" if kind.startswith(">") else "<"
    options: dict[str, Any] = {"photometric": photometric, "byteorder": order}
    tifffile.imwrite(tmp_path / "a.tif", values, **options)
    try:
        image = read_image(tmp_path / "a.tif")[0, 0].numpy()
    except UnreadableFileError:
        return  # not every combination is read; none is shown wrong
    shown = _RAMP if photometric == "minisblack" else 1.0 - _RAMP
    np.testing.assert_allclose(image, shown, atol=1e-4)


def test_b6__white_is_zero_is_read(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", ((1.0 - _RAMP) * 65535).astype(np.uint16), photometric="miniswhite")
    np.testing.assert_allclose(read_image(tmp_path / "a.tif")[0, 0].numpy(), _RAMP, atol=1e-4)


def test_b6__a_transparent_value_of_deep_gray_is_kept(tmp_path: Path) -> None:
    _png_of_deep_gray(tmp_path / "a.png", key=0)
    alpha = read_picture(tmp_path / "a.png").alpha
    assert alpha is not None
    assert (alpha == 0).sum() == 1


def _pictures(tmp_path: Path, **named: object) -> Pictures:
    _noisy().save(tmp_path / "content.png")
    _noisy().rotate(90).save(tmp_path / "style.png")
    values = {"content": str(tmp_path / "content.png"), "styles": (str(tmp_path / "style.png"),), "init": "content"}
    return Pictures(**{**values, "style_weights": (1.0,), **named})  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_b7__what_is_transparent_in_a_mask_is_black(tmp_path: Path, mode: str) -> None:
    mask = Image.new("RGBA", (64, 48), (255, 255, 255, 0))
    mask.paste((255, 255, 255, 255), (32, 0, 64, 48))
    mask.convert(mode).save(tmp_path / "mask.png")
    inputs = read_inputs(_pictures(tmp_path, content_mask=(str(tmp_path / "mask.png"),)), Resolution(size=48))
    where = inputs.regions[0].mask
    assert where is not None
    assert where[..., :32].max() == 0
    assert where[..., 32:].min() == 1


def test_c8__a_mask_that_is_black_all_over_is_refused(tmp_path: Path) -> None:
    Image.new("L", (64, 48)).save(tmp_path / "mask.png")
    with pytest.raises(InvalidValueError, match="black all over"):
        read_inputs(_pictures(tmp_path, content_mask=(str(tmp_path / "mask.png"),)), Resolution(size=48))


def test_p8__a_wholly_transparent_style_is_refused(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 48), (200, 10, 10, 0)).save(tmp_path / "clear.png")
    with pytest.raises(InvalidValueError, match="wholly transparent"):
        read_inputs(_pictures(tmp_path, styles=(str(tmp_path / "clear.png"),)), Resolution(size=48))


@pytest.mark.parametrize("colors", ["match", "histogram", "luminance"])
@pytest.mark.parametrize("tiny", ["content", "style"])
def test_c3__colors_of_one_pixel_are_matched(tmp_path: Path, colors: str, tiny: str) -> None:
    pictures = _pictures(tmp_path, colors=colors)
    Image.new("RGB", (1, 1), (200, 30, 30)).save(tmp_path / f"{tiny}.png")
    inputs = read_inputs(pictures, Resolution(size=48))
    assert torch.isfinite(inputs.content).all()
    assert torch.isfinite(inputs.regions[0].sources[0].image).all()


def test_c3__moments_of_one_pixel() -> None:
    one, many = torch.rand(1, 3, 1, 1), torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(match_moments(many, one).mean((2, 3)), one.mean((2, 3)), atol=0.02, rtol=0)
    assert torch.isfinite(match_moments(one, many)).all()
    assert torch.isfinite(gray_like(one, many)).all()


@pytest.mark.parametrize("size", [(1, 1), (64, 48)])
def test_c3__a_color_basis_of_one_color_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, (9, 99, 9)).save(tmp_path / "flat.png")
    with pytest.raises(InvalidValueError, match="more than one color"):
        read_color_root(str(tmp_path / "flat.png"))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1)])
def test_c4__total_variation_of_one_row_is_finite(size: tuple[int, int]) -> None:
    image = torch.rand(1, 3, *size, requires_grad=True)
    total_variation(image).backward()
    assert image.grad is not None
    assert torch.isfinite(image.grad).all()


_NAMED = {
    "HEIC": struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic" + b"\0" * 200,
    "JPEG XL": bytes.fromhex("0000000c4a584c200d0a870a") + b"\0" * 100,
    "SVG": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
    "PDF": b"%PDF-1.4\n" + b"x" * 99,
    "web page": b"<!DOCTYPE html><html><body>404</body></html>",
    "video": b"\0\0\0\x20ftypisom\0\0\2\0" + b"\0" * 99,
    "Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 102\n",
    "empty": b"",
}


@pytest.mark.parametrize("kind", _NAMED)
def test_p3__a_known_file_that_is_no_picture_of_ours_is_named(tmp_path: Path, kind: str) -> None:
    (tmp_path / "photo.jpg").write_bytes(_NAMED[kind])
    with pytest.raises(UnreadableFileError, match=kind) as told:
        read_picture(tmp_path / "photo.jpg")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("bits", [np.float32, np.float64])
def test_p3__a_tiff_of_an_unsupported_kind_is_named(tmp_path: Path, bits: type) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8, 3), bits), photometric="rgb")
    with pytest.raises(UnreadableFileError, match="TIFF of an unsupported"):
        read_picture(tmp_path / "a.tif")


def test_p3__a_folder_has_every_readable_format_and_names_the_others(tmp_path: Path) -> None:
    for name in ("a.avif", "b.jp2", "c.tga", "d.ppm", "e.png", "f.gif"):
        _noisy().save(tmp_path / name)
        read_picture(tmp_path / name)
    for name in ("g.jxl", "h.svg", "notes.txt", ".hidden.png"):
        (tmp_path / name).write_bytes(b"x")
    assert [path.name for path in pictures_in(tmp_path)] == ["a.avif", "b.jp2", "c.tga", "d.ppm", "e.png", "f.gif"]
    assert [path.name for path in left_out(tmp_path)] == ["g.jxl", "h.svg"]


def test_p3__a_folder_without_readable_pictures_names_one(tmp_path: Path) -> None:
    (tmp_path / "a.jxl").write_bytes(b"x")
    with pytest.raises(MissingPathError, match=r"a\.jxl has a format that is not read"):
        pictures_in(tmp_path)


def _with_text(size: int) -> bytes:
    file = io.BytesIO()
    _noisy().save(file, "PNG", icc_profile=b"\0" * size)
    return file.getvalue()


def test_p4__limits_are_told_in_our_words(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_bytes(_with_text(3 << 20))
    gif = io.BytesIO()
    _noisy(mode="P").save(gif, "GIF")
    huge = gif.getvalue()[:6] + struct.pack("<HH", 65535, 65535) + gif.getvalue()[10:]
    (tmp_path / "huge.gif").write_bytes(huge)
    with pytest.raises(UnreadableFileError, match="larger than 1 MB: save it again without metadata"):
        read_picture(tmp_path / "text.png")
    with pytest.raises(UnreadableFileError, match="it has 4294836225 pixels, more than 178 million: reduce it first"):
        read_picture(tmp_path / "huge.gif")


def test_heic__is_read_with_its_extra(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="the extra heic is not installed")
    pillow_heif.from_pillow(_noisy()).save(tmp_path / "photo.jpg", format="HEIF")
    assert read_picture(tmp_path / "photo.jpg").size == (48, 64)
