"""Words, sentences and lengths of pages in Markdown: `python tools/prose.py README.md docs`.

DESIGN of the language: standard terms, one idea a sentence. This program counts what departs from it.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# What is not written -> what is.
AVOIDED = {
    r"paints?|painted|painters?|repaint\w*": "stylize, optimize the image",
    r"way back|way forward": "backward pass, forward pass",
    r"look(?:s|ed|ing)? at": "uses, processes, shows",
    r"spoil(?:s|ed)?": "corrupt",
    r"move[sd]?|moving": "translate, jitter, update",
    r"the other way|twins?": "counterpart",
    r"tells?|told|says?|said": "report, log, state",
    r"child of|children of": "subclass of",
    r"numbers? that (?:is|are) none|no numbers": "NaN or infinite",
    r"neutral": "style distance under random features",
    r"stands?": "is, is stored",
    r"as of|likewise": "see, the same",
    r"ordinary": "standard",
    r"to the eye": "visually",
    r"ladders?|blots?": "stride artifacts, blotches",
    r"wakes?|towering": "lets gradients through, dominant",
}
_PATTERN = re.compile(rf"\b({'|'.join(AVOIDED)})\b", re.IGNORECASE)
_FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_HIDDEN = re.compile(r"`[^`\n]*`|(?<=\])\([^)\n]*\)|<!--.*?-->|https?://\S+", re.DOTALL)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")
_LIST_MARK = re.compile(r"^\s*(?:[*+-]|\d+\.)\s+")


@dataclass(frozen=True)
class Prose:
    """What one page is made of.

    Attributes:
        lines: all of them.
        sentences: number of words of each sentence outside code, tables and headings.
        avoided: line number and word of each word that is not used here.
    """

    lines: int
    sentences: tuple[int, ...]
    avoided: tuple[tuple[int, str], ...]


def read(text: str) -> Prose:
    """Measure one page."""
    prose = _without_code(text)
    lines = prose.splitlines()
    avoided = [(number, found[0]) for number, line in enumerate(lines, 1) for found in _PATTERN.finditer(line)]
    return Prose(text.count("\n"), tuple(_sentences(lines)), tuple(avoided))


def pages(places: Iterable[Path]) -> Iterator[Path]:
    """Pages in Markdown among files and folders."""
    for place in places:
        yield from sorted(place.rglob("*.md")) if place.is_dir() else [place]


def _without_code(text: str) -> str:
    """The text with blanks in the place of code and addresses, so that line numbers stay."""

    def blank(found: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", found[0])

    text = _HIDDEN.sub(blank, _FENCE.sub(blank, text))
    lines = text.splitlines()
    for number, line in enumerate(lines):
        follows_code = number > 0 and not lines[number - 1].strip()
        if line.startswith("    ") and follows_code and not _LIST_MARK.match(line):
            lines[number] = ""  # an indented block; its later lines follow an empty one, too
    return "\n".join(lines)


def _sentences(lines: Sequence[str]) -> Iterator[int]:
    paragraph = list[str]()
    for line in [*lines, ""]:
        begins = _LIST_MARK.match(line)
        if line.strip() and not begins and not line.startswith(("#", "|", "!", ":", "=")):
            paragraph.append(line)
            continue
        for sentence in _SENTENCE_END.split(" ".join(paragraph)):
            if words := len(sentence.split()):
                yield words
        paragraph = [_LIST_MARK.sub("", line)] if begins else []


def main(arguments: Sequence[str]) -> None:
    """Print one line for each page, and the sums."""
    found = {path: read(path.read_text(encoding="utf-8")) for path in pages(map(Path, arguments))}
    for path, prose in found.items():
        words = ", ".join(f"{line}: {word}" for line, word in prose.avoided)
        mean = sum(prose.sentences) / max(len(prose.sentences), 1)
        print(f"{prose.lines:5d} lines {mean:5.1f} words a sentence {len(prose.avoided):3d} avoided  {path}  {words}")
    sentences = [words for prose in found.values() for words in prose.sentences]
    avoided = sum(len(prose.avoided) for prose in found.values())
    print(
        f"{len(found)} pages, {sum(sentences) / max(len(sentences), 1):.1f} words a sentence, {avoided} avoided words"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
