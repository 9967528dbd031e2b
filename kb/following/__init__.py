"""Questions that go on from the one before: understood as whole questions, by rules.

*Entä Porissa?* after *Miten jätevesi puhdistetaan Kokkolassa?* means *Miten jätevesi
puhdistetaan Porissa?* Three things are done: a fragment takes the place of what it stands for
(a place, a year, a noun of the same case or part), a pronoun or *siellä* is said in the words of
the question before, and *miksi?* alone asks the same otherwise. What doesn't clearly go on is
left alone: a question wrongly changed is worse than one that finds nothing.

The whole question is shown and can be edited, so nothing here needs to be clever.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kb.following import chunked, finnish
from kb.following.words import opening_of, words
from kb.language import detect
from kb.model import LANGUAGES

LONGEST = 160
"""Characters of a question that goes on: a longer one says for itself what it is about."""

MOST_PREVIOUS = 8
"""Questions before this one that are looked at, the last ones."""

_READ = 2000
"""Characters of a question before this one that are looked at."""


@dataclass(frozen=True, slots=True)
class Understood:
    """A follow-up: what was ``written``, and the whole question (``text``) that it stands for."""

    text: str
    written: str


def understand(question: str, previous: Sequence[str]) -> Understood | None:
    """Return what a question means after others (oldest first); None where it stands alone."""
    before = ""
    asked = [one.strip()[:_READ] for one in previous if one.strip()]
    for earlier in asked[-MOST_PREVIOUS:]:
        before = (_resolved(earlier, before) if before else None) or earlier
    text = _resolved(question.strip(), before) if before else None
    if text is None or text.casefold() == question.strip().casefold():
        return None
    return Understood(text=text, written=question.strip())


def _resolved(question: str, before: str) -> str | None:
    if not question or len(question) > LONGEST:
        return None
    language = detect(before) or detect(question) or "fi"
    stated = re.sub(r"[\s?!.…]+$", "", before)
    spoken, rest = opening_of(question)
    rest = re.sub(r"[\s?!.…]+$", "", rest).lstrip(" ,;:–-")
    if not rest:
        return None
    rules = finnish if language == "fi" else chunked
    if any(rest.split()[0].casefold() in words(one, "conditions") for one in LANGUAGES):
        rest = re.sub(r"[\s?!.…]+$", "", question)  # "Entä jos …" asks something of its own
    alone = spoken is None
    if not rules.is_clause(rest, language if alone else spoken or language):
        filled = rules.filled(rest, stated, language, alone=alone)
        return None if filled is None else _asked(filled)
    # A whole question; what points back in it is said in the words of the one before.
    own = spoken or detect(rest) or language
    if own != language:
        return None
    said = rules.pointed(rest, stated, language)
    return None if said is None else _asked(said)


def _asked(text: str) -> str:
    plain = " ".join(text.split())
    return f"{plain[:1].upper()}{plain[1:]}?"
