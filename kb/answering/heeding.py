"""What an answer can't be without: a name that is asked about, a kind of sum, any word of it.

A plant's investment isn't answered by a project's budget, nor Vaasa's by one of another town,
however near the words are. Only what is told apart surely is left out: a name that stands
nowhere in a document, and sums that are never called by one another's names.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from kb.analysis.engines import FUNCTION_WORD_WEIGHT
from kb.answering import facts
from kb.answering.asking import only_asks
from kb.answering.support import (
    Asked,
    about,
    begins,
    held,
    names_among,
    terms_of,
    written_forms,
)
from kb.answering.units import Unit
from kb.lexical import Word
from kb.model import Document, Language

_PART = 5
"""Letters that a part of a compound has at least: shorter ones begin many words by chance."""

_WORD = re.compile(r"\w+")

_HELD = 0.5
"""How well a passage has to hold one of the words: half of a compound does."""


def heeds(question: Asked, text: str, language: Language | None, unit: Unit) -> bool:
    """Return whether a unit can be about what a question, written in a language, names.

    A check of what answers best: units that don't heed aren't left out before, since the best of
    the others then looks surer than it is.
    """
    document = unit.hit.document
    if not _mentions(document, unit.language, _names(text, language, question.words), language):
        return False
    passage = "\n".join((*unit.hit.passage.heading, document.metadata.title, unit.hit.text))
    if not _about_any(question, language, passage, unit.language):
        return False
    if question.kind not in ("how much", "what"):
        return True
    said, asked = passage.casefold(), text.casefold()
    return all(told.search(said) for sum_, told in _kinds_of_sums() if sum_.search(asked))


def _about_any(question: Asked, language: Language | None, passage: str, spoken: Language) -> bool:
    """Return whether any word that says what a question is about is in a passage of a language.

    A price is found for whatever a price is asked for: *price* alone isn't what it is about. A
    word that no dictionary has in that language may be there. A compound that no analyser cut may
    be about what its first or last part says.
    """
    telling = [
        word
        for word in question.words
        if word.weight > FUNCTION_WORD_WEIGHT and not only_asks(word.surface)
    ]
    if spoken != language and any(
        all(way.language != spoken for way in word.translations) for word in telling
    ):
        return True
    terms = terms_of(passage, spoken)
    if not telling or any(held(word, terms, spoken) >= _HELD for word in telling):
        return True
    words = frozenset(_WORD.findall(passage.casefold()))
    return spoken == language and any(_has_part(word, words) for word in telling)


def _has_part(word: Word, said: frozenset[str]) -> bool:
    """Return whether a word begins or ends with one of the words of a text, in lower case."""
    surface = word.surface.casefold()
    parts = range(_PART, len(surface))
    return any(surface[:size] in said or surface[-size:] in said for size in parts)


def _names(text: str, language: Language | None, words: Sequence[Word]) -> list[Word]:
    """Return the names of a question; numbers and months aren't any."""
    found = []
    for at, (word, name) in enumerate(zip(words, names_among(text, words), strict=True)):
        surface = word.surface
        if any(character.isdigit() for character in surface) or facts.is_month(surface):
            continue
        if name or (at == 0 and surface[:1].isupper() and _is_place(word, language)):
            found.append(word)
    return found


def _is_place(word: Word, language: Language | None) -> bool:
    if language is None:
        return False
    lemmas = {word.surface.casefold(), *(term for term, _ in word.terms)}
    return any(facts.is_place(lemma) for lemma in lemmas)


def _mentions(
    document: Document, spoken: Language, names: Sequence[Word], language: Language | None
) -> bool:
    """Return whether a document has any of the names, or can't be told to have none.

    In another language a name may be another word: only one that is known there is looked for.
    """
    if not names:
        return True
    said = f" {about(document)} {document.text} ".casefold()
    for word in names:
        towns = {
            name
            for term, _ in word.terms
            if (number := facts.place(term)) is not None
            for name in facts.names_of_place(number)
        }
        known = spoken == language or any(way.language == spoken for way in word.translations)
        if not known and not towns:
            return True
        # Without what endings may change: Helsinki, Helsingissä. A name too many is no harm.
        forms = (form[: max(4, len(form) - 2)] for form in (*written_forms(word), *towns))
        if any(begins(form, said) for form in forms):
            return True
    return False


@cache
def _kinds_of_sums() -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    source = tomllib.loads((files("kb.answering") / "asking.toml").read_text(encoding="utf-8"))
    return tuple((re.compile(one["question"]), re.compile(one["answer"])) for one in source["sums"])
