"""From scored units to the excerpts that an answer quotes: whole, few, and without repetition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kb.answering.asking import SEVERAL, AskedKind
from kb.answering.running import Run, runs
from kb.answering.support import Features, terms_of
from kb.answering.units import Unit
from kb.model import BlockKind, Span

MOST_EXCERPTS = 5
_RUN_MOST = 900
"""Characters of an excerpt of a whole list or of the rows of a table."""

_HEADER_MOST = 400
"""Characters of a header or an announcement that is quoted along."""

_NEAR_ROWS = 1.0
"""Rows and items whose log-odds are so near to the best one's belong to its answer."""

_ENUMERATED: frozenset[AskedKind] = frozenset({"list", "practices", "how"})


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A span to quote, its best unit, and the log-odds of that unit."""

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

    An excerpt is a run of units. Besides the best run, those are taken whose worth is at most
    ``within`` (a logarithm) below its, and whose best unit has log-odds of at least ``least``,
    as long as they add something to what is already quoted.
    """
    chosen: list[Excerpt] = []
    found = runs(units, log_odds)
    for run in found:
        unit, odds = units[run.best], float(log_odds[run.best])
        if len(chosen) == MOST_EXCERPTS:
            break
        if chosen and run.worth < found[0].worth * np.exp(-within):
            break
        if chosen and odds < least:
            continue
        if any(_inside(unit, excerpt) or repeats(unit, excerpt) for excerpt in chosen):
            continue
        span = _grown(kind, units, log_odds, run)
        if any(_overlap(unit, span, excerpt) for excerpt in chosen):
            continue
        chosen.append(Excerpt(unit, span, odds))
    return chosen


def _overlap(unit: Unit, span: Span, excerpt: Excerpt) -> bool:
    return unit.hit.document.id == excerpt.unit.hit.document.id and bool(span.overlap(excerpt.span))


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


def _grown(kind: AskedKind, units: Sequence[Unit], log_odds: Features, run: Run) -> Span:
    """Return what is quoted of a run: all of it, and the whole list or rows where those answer."""
    unit = units[run.best]
    span = Span(min(units[run.first].span.start, unit.span.start), units[run.last].core.end)
    if unit.kind is BlockKind.LIST_ITEM or unit.kind is BlockKind.TABLE_ROW:
        alike = _alike(units, run.best)
        near = [i for i in alike if log_odds[i] >= log_odds[run.best] - _NEAR_ROWS]
        whole = kind in _ENUMERATED if unit.kind is BlockKind.LIST_ITEM else kind in SEVERAL
        if whole or len(near) > 2:
            all_of_it = Span(units[alike[0]].core.start, units[alike[-1]].core.end)
            if len(all_of_it) <= _RUN_MOST:
                return all_of_it
    return span


def _alike(units: Sequence[Unit], at: int) -> list[int]:
    """Return the units of the same list or table around one."""
    first = last = at
    while first > 0 and _same(units[first - 1], units[first]):
        first -= 1
    while last + 1 < len(units) and _same(units[last], units[last + 1]):
        last += 1
    return list(range(first, last + 1))


def _same(before: Unit, unit: Unit) -> bool:
    return (
        before.place == unit.place and before.kind is unit.kind and before.context == unit.context
    )
