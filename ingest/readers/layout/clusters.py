"""Pieces of rows that stand close under one another: the labels of a diagram, in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from ingest.readers.layout.bands import FAR
from ingest.readers.layout.shapes import Box, Word


@dataclass(slots=True, eq=False)
class _Cluster:
    """Pieces of rows that stand close under one another: the text of a box in a diagram."""

    rows: list[list[Word]]
    box: Box
    size: float


def clusters_of(pieces: Iterable[list[Word]]) -> list[_Cluster]:
    """Put pieces together that stand close under one another, in letters of one size."""
    done: list[_Cluster] = []
    for piece in pieces:
        box = _bounds(piece)
        size = median(word.size for word in piece)
        for cluster in reversed(done[-60:]):
            left, _, right, _ = cluster.box
            base = cluster.rows[-1][0].base
            shared = min(right, box[2]) - max(left, box[0])
            near = 0.5 * size < piece[0].base - base < 1.75 * size
            alike = abs(cluster.size - size) < 0.1 * size
            if near and alike and shared > 0.4 * min(right - left, box[2] - box[0]):
                cluster.rows.append(piece)
                cluster.box = _union(cluster.box, box)
                break
        else:
            done.append(_Cluster([piece], box, size))
    return done


def _bounds(words: Sequence[Word]) -> Box:
    return (
        min(word.left for word in words),
        min(word.base - 0.7 * word.size for word in words),
        max(word.right for word in words),
        max(word.base for word in words),
    )


def _union(one: Box, other: Box) -> Box:
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )


def reading_order(clusters: list[_Cluster], depth: int = 0) -> list[list[list[Word]]]:
    """Return the rows of each cluster in reading order: an XY-cut over their boxes."""
    if len(clusters) < 2 or depth > 40:
        return [cluster.rows for cluster in sorted(clusters, key=lambda c: (c.box[1], c.box[0]))]
    for low, high in ((1, 3), (0, 2)):
        parts: list[list[_Cluster]] = []
        edge = -FAR
        for cluster in sorted(clusters, key=lambda c: c.box[low]):
            if not parts or cluster.box[low] >= edge:
                parts.append([])
            parts[-1].append(cluster)
            edge = max(edge, cluster.box[high])
        if len(parts) > 1:
            return [rows for part in parts for rows in reading_order(part, depth + 1)]
    first = min(clusters, key=lambda c: (c.box[1] + 0.3 * c.box[0], c.box[0]))
    rest = [cluster for cluster in clusters if cluster is not first]
    return [first.rows, *reading_order(rest, depth + 1)]
