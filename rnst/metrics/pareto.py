"""Pareto fronts of pictures under two distances, and their hypervolume."""

from collections.abc import Sequence

Point = tuple[float, float]


def pareto_front(points: Sequence[Point]) -> list[int]:
    """Indices of the points that no other point dominates, ordered by the first coordinate.

    A point dominates another one if it is lower in one coordinate and not higher in the other. Of equal points, the
    first is kept.

    Args:
        points: two distances each; lower is better in both.
    """
    front: list[int] = []
    for index in sorted(range(len(points)), key=lambda index: points[index]):
        if not front or points[index][1] < points[front[-1]][1]:
            front.append(index)
    return front


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """Area dominated by the points up to a reference (Zitzler and Thiele 1998): one number for a whole front.

    Args:
        points: two distances each; lower is better in both. Points beyond the reference count for nothing.
        reference: the worst value of each distance that counts.

    Returns:
        0 or more, at most the product of the reference's coordinates where distances are not negative; higher is
        better.
    """
    inside = [point for point in points if point[0] < reference[0] and point[1] < reference[1]]
    area, ceiling = 0.0, reference[1]
    for first, second in (inside[index] for index in pareto_front(inside)):
        area += (reference[0] - first) * (ceiling - second)
        ceiling = second
    return area
