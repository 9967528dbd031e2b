"""Translated words in the term index: where they count, and for how much."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest

from evaluation.benchmarks.crossing import EntryPostings, Rows
from kb.lexical import LexicalIndex, LexicalScores, Word
from kb.model import LANGUAGES, Language
from kb.retrieval import question_words
from kb.translation import Lexicon, Translator


class Mixed:
    """Passages of several languages."""

    generation = 1

    def __init__(self, texts: Mapping[Language, list[str]]) -> None:
        self._parts = [EntryPostings(found, language) for language, found in texts.items()]
        tables = [part.passage_table() for part in self._parts]
        self._starts = np.cumsum([0, *(len(rows) for rows, _, _ in tables)])
        self._lengths = np.concatenate([lengths for _, lengths, _ in tables])
        self._languages = np.concatenate([languages for _, _, languages in tables])

    def passage_table(
        self,
    ) -> tuple[Rows, npt.NDArray[np.int32], npt.NDArray[np.int8]]:
        return np.arange(len(self._lengths)), self._lengths, self._languages

    def postings(self, term: str) -> tuple[Rows, npt.NDArray[np.int8]]:
        rows = np.concatenate(
            [
                part.postings(term)[0] + start
                for part, start in zip(self._parts, self._starts, strict=False)
            ]
        )
        return rows, np.zeros(len(rows), dtype=np.int8)


TEXTS: dict[Language, list[str]] = {
    "fi": [
        "Jätevesi johdetaan satamasta puhdistamolle.",
        "Kunta myy tontteja.",
        "Koulun katto korjataan kesällä.",
    ],
    "sv": ["Avloppsvatten leds från hamnen.", "Kommunen säljer tomter.", "Skolans tak lagas."],
    "en": ["Waste water is led from the port.", "The town sells plots.", "The roof is mended."],
}


def scored(words: tuple[Word, ...], texts: Mapping[Language, list[str]]) -> LexicalScores:
    found = LexicalIndex(Mixed(texts)).score(words)
    everything = np.arange(sum(len(part) for part in texts.values()))
    scores, coverage = found.at(everything)
    return LexicalScores(everything, scores, coverage, found.known)


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("waste water of the port", "en"),
        ("satamien jätevedet", "fi"),
        ("hamnens avloppsvatten", "sv"),
    ],
)
def test_a_question_finds_its_passage_in_all_three_languages(
    question: str, language: Language
) -> None:
    translator = Translator([Lexicon()])

    found = scored(question_words(question, (language,), translator=translator), TEXTS)

    for start in (0, 3, 6):
        assert found.scores[start] == found.scores[start : start + 3].max()
        assert found.coverage[start] > 0.9
        assert found.coverage[start + 1] < 0.1
    assert found.known > 0.9


def test_translations_change_nothing_where_the_question_is_at_home() -> None:
    question = "satamien jätevedet ja kunnan tontit"
    translator = Translator([Lexicon()])
    home: Mapping[Language, list[str]] = {"fi": TEXTS["fi"]}

    with_them = scored(question_words(question, ("fi",), translator=translator), home)
    without = scored(question_words(question, ("fi",)), home)

    assert with_them.scores.tolist() == without.scores.tolist()
    assert with_them.coverage.tolist() == without.coverage.tolist()


def test_a_translation_counts_in_passages_of_its_language_only() -> None:
    translator = Translator([Lexicon()])
    strayed: dict[Language, list[str]] = {
        "fi": TEXTS["fi"],
        "en": ["Jätevesi on vettä.", "A port."],
    }

    words = question_words("waste water", ("en",), translator=translator)
    found = scored(words, strayed)

    assert found.scores[0] > 0
    assert found.scores[3] == 0


def test_a_name_is_found_as_it_is_written_everywhere() -> None:
    texts: dict[Language, list[str]] = {
        "fi": ["Kokkola on kaupunki.", "Oulu on kaupunki."],
        "en": ["Kokkola is a town.", "Oulu is a town."],
    }
    words = question_words("Kokkola", ("en",), translator=Translator([Lexicon()]))

    found = scored(words, texts)

    assert [score > 0 for score in found.scores.tolist()] == [True, False, True, False]


def test_the_index_knows_which_languages_there_are_passages_of() -> None:
    assert LexicalIndex(Mixed({"sv": TEXTS["sv"]})).languages == ("sv",)
    assert LexicalIndex(Mixed(TEXTS)).languages == LANGUAGES
