from pathlib import Path

import numpy as np
from PIL import Image

from rnst.reporting.documents import Block, Figure, Heading, Paragraph, Table, write_html, write_markdown

_EVIL = "a|b *c* <script>alert(1)</script> [d](e)\n# f"


def _blocks(folder: Path) -> list[Block]:
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(folder / "a plot.png")
    return [
        Heading(_EVIL, 1),
        Paragraph(_EVIL),
        Table(["x", _EVIL], [["1", _EVIL]]),
        Figure(_EVIL, folder / "a plot.png"),
    ]


def test_markdown__shows_text_as_it_is(tmp_path: Path) -> None:
    write_markdown(_blocks(tmp_path), tmp_path / "a.md")
    text = (tmp_path / "a.md").read_text()
    escaped = r"a\|b \*c\* \<script\>alert(1)\</script\> \[d\](e) \# f"
    assert text.startswith(f"# {escaped}\n\n{escaped}\n\n| x | {escaped} |\n| --- | --- |\n| 1 | {escaped} |\n")
    assert f"![{escaped}](a%20plot.png)" in text


def test_html__is_one_file_without_a_script(tmp_path: Path) -> None:
    write_html(_blocks(tmp_path), tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text()
    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 7
    assert 'src="data:image/png;base64,' in text
    assert "default-src 'none'" in text
