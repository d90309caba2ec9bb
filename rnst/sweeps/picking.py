"""The automatic pick, which replaces choosing the best pictures by hand.

Candidates are the pictures of one content, style and encoder that keep the content readable (edge correlation of at
least 0.7). The one of lowest style distance (under random features) is picked. If several are within 5 % of the lowest,
the one with the least checkerboard and stripes (Nyquist excess) is picked. Without candidates, the picture with the
highest edge correlation is picked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rnst.results import Result

EDGES_KEPT = 0.7
_TIE = 1.05
PICKED = "picked"
_NYQUIST = tuple(f"nyquist_excess_{part}_db" for part in ("columns", "rows", "checkerboard"))

Group = tuple[str, tuple[str, ...], str]


def grouped(results: Iterable[Result]) -> dict[Group, list[Result]]:
    """Results by content, styles and encoder."""
    groups: dict[Group, list[Result]] = {}
    for result in results:
        groups.setdefault((result.content, result.styles, result.encoder), []).append(result)
    return groups


def pick(results: Sequence[Result]) -> Result:
    """The best of several results, by the rule in the module's docstring.

    Args:
        results: at least one, with scores.
    """
    readable = [result for result in results if result.scores["edge_correlation"] >= EDGES_KEPT]
    if not readable:
        return max(results, key=lambda result: result.scores["edge_correlation"])
    lowest = min(result.scores["style_distance"] for result in readable)
    tied = [result for result in readable if result.scores["style_distance"] <= lowest * _TIE]
    return min(tied, key=lambda result: max(result.scores[name] for name in _NYQUIST))


def marked(results: Sequence[Result]) -> list[Result]:
    """The same results with the score "picked": 1 for the best of each content, styles and encoder, else 0."""
    best = {pick(members).image for members in grouped(results).values()}
    return [replace(result, scores={**result.scores, PICKED: float(result.image in best)}) for result in results]
