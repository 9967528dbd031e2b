"""From scored units to the excerpts that an answer quotes: whole, few, and without repetition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kb.answering.asking import SEVERAL, AskedKind
from kb.answering.support import Features, terms_of
from kb.answering.units import Unit, block_at, points_back
from kb.model import BlockKind, Span

MOST_EXCERPTS = 5
_PROSE_MOST = 420
"""Characters of an excerpt of running text that grows beyond its own sentence."""

_RUN_MOST = 900
"""Characters of an excerpt of a whole list or of the rows of a table."""

_HEADER_MOST = 400
"""Characters of a header or an announcement that is quoted along."""

_NEAR_ROWS = 1.0
"""Rows and items whose log-odds are so near to the best one's belong to its answer."""

# Explanations go on in the next sentence; a name, a date or a figure stands in one.
_EXPLAINED: frozenset[AskedKind] = frozenset({"why", "how", "what", "practices", "compare", "list"})
_ENUMERATED: frozenset[AskedKind] = frozenset({"list", "practices", "how"})


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A span to quote, the unit that it is quoted for, and the log-odds of that unit."""

    unit: Unit
    span: Span
    log_odds: float

    @property
    def header(self) -> Span | None:
        """What the span stands under, where it is a short text outside the span."""
        context = self.unit.context
        if context is None or len(context) > _HEADER_MOST or context.overlap(self.span):
            return None
        return context


def compose(
    kind: AskedKind,
    units: Sequence[Unit],
    log_odds: Features,
    *,
    within: float,
    least: float = -np.inf,
) -> list[Excerpt]:
    """Return the excerpts that answer, best first.

    Besides the best unit, those are taken whose log-odds are at least ``least`` and at most
    ``within`` below the best one's, as long as they add something to what is already quoted.
    """
    chosen: list[Excerpt] = []
    order = sorted(range(len(units)), key=lambda at: (-log_odds[at], at))
    if not order:
        return chosen
    best = float(log_odds[order[0]])
    for at in order:
        if len(chosen) == MOST_EXCERPTS or (chosen and log_odds[at] < max(best - within, least)):
            break
        unit = units[at]
        if any(_inside(unit, excerpt) or repeats(unit, excerpt) for excerpt in chosen):
            continue
        chosen.append(Excerpt(unit, _grown(kind, units, log_odds, at), float(log_odds[at])))
    return chosen


def _inside(unit: Unit, excerpt: Excerpt) -> bool:
    return unit.hit.document.id == excerpt.unit.hit.document.id and unit.core.overlap(
        excerpt.span
    ) * 2 > len(unit.core)


def repeats(unit: Unit, excerpt: Excerpt) -> bool:
    """Return whether a unit says little that an excerpt's unit doesn't."""
    other = excerpt.unit
    if unit.language != other.language:
        return False
    mine, theirs = terms_of(unit.text, unit.language), terms_of(other.text, other.language)
    return len(mine & theirs) >= 0.7 * max(1, min(len(mine), len(theirs)))


def _grown(kind: AskedKind, units: Sequence[Unit], log_odds: Features, at: int) -> Span:
    unit = units[at]
    if unit.kind is BlockKind.LIST_ITEM or unit.kind is BlockKind.TABLE_ROW:
        run = _run(units, at)
        near = [i for i in run if log_odds[i] >= log_odds[at] - _NEAR_ROWS]
        whole = kind in _ENUMERATED if unit.kind is BlockKind.LIST_ITEM else kind in SEVERAL
        if whole or len(near) > 2:
            span = Span(units[run[0]].core.start, units[run[-1]].core.end)
            if len(span) <= _RUN_MOST:
                return span
        if len(near) > 1 and near == list(range(near[0], near[-1] + 1)):
            span = Span(units[near[0]].core.start, units[near[-1]].core.end)
            if len(span) <= _RUN_MOST:
                return span
        return unit.span
    return _prose(kind, units, at)


def _run(units: Sequence[Unit], at: int) -> list[int]:
    """Return the units of the same list or table around one."""
    unit = units[at]
    first = last = at
    while first > 0 and _alike(units[first - 1], unit):
        first -= 1
    while last + 1 < len(units) and _alike(units[last + 1], unit):
        last += 1
    return list(range(first, last + 1))


def _alike(other: Unit, unit: Unit) -> bool:
    return other.place == unit.place and other.kind is unit.kind and other.context == unit.context


def _prose(kind: AskedKind, units: Sequence[Unit], at: int) -> Span:
    unit = units[at]
    document = unit.hit.document
    block = block_at(document, unit.core.start)
    span = unit.span
    before, after = _neighbour(units, at, -1), _neighbour(units, at, 1)
    if after is not None and (kind in _EXPLAINED or points_back(after.text)):
        grown = Span(span.start, after.core.end)
        if len(grown) <= _PROSE_MOST:
            span = grown
    if before is not None and kind in _EXPLAINED and block == block_at(document, before.core.start):
        grown = Span(min(span.start, before.core.start), span.end)
        if len(grown) <= _PROSE_MOST:
            span = grown
    return span


def _neighbour(units: Sequence[Unit], at: int, step: int) -> Unit | None:
    other = at + step
    if not 0 <= other < len(units) or units[other].place != units[at].place:
        return None
    found, unit = units[other], units[at]
    if found.kind is not unit.kind:
        return None
    gap = found.core.start - unit.core.end if step > 0 else unit.core.start - found.core.end
    return found if gap < 4 else None
