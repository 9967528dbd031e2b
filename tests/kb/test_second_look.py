from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from kb.second_look import _runs_share, _Sought, spread, word_runs

WORDS = st.text(alphabet=string.ascii_lowercase + "åäö", min_size=1, max_size=12)


def sought(word: str, rarity: float = 1.0) -> _Sought:
    return _Sought(terms={}, worth=1.0, rarity=rarity, ways=((1.0, ((word_runs(word),),)),))


def test_a_words_ends_belong_to_its_runs() -> None:
    assert word_runs("Akku") == (" akk", "akku", "kku ")
    assert word_runs("yö") == (" yö ",)
    assert word_runs("a") == (" a ",)


def test_no_run_reaches_from_one_word_into_the_next() -> None:
    assert spread("Akku, pato!") == " akku  pato "
    assert spread("akku pato").count("u pa") == 0
    # Both ends are found however close the words are.
    assert spread("ab ab ab").count(" ab ") == 3


@given(WORDS, st.lists(WORDS, max_size=8))
def test_a_word_that_is_there_has_all_its_runs(word: str, others: list[str]) -> None:
    text = spread(" ".join([*others, word]))
    assert all(text.count(run) for run in word_runs(word))
    full = _runs_share([sought(word)], text, norm=1.2)
    assert 0.6 < full <= 1  # the root of 1 / 2.2, or more where it is there more often


@given(st.lists(WORDS, min_size=1, max_size=5), st.lists(WORDS, max_size=12))
def test_the_share_stays_a_share_and_falls_with_length(words: list[str], text: list[str]) -> None:
    asked = [sought(word, rarity=1.0 + len(word)) for word in words]
    short = _runs_share(asked, spread(" ".join(text)), norm=0.3)
    long = _runs_share(asked, spread(" ".join(text)), norm=3.0)
    assert 0 <= long <= short <= 1


def test_an_inflected_or_compounded_word_is_nearly_there() -> None:
    def share(word: str, text: str) -> float:
        return _runs_share([sought(word)], spread(text), norm=1.2)

    whole = share("terminaali", "katettu terminaali")
    assert share("terminaali", "satamaterminaaleissa") > 0.6 * whole
    assert share("terminaali", "terminali") > 0.4 * whole
    assert share("terminaali", "termiitti") < 0.4 * whole


def test_the_rarer_word_weighs_more_and_the_better_way_counts() -> None:
    asked = [sought("nikkeli", 9.0), sought("vuosi", 1.0)]
    assert _runs_share(asked, spread("nikkeli"), 1.2) > 5 * _runs_share(asked, spread("vuosi"), 1.2)
    ways = ((0.5, ((word_runs("jäte"),),)), (0.9, ((word_runs("avfall"),),)))
    two = [_Sought(terms={}, worth=1.0, rarity=1.0, ways=ways)]
    assert _runs_share(two, spread("avfall"), 1.2) > _runs_share(two, spread("jäte"), 1.2) > 0
    # A translation of two parts is half there with one of them.
    parts = [_Sought({}, 1.0, 1.0, ((1.0, ((word_runs("waste"),), (word_runs("water"),))),))]
    half = _runs_share(parts, spread("waste"), 1.2)
    assert 2 * half == _runs_share(parts, spread("waste water"), 1.2)


def test_nothing_asked_is_nothing_found() -> None:
    assert _runs_share([], spread("nikkeli"), 1.2) == 0
    assert _runs_share([sought("nikkeli")], "", 1.2) == 0
