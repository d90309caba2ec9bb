"""The site builds without a warning, and loads nothing from elsewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_LOADED = re.compile(
    r"<(?:script|img|iframe|source|video)[^>]*\ssrc=[\"']?(?:https?:)?//|<link[^>]*href=[\"']?(?:https?:)?//[^>]*>"
)
_CANONICAL = re.compile(r"rel=[\"']?canonical")
_IN_STYLES = re.compile(r"(?:@import|url\()\s*[\"']?(?:https?:)?//")


@pytest.mark.slow
def test_the_site_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="mkdocs is in the group docs")
    pytest.importorskip("mkdocstrings", reason="mkdocstrings is in the group docs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - mkdocs, with our own file
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 70
    for page in pages:
        found = [tag for tag in _LOADED.findall(page.read_text(encoding="utf-8")) if not _CANONICAL.search(tag)]
        assert found == [], page
    for style in (tmp_path / "site").rglob("*.css"):
        assert _IN_STYLES.findall(style.read_text(encoding="utf-8")) == [], style
