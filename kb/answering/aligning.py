"""Where a claim's words, names and clauses stand in the sentences that it names as its sources.

Words are found by their terms in one language and by translations between two, names in any of
their forms. Nothing is judged here: ``kb.answering.checking`` does that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from kb.analysis import Token
from kb.analysis.engines import FUNCTION_WORD_WEIGHT, analyzer, is_function_word
from kb.answering import facts
from kb.answering.facts import Facts, facts_of
from kb.lexical import Word
from kb.model import LANGUAGES, Language, Span
from kb.translation import Lexicon
from kb.translation.keys import forms

_PART = 0.5
_COMPOUND = 0.9
_COMPOUND_LETTERS = 9
_IN_COMPOUND = 0.7
_COVERS = 0.5
_LONGEST_ENDING = 4


@dataclass(frozen=True)
class Evidence:
    """What a claim names as a source: the words that are quoted, verbatim.

    ``about`` is what is shown with the quote (title, headings): a name may stand there.
    """

    text: str
    language: Language
    about: str = ""

    @cached_property
    def tokens(self) -> list[Token]:
        """The words with their terms."""
        return analyzer(self.language).tokens(self.text)

    @cached_property
    def facts(self) -> Facts:
        """Numbers, dates, codes and denials."""
        return facts_of(self.text, self.language)


Place = tuple[int, int]
"""A source's place among the sources, and a token's in it."""


@dataclass(slots=True)
class Told:
    """A telling word of a claim and where the sources have it."""

    token: Token
    word: Word
    language: Language
    held: float = 0.0
    places: list[Place] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A name, number or year of a claim: its offset, and where the sources have it."""

    kind: str
    key: object
    start: int
    places: tuple[tuple[int, Span], ...]
    unit: str = ""


Words = Callable[[str, Language], Sequence[Word]]


# -- words -------------------------------------------------------------------------------------


def aligned(
    claim: str, language: Language, sources: Sequence[Evidence], *, words: Words
) -> list[Told]:
    """Return the telling words of a claim with the places that have them."""
    tokens = analyzer(language).tokens(claim)
    told: list[Told] = []
    for token, word in zip(tokens, words(claim, language), strict=True):
        if word.weight <= FUNCTION_WORD_WEIGHT or is_function_word(token, language):
            continue
        one = Told(token, word, language)
        for place, source in enumerate(sources):
            one.held = max(one.held, _held(one, source, place))
        told.append(one)
    return told


def covered(told: Sequence[Told], said: Facts, sources: Sequence[Evidence]) -> float:
    """Return the share of a claim's telling words that its sources have.

    Numbers and dates don't count: they were looked up. Between languages, words that no
    dictionary has don't either.
    """
    spoken = {source.language for source in sources}
    hard = [number.whole for number in said.numbers] + [date.span for date in said.dates]
    soft = [
        one
        for one in told
        if not any(span_of(one.token).overlap(span) for span in hard)
        and (one.held > 0 or one.language in spoken or _translates(one.word, spoken))
    ]
    if not soft:
        return 1.0 if any(one.held for one in told) else 0.0
    # Each word counts alike: by rarity, what passes would depend on what else was ingested.
    return sum(one.held for one in soft) / len(soft)


def _held(told: Told, source: Evidence, place: int) -> float:
    """Return how well a source has a word (0–1), and note the places that have it."""
    best = 0.0
    if source.language == told.language:
        for at, token in enumerate(source.tokens):
            value = alike_tokens(told.token, token)
            if value >= _COVERS:
                told.places.append((place, at))
            best = max(best, value)
        return best
    for at, token in enumerate(source.tokens):
        # Numbers, codes and names are written alike in every language.
        value = (
            1.0
            if surface_of(told.token) == surface_of(token)
            else _translated(told.word, token, source.language)
        )
        if value >= _COVERS:
            told.places.append((place, at))
        best = max(best, value)
    return max(best, _together(told.word, source))


def alike_tokens(token: Token, other: Token) -> float:
    """Return how well a word of a text says another one of the same language, 0–1."""
    mine = {term.text for term in token.terms if term.kind != "part" and term.text[0] != "_"}
    theirs = {term.text for term in other.terms if term.kind != "part" and term.text[0] != "_"}
    if mine & theirs:
        return 1.0
    parts = {term.text for term in token.terms if term.kind == "part" and term.text[0] != "_"}
    their_parts = {term.text for term in other.terms if term.kind == "part" and term.text[0] != "_"}
    if mine & their_parts:
        return _IN_COMPOUND  # the general word for the compound that the source has
    if parts & theirs:
        return _PART
    if parts and parts <= their_parts:
        return 0.8
    return _PART if parts & their_parts else 0.0


