from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.answering.running import LONGEST, follows, runs
from kb.answering.units import Unit, units_of
from kb.model import BlockKind
from tests.kb.answering.test_composing import made, prose

LONG = "Satamassa on katettu terminaali, jossa " + "lastataan ja puretaan " * 30 + "vaunuja."


def units_under(*lines: tuple[str, BlockKind]) -> list[Unit]:
    _, hit = made(lines)
    return units_of([hit], [1], [])


def test_the_statement_beside_the_best_one_is_quoted_with_it() -> None:
    _, units = prose()
    best = runs(units, np.array([-6.0, 1.0, 0.8, -6.0]))[0]
    assert (best.first, best.last, best.best) == (1, 2, 1)
    alone = runs(units, np.array([-9.0, 6.0, -9.0, -9.0]))[0]
    assert (alone.first, alone.last) == (1, 1)


@given(st.lists(st.floats(-8, 8), min_size=4, max_size=4))
def test_chances_are_shares_and_the_worthiest_comes_first(odds: list[float]) -> None:
    _, units = prose()
    found = runs(units, np.array(odds))
    assert 4 <= len(found) <= 10
    assert all(0 <= run.worth <= run.chance <= 1 + 1e-9 for run in found)
    assert [run.worth for run in found] == sorted((run.worth for run in found), reverse=True)
    assert {run.first for run in found if run.first == run.last} == {0, 1, 2, 3}
    # What hardly says anything stands at no end.
    alone = {run.first: run.chance for run in found if run.first == run.last}
    assert all(
        min(alone[run.first], alone[run.last]) >= 0.1 * alone[run.best] * (1 - 1e-9)
        for run in found
    )
    assert sum(run.chance for run in found if run.first == run.last) == pytest.approx(1)
    assert all(odds[run.best] == max(odds[run.first : run.last + 1]) for run in found)


def test_a_run_ends_at_a_heading_and_at_a_table() -> None:
    sentence = "Palokunta toimii sopimuksella."
    before, after = units_under(
        (sentence, BlockKind.PARAGRAPH), ("Höyry kuusi baaria | 41", BlockKind.TABLE_ROW)
    )
    assert not follows(before, after)
    above, note = units_under((sentence, BlockKind.PARAGRAPH), (sentence, BlockKind.FOOTNOTE))
    assert not follows(above, note)
    text, item = units_under((sentence, BlockKind.PARAGRAPH), (sentence, BlockKind.LIST_ITEM))
    assert follows(text, item)
    assert not follows(item, text)


def test_a_run_doesnt_go_on_from_a_list_into_the_text_after_it() -> None:
    first, second, after = units_under(
        ("Satamassa on katettu terminaali.", BlockKind.LIST_ITEM),
        ("Alueella on oma palokunta.", BlockKind.LIST_ITEM),
        ("Vettä kierrätetään 39 prosenttia.", BlockKind.PARAGRAPH),
    )
    assert follows(first, second)
    assert not follows(second, after)


def test_a_run_ends_with_its_page() -> None:
    document, units = prose()
    second = units[2].core.start
    paged = [
        replace(one, hit=replace(one.hit, document=replace(document, page_starts=(0, second))))
        for one in units
    ]
    assert follows(units[1], units[2])
    assert [follows(before, unit) for before, unit in pairwise(paged)] == [True, False, True]
    assert all((run.first < 2) == (run.last < 2) for run in runs(paged, np.zeros(4)))


def test_a_long_statement_is_a_run_by_itself() -> None:
    units = units_under((LONG, BlockKind.PARAGRAPH), ("Se on lyhyt virke.", BlockKind.PARAGRAPH))
    assert len(LONG) > LONGEST
    assert {(run.first, run.last) for run in runs(units, np.zeros(2))} == {(0, 0), (1, 1)}


def test_nothing_has_no_runs() -> None:
    assert runs([], np.empty(0)) == []
