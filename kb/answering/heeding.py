"""What a question names that an answer can't be without: somebody or somewhere, or a kind of sum.

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

from kb.answering import facts
from kb.answering.support import Asked, about, begins, names_among, written_forms
from kb.answering.units import Unit
from kb.lexical import Word
from kb.model import Document, Language


def heeds(question: Asked, text: str, language: Language | None, unit: Unit) -> bool:
    """Return whether a unit can be about what a question, written in a language, names.

    A check of what answers best: units that don't heed aren't left out before, since the best of
    the others then looks surer than it is.
    """
    document = unit.hit.document
    if not _mentions(document, unit.language, _names(text, language, question.words), language):
        return False
    if question.kind not in ("how much", "what"):
        return True
    said = "\n".join((*unit.hit.passage.heading, document.metadata.title, unit.hit.text)).casefold()
    asked = text.casefold()
    return all(told.search(said) for sum_, told in _kinds_of_sums() if sum_.search(asked))


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