def _translated(word: Word, token: Token, language: Language) -> float:
    """Return how well one word of a source says a word in another language."""
    main = {term.text for term in token.terms if term.kind != "part"}
    parts = {term.text for term in token.terms if term.kind == "part"}
    best = 0.0
    for way in word.translations:
        if way.language != language:
            continue
        shares = [
            max((_best(terms, main, parts) for terms in part), default=0.0) for part in way.parts
        ]
        if language == "sv":
            # Swedish compounds are found by their letters: no analyser parts them.
            surface = surface_of(token)
            most = _COMPOUND if len(way.parts) > 1 else _IN_COMPOUND
            shares = [
                max(share, most * any(_stands_in(terms, surface) for terms in part))
                for share, part in zip(shares, way.parts, strict=True)
            ]
        # A rare translation of a word is one all the same: what it weighs is for ranking.
        best = max(best, max(0.8, way.weight) * sum(shares) / len(shares))
    return best


def _stands_in(terms: Sequence[tuple[str, float]], surface: str) -> bool:
    return any(len(term) > 3 and term[0] != "_" and term in surface for term, _ in terms)


def _translates(word: Word, languages: set[Language]) -> bool:
    return any(way.language in languages for way in word.translations)


def _together(word: Word, source: Evidence) -> float:
    """Return how well several words of a source say a word: jätevesi and *waste water*."""
    main = {t.text for token in source.tokens for t in token.terms if t.kind != "part"}
    parts = {t.text for token in source.tokens for t in token.terms if t.kind == "part"}
    best = 0.0
    for way in word.translations:
        if way.language != source.language or len(way.parts) < 2:
            continue
        shares = [
            max((_best(terms, main, parts) for terms in part), default=0.0) for part in way.parts
        ]
        best = max(best, max(0.8, way.weight) * sum(shares) / len(shares))
    return best


def _best(terms: Sequence[tuple[str, float]], main: set[str], parts: set[str]) -> float:
    best = 0.0
    for term, weight in terms:
        if term.startswith("_"):
            continue
        if term in main:
            best = max(best, 1.0 if weight > 0.85 or len(terms) == 1 else _PART)
        elif term in parts:
            best = max(best, 0.7 if weight > 0.85 else _PART)
    return best


def surface_of(token: Token) -> str:
    """Return a word as it is written, without case."""
    return token.surface.casefold()


def span_of(token: Token) -> Span:
    """Return the place of a word."""
    return Span(token.start, token.end)


# -- names -------------------------------------------------------------------------------------


def named(
    claim: str,
    language: Language,
    told: Sequence[Told],
    sources: Sequence[Evidence],
    *,
    lexicon: Lexicon,
) -> tuple[list[Anchor], bool]:
    """Return the names of a claim, and whether one of them isn't in its sources."""
    anchors: list[Anchor] = []
    for place, one in enumerate(told):
        surface = one.token.surface
        if not surface[:1].isupper() or facts.is_month(surface):
            continue
        after = told[place + 1].token if place + 1 < len(told) else None
        goes_on = (
            after is not None
            and after.surface[:1].isupper()
            and len(after.surface) > 1
            and (claim[one.token.end : after.start].strip() == "")
        )
        inside = not _begins_sentence(claim, one.token.start) or surface[1:].isupper()
        if not (inside or goes_on or _is_name(one, language, lexicon)):
            continue
        found = [(at, span_of(sources[at].tokens[t])) for at, t in one.places]
        found += _alike(one.token, sources)
        if not found:
            if not _written_about(one, sources):
                return anchors, True
            continue
        one.held = 1.0
        anchors.append(
            Anchor("name", one.word.terms[:1], one.token.start, tuple(dict.fromkeys(found)))
        )
    return anchors, False


def _is_name(told: Told, language: Language, lexicon: Lexicon) -> bool:
    """Return whether a word at the beginning of a sentence is a name and no other word."""
    if any(facts.is_place(form) for form in (surface_of(told.token), *forms(told.token))):
        return True
    entries = [
        entry
        for form in forms(told.token)
        for other in LANGUAGES
        if other != language
        for entry in lexicon.find(form, (language, other))
    ]
    if any(entry.headword[:1].islower() for entry in entries):
        return False
    if language == "fi":
        from kb.analysis.finnish import FinnishAnalyzer

        finnish = analyzer("fi")
        return isinstance(finnish, FinnishAnalyzer) and finnish.is_name(told.token.surface)
    # A long word that no dictionary has but in parts is a compound; a short one that falls
    # into parts does so by chance (Kokkola: cook and cola).
    compound = bool(told.word.translations) and len(told.token.surface) >= _COMPOUND_LETTERS
    return bool(entries) or not compound


