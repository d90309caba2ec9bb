"""The page of a contact sheet: complete in one file, and nothing in it runs or leaves it."""

import re
from pathlib import Path

import pytest
import torch

from rnst.image.files import write_image
from rnst.reporting.contact_sheet.page import Entry, write_contact_page
from rnst.reporting.web_page import is_page


@pytest.fixture
def page(tmp_path: Path) -> Path:
    write_image(torch.rand(1, 3, 120, 160), tmp_path / "draft.png")
    entries = [
        Entry("style_weight=1 seed=0", "python stylize.py 'a b.png' --style_weight 1", tmp_path / "draft.png"),
        Entry("style_weight=1 seed=1", "python stylize.py --seed 1", tmp_path / "draft.png"),
        Entry("</td><script>alert(1)</script>", '"><script>alert(2)</script>', tmp_path / "draft.png"),
        Entry("style_weight=3 seed=1", "", None, "it <failed> & more"),
    ]
    output = tmp_path / "moved" / "sheet.html"
    output.parent.mkdir()
    write_contact_page(entries, ["<b>1</b>", "3"], ["seed=0", "seed=1"], "a & b", output)
    (tmp_path / "draft.png").unlink()
    return output


def test_it_is_complete_and_what_it_holds_is_text(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert is_page(page)
    assert text.count("data:image/png;base64,") == 3
    assert text.count("<script>") == 1
    assert "it &lt;failed&gt; &amp; more" in text
    assert not re.findall(r"(?:src|href)=\"(?!data:)", text)
    assert "default-src 'none'" in text
