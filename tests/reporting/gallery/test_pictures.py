"""What counts as a picture."""

from pathlib import Path

from rnst.reporting.gallery.pictures import picture_type


def test_picture_types(tmp_path: Path) -> None:
    starts = {
        b"\x89PNG\r\n\x1a\n0": "image/png", b"\xff\xd8\xff\xe0": "image/jpeg", b"RIFF\0\0\0\0WEBPVP8": "image/webp",
        b"GIF89a": "image/gif", b"<svg onload=alert(1)>": None, b"": None, b"RIFF\0\0\0\0WAVE": None,
    }  # fmt: skip
    for start, media_type in starts.items():
        (tmp_path / "file").write_bytes(start)
        assert picture_type(tmp_path / "file") == media_type