def _alike(token: Token, sources: Sequence[Evidence]) -> list[tuple[int, Span]]:
    """Return where sources have a name in another form, in another language, or in a compound.

    Of a name with something joined to it (5G-verkko, EU-rahoitus) the first part is looked for.
    """
    name = surface_of(token)
    first = re.split("[-\u2010\u2011]", name)[0]
    mine = {name, *(term.text for term in token.terms if term.kind == "lemma")}
    found: list[tuple[int, Span]] = []
    for place, source in enumerate(sources):
        for other in source.tokens:
            theirs = surface_of(other)
            lemmas = {theirs, *(term.text for term in other.terms if term.kind == "lemma")}
            if (
                _one_name(name, theirs)
                or (first != name and first == re.split("[-\u2010\u2011]", theirs)[0])
                or any(facts.one_place(a, b) for a in mine for b in lemmas)
                or any(facts.one_place(a, b.removesuffix("s")) for a in mine for b in lemmas)
            ):
                found.append((place, span_of(other)))
    return found


def _one_name(name: str, other: str) -> bool:
    if name == other:
        return True
    shared = 0
    for mine, theirs in zip(name, other, strict=False):
        if mine != theirs:
            break
        shared += 1
    return (
        shared >= 4
        and len(name) - shared <= _LONGEST_ENDING
        and len(other) - shared <= _LONGEST_ENDING
        # The endings of a name inflected in two ways, not of two names that begin alike.
        and min(len(name), len(other)) - shared <= 1
    )


def _written_about(told: Told, sources: Sequence[Evidence]) -> bool:
    """Return whether a name stands in the title or the headings that are shown with a quote."""
    lemmas = {t.text for t in told.token.terms if t.kind in ("lemma", "surface", "stem")}
    for source in sources:
        for token in analyzer(source.language).tokens(source.about):
            if _one_name(surface_of(told.token), surface_of(token)):
                return True
            if lemmas & {t.text for t in token.terms if t.kind in ("lemma", "surface", "stem")}:
                return True
            if _translated(told.word, token, source.language) >= _COVERS:
                return True
    return False


def _begins_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \t\n\"'”’»(–-")
    return not before or before[-1] in ".!?:…"


# -- clauses and sources -----------------------------------------------------------------------


def used_clauses(told: Sequence[Told], sources: Sequence[Evidence]) -> list[tuple[int, Span]]:
    """Return the clauses of the sources that a claim is taken from: fewest that cover it."""
    clauses: list[tuple[tuple[int, Span], set[int], int]] = []
    for place, source in enumerate(sources):
        for clause in facts.clauses(source.text):
            inside = {
                t for t, token in enumerate(source.tokens) if clause.overlap(span_of(token)) > 0
            }
            telling = {t for t in inside if not is_function_word(source.tokens[t], source.language)}
            holds = {
                n
                for n, one in enumerate(told)
                if any(at == place and t in inside for at, t in one.places)
            }
            clauses.append(((place, clause), holds, len(telling)))
    left = set(range(len(told)))
    used: list[tuple[int, Span]] = []
    while clauses:
        clauses.sort(key=lambda one: -len(one[1] & left))
        where, holds, size = clauses.pop(0)
        gained = len(holds & left)
        if gained == 0 or (gained < 2 and used and gained * 2 < size):
            break
        used.append(where)
        left -= holds
    return used


def carrying(
    told: Sequence[Told], anchors: Sequence[Anchor], sources: Sequence[Evidence]
) -> tuple[int, ...]:
    """Return the places of the sources that a claim needs: fewest that have all it says."""
    needs: list[set[int]] = [{place for place, _ in one.places} for one in told if one.places]
    needs += [{place for place, _ in anchor.places} for anchor in anchors if anchor.places]
    used: list[int] = []
    while needs:
        counts = [sum(place in need for need in needs) for place in range(len(sources))]
        most = max(range(len(sources)), key=lambda place: (counts[place], -place))
        # A single common word isn't worth a source of its own.
        if not counts[most] or (used and counts[most] < 2 and not _needed(most, anchors, used)):
            break
        used.append(most)
        needs = [need for need in needs if most not in need]
    return tuple(sorted(used)) or (0,)


def _needed(place: int, anchors: Sequence[Anchor], used: Sequence[int]) -> bool:
    return any(
        place in {at for at, _ in anchor.places} and not any(at in used for at, _ in anchor.places)
        for anchor in anchors
    )


def pieces(
    told: Sequence[Told], used: Sequence[int], sources: Sequence[Evidence]
) -> list[Evidence]:
    """Return what a claim's meaning is compared with: its sources, and the clauses it is from."""
    clauses = [one for one in used_clauses(told, sources) if one[0] in used]
    texts = {(sources[at].text, sources[at].language): None for at in used}
    for at in used:
        own = sorted(clause for place, clause in clauses if place == at)
        text = " ".join(sources[at].text[one.start : one.end].strip(" ,;") for one in own)
        if text:
            texts[text, sources[at].language] = None
    return [Evidence(text, language) for text, language in texts]
