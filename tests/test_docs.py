"""Pages of the documentation: links, words, lengths, pictures, and the examples in Python."""

import os
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rnst.image.files import read_image
from tools.documentation_commands import DOCS, LOG, README, ROOT, picture_blocks
from tools.prose import read
from tools.reference_pages import generated

_PAGES = sorted([README, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *DOCS.rglob("*.md")])
_GUIDES = [page for page in _PAGES if LOG not in page.parents and DOCS / "reference" not in page.parents]
_LONGEST_PAGE = 150
_GENERATED = generated()
_LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^( *)```.*?^\1```\s*$", re.MULTILINE | re.DOTALL)


def _id(value: Any) -> str:
    return value.relative_to(ROOT).as_posix() if isinstance(value, Path) else ""


def _slugs(text: str) -> set[str]:
    """Anchors of the headings, as the site makes them."""
    headings = _HEADING.findall(_FENCE.sub("", text))
    plain = (
        re.sub(r"[^\w\s-]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)).strip().lower()
        for heading in headings
    )
    return {re.sub(r"[\s-]+", "-", heading) for heading in plain}


def _text_of(target: Path) -> str | None:
    """Text of a page that a link leads to, made ones too; None where there is none."""
    made = _GENERATED.get(target.relative_to(DOCS).as_posix()) if target.is_relative_to(DOCS) else None
    if made is None and target.is_file():
        made = target.read_text(encoding="utf-8") if target.suffix == ".md" else ""
    return made


@pytest.mark.parametrize("page", _PAGES, ids=_id)
def test_links_resolve(page: Path) -> None:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for _, link in _LINK.findall(re.sub(r"`[^`\n]*`", "", text)):
        path, _, anchor = link.partition("#")
        if path.startswith(("http://", "https://")):
            continue
        target = Path(os.path.normpath(page.parent / path)) if path else page
        found = _text_of(target)
        assert found is not None, link
        assert not anchor or anchor in _slugs(found), link


@pytest.mark.parametrize("page", _PAGES, ids=_id)
def test_words(page: Path) -> None:
    assert read(page.read_text(encoding="utf-8")).avoided == ()


@pytest.mark.parametrize("page", _GUIDES, ids=_id)
def test_pages_are_short(page: Path) -> None:
    assert read(page.read_text(encoding="utf-8")).lines <= _LONGEST_PAGE


def _pictures(page: Path) -> Iterator[Path]:
    for mark, link in _LINK.findall(page.read_text(encoding="utf-8")):
        if mark:
            yield Path(os.path.normpath(page.parent / link))


def test_each_picture_is_made_by_a_command() -> None:
    shown = {picture.name for page in _PAGES if LOG not in page.parents for picture in _pictures(page)}
    made = picture_blocks()
    assert shown - made.keys() == set()
    for block in made.values():
        assert any(Path(block.title).name in word for command in block.commands for word in command), block.title


def test_each_picture_is_shown() -> None:
    shown = {picture for page in _PAGES for picture in _pictures(page)}
    assert set((DOCS / "pictures").iterdir()) - shown == set()


def test_the_log_is_dated() -> None:
    assert [page.name for page in LOG.glob("*.md") if not re.match(r"\d{4}-\d{2}-|index", page.name)] == []


def test_each_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [page for page in DOCS.rglob("*.md") if f" {page.relative_to(DOCS).as_posix()}\n" not in navigation] == []


def test_python__the_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = DOCS / "how-to" / "python.md"
    examples = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    values = []
    for number, example in enumerate(examples):
        path = tmp_path / f"example{number}.py"
        path.write_text(example)
        values.append(runpy.run_path(str(path)))
    three_lines, options, parts = values
    assert read_image(Path("stylized.png")).shape == three_lines["picture"].image.shape == (1, 3, 43, 64)
    assert options["image"].shape == (1, 3, 43, 64)
    assert capsys.readouterr().out.splitlines()[-1].startswith("coffee.png (64, 43) ")
    assert Path("coffee.json").is_file()
    assert parts["losses"][-1] < parts["losses"][0]
    assert Path("combined.png").is_file()
