"""Stems are the same whichever build of Snowball gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from snowballstemmer.english_stemmer import EnglishStemmer
from snowballstemmer.finnish_stemmer import FinnishStemmer
from snowballstemmer.swedish_stemmer import SwedishStemmer

from kb.analysis.stemming import Snowball
from kb.analysis.vocabulary import spelled_words
from kb.model import Language

Name = Literal["finnish", "swedish", "english"]

PLAIN: Mapping[Name, Callable[[str], str]] = {
    "finnish": FinnishStemmer().stemWord,
    "swedish": SwedishStemmer().stemWord,
    "english": EnglishStemmer().stemWord,
}
CODES: Mapping[Name, Language] = {"finnish": "fi", "swedish": "sv", "english": "en"}
ENDINGS = {
    "finnish": ["ssa", "sta", "lle", "kseen", "isten", "ineen", "mmat", "kin", "nsa", "tiin"],
    "swedish": ["arna", "heten", "löst", "fullt", "igt", "erns", "ande", "else"],
    "english": ["ational", "fulness", "ed", "ingly", "ies", "'s", "ication", "ement"],
}
LETTERS = "abcdefghijklmnopqrstuvwxyzåäöéšž-'’0123456789ßıἀ𝕏"


@pytest.mark.parametrize("language", list(PLAIN))
def test_compiled_and_plain_stemmers_agree_on_words(language: Name) -> None:
    stem, plain = Snowball(language).stem, PLAIN[language]
    small, others = spelled_words(CODES[language])
    words = [word + end for word in (*small, *others) for end in ("", *ENDINGS[language])]
    assert len(words) > 1000
    assert [stem(word) for word in words] == [plain(word) for word in words]


@pytest.mark.parametrize("language", list(PLAIN))
@given(st.data())
def test_compiled_and_plain_stemmers_agree_on_anything(language: Name, data: st.DataObject) -> None:
    word = data.draw(st.text(LETTERS, max_size=20)) + data.draw(
        st.sampled_from(["", *ENDINGS[language]])
    )
    assert Snowball(language).stem(word) == PLAIN[language](word)


def test_stems_come_from_the_compiled_stemmer() -> None:
    import Stemmer

    assert isinstance(Snowball("finnish")._stemmer, Stemmer.Stemmer)
