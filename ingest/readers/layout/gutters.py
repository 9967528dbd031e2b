"""The gutters between columns of text that many lines of a document keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from ingest.readers.layout.rows import cut_apart, rows_of
from ingest.readers.layout.shapes import Word


@dataclass(frozen=True, slots=True)
class Usual:
    """A gutter between columns of text that many lines keep: its middle, and what it parts.

    ``before`` is the left and right edge of the column on its left, ``after`` of the other.
    """

    middle: float
    before: tuple[float, float]
    after: tuple[float, float]


def extent(words: Sequence[Word]) -> tuple[float, float]:
    """Return where most lines of a column of text begin, and where its longest ones end."""
    rows = rows_of(words)
    lefts = Counter(round(row[0].left) for row in rows)
    rights = sorted(row[-1].right for row in rows)
    return float(lefts.most_common(1)[0][0]), rights[len(rights) * 9 // 10]


def leaves_open(row: Sequence[Word], gutter: Usual, em: float) -> bool:
    """Tell whether a row leaves a usual gutter open.

    Three quarters of an em do anywhere; less, where what follows begins where its column does.
    """
    middle = gutter.middle
    before = [word.right for word in row if word.left < middle]
    after = [word.left for word in row if word.left >= middle]
    if any(right >= middle + 1 for right in before):
        return False
    if not before or not after:
        return True
    gap = min(after) - max(before)
    return gap >= 0.75 * em or (gap >= 0.4 * em and abs(min(after) - gutter.after[0]) < 0.2 * em)


def keeps_columns(sides: Sequence[list[Word]], gutter: Usual) -> bool:
    """Tell whether a few lines on both sides of a usual gutter are text that fills its columns."""
    lines = full = 0
    for words, (start, end) in zip(sides, (gutter.before, gutter.after), strict=True):
        if not words:
            return False
        rows = rows_of(words)
        em = median(word.size for word in words)
        begun = [row[0].left - start for row in rows]
        if any(shift < -em for shift in begun) or any(
            len(list(cut_apart(row))) > 1 for row in rows
        ):
            return False
        at_edge = [abs(shift) < 0.3 * em for shift in begun]
        if sum(at_edge) < 0.5 * len(rows) and not (len(rows) == 1 and begun[0] < 2.5 * em):
            return False
        reached = sum(row[-1].right - row[0].left > 0.75 * (end - start) for row in rows)
        if not reached:
            return False
        lines += len(rows)
        full += reached
    return full >= 0.5 * lines and (lines > 2 or full == lines)
