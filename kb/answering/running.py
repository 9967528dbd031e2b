"""Which statements that follow each other the answer is among: what to quote together.

The statement that answers is often the neighbour of the one that has the question's words. So what
is looked for isn't the best statement but the best run of them: the chance that the answer is in
it grows with every statement, and so does what has to be read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from kb.answering.support import Features, shares
from kb.answering.units import Unit
from kb.model import BlockKind

LONGEST = 500
"""Characters of a run of several statements."""

_READING = 0.3
"""Share of a run's chance that a thousand characters to read cost."""


_LEAST_AT_AN_END = 0.1
"""Share of its best unit's chance that the first and the last one of a run have at least."""


@dataclass(frozen=True, slots=True)
class Run:
    """Units ``first`` to ``last``; ``chance`` is that of the answer among them, 0–1.

    ``worth`` is the chance less what the run costs to read; ``best`` is its best unit.
    """

    first: int
    last: int
    best: int
    chance: float
    worth: float


def runs(units: Sequence[Unit], log_odds: Features) -> list[Run]:
    """Return all runs of units that can be quoted as one, worth most first.

    ``log_odds`` has the shape (units,). A run stays in its passage, on one page, under one
    heading, and inside or outside of a table. A unit longer than ``LONGEST`` is a run by itself.
    """
    if not units:
        return []
    chances = shares(log_odds)
    found: list[Run] = []
    goes_on = [follows(before, unit) for before, unit in pairwise(units)]
    for first in range(len(units)):
        chance, best = 0.0, first
        for last in range(first, len(units)):
            length = units[last].core.end - units[first].core.start
            if last > first and (length > LONGEST or not goes_on[last - 1]):
                break
            chance += float(chances[last])
            if log_odds[last] > log_odds[best]:
                best = last
            # What is added at an end has to say something by itself.
            if min(chances[first], chances[last]) < _LEAST_AT_AN_END * chances[best]:
                continue
            worth = chance * max(0.0, 1 - _READING * length / 1000)
            found.append(Run(first, last, best, chance, worth))
    return sorted(found, key=lambda run: (-run.worth, run.first, run.last))


def follows(before: Unit, unit: Unit) -> bool:
    """Return whether a unit goes on where another ends.

    That is on the same page, under the same heading, in the same table or in none; a footnote
    doesn't go on where text ends, nor does text where a list ends: an item says nothing of what
    comes after its list. What is no unit may stand between, such as an announcement.
    """
    if before.place != unit.place or before.core.end > unit.core.start:
        return False
    # A citation that names two pages sends its reader to the wrong one first.
    starts = unit.hit.document.page_starts
    if bisect_right(starts, before.core.start) != bisect_right(starts, unit.core.start):
        return False
    if (before.kind is BlockKind.FOOTNOTE) != (unit.kind is BlockKind.FOOTNOTE):
        return False
    if before.kind is BlockKind.LIST_ITEM and unit.kind is not BlockKind.LIST_ITEM:
        return False
    rows = [one.kind is BlockKind.TABLE_ROW for one in (before, unit)]
    if any(rows) and (not all(rows) or before.context != unit.context):
        return False
    return before.heading == unit.heading
