"""Photos and paintings of one file name that are different pictures have different names on a page."""

from collections.abc import Sequence
from dataclasses import replace

from rnst.results import Result


def with_distinct_names(results: Sequence[Result]) -> list[Result]:
    """The same results; where a name means another picture than before, "photo" is "photo (2)".

    Pictures are told apart by the hashes that results record; one without hashes has the name as it is.
    """
    contents, styles = _Names(), _Names()
    return [
        replace(
            result,
            content=contents.of(result.content, tuple(result.sources_sha256.get("content", ()))),
            styles=_parts(result, styles),
        )
        for result in results
    ]


def _parts(result: Result, styles: "_Names") -> tuple[str, ...]:
    hashes = result.sources_sha256.get("style", ())
    if len(hashes) != len(result.styles):
        return result.styles
    return tuple(styles.of(name, (known,)) for name, known in zip(result.styles, hashes, strict=True))


class _Names:
    def __init__(self) -> None:
        self._labels: dict[str, dict[tuple[str, ...], str]] = {}

    def of(self, name: str, hashes: tuple[str, ...]) -> str:
        """The label of a picture."""
        if not hashes:
            return name
        labels = self._labels.setdefault(name, {})
        return labels.setdefault(hashes, f"{name} ({len(labels) + 1})" if labels else name)
