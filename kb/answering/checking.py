"""Whether the sentences that a claim names as its sources say what the claim says.

A claim is refused unless every number (with its unit), date, name and code of it stands in its
sources, nothing is denied there that it affirms or the other way round, names and numbers belong
together as they do there, no word has turned into its opposite, and the whole means nearly the
same. The claim may be in another language than its sources. What can't be decided is refused:
a true statement that is left out costs less than a false one that is shown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from kb.answering import facts
from kb.answering.aligning import (
    Anchor,
    Evidence,
    Told,
    Words,
    aligned,
    carrying,
    covered,
    named,
    pieces,
    span_of,
    used_clauses,
)
from kb.answering.facts import Facts, Number, facts_of
from kb.model import Language, Span
from kb.translation import Lexicon

MOST_CHARACTERS = 600
"""Characters of a claim: longer ones say too much at once to be checked."""

LEAST_COVERED = 0.6
"""Share of a claim's telling words that sources in its own language have."""

LEAST_TOGETHER = 1.1
"""What that share and half the centred cosine have to make together, in one language."""

LEAST_ACROSS = 1.35
"""What the share, in translation, and twice the cosine have to make between two languages: there
the dictionaries leave gaps, and the cosine tells more."""

LEAST_COSINE = 0.2
"""The centred cosine below which a claim is about something else, whatever words it shares."""

_RIVAL = 1.25
"""How much nearer a claim's words may be to another number of the source than to the claim's."""

_DEPENDS = re.compile(r"\W*(?:että|att|that)\b", re.I)
_AND = re.compile(r"(?:[\s,&]|\b(?:ja|och|and|sekä|samt|tai|or|eller|mukaan lukien)\b)*\Z", re.I)


class Refusal(StrEnum):
    """Why a claim is left out; ``left_out.<value>`` is its text."""

    SOURCE = "source"
    NUMBER = "number"
    DATE = "date"
    NAME = "name"
    SWAPPED = "swapped"
    NEGATION = "negation"
    OPPOSITE = "opposite"
    MEANING = "meaning"
    LANGUAGE = "language"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a check: ``refusal`` is None where the claim holds.

    ``used`` are the places of the sources that carry the claim; ``cosine`` and ``covered`` are
    what its meaning was judged by (0 where the check ended before).
    """

    refusal: Refusal | None
    used: tuple[int, ...] = ()
    cosine: float = 0.0
    covered: float = 0.0

    @property
    def support(self) -> float:
        """How well the sources carry the claim, 0–1."""
        return max(0.0, min(1.0, (self.cosine + self.covered) / 2))


Similarity = Callable[[str, Language, Sequence[Evidence]], float]


class ClaimChecker:
    """Checks claims against their sources. Safe between threads.

    ``words`` gives a text's words with terms and translations, ``similarity`` the
    greatest centred cosine of a claim and any of its sources; ``lexicon``
    tells names from words.
    """

    def __init__(self, *, words: Words, similarity: Similarity, lexicon: Lexicon) -> None:
        self._words = words
        self._similarity = similarity
        self._lexicon = lexicon

    def check(self, claim: str, language: Language, sources: Sequence[Evidence]) -> Verdict:
        """Return whether sources carry a claim that is written in a language."""
        if not sources:
            return Verdict(Refusal.SOURCE)
        if not _well_formed(claim, sources):
            return Verdict(Refusal.FORM)
        said = facts_of(claim, language)
        refusal, anchors = _hard_facts(said, sources)
        if refusal:
            return Verdict(refusal)
        told = aligned(claim, language, sources, words=self._words)
        names, unknown = named(claim, language, told, sources, lexicon=self._lexicon)
        if unknown:
            return Verdict(Refusal.NAME)
        if _denied_otherwise(claim, said, language, told, sources):
            return Verdict(Refusal.NEGATION)
        if _turned(claim, told, sources):
            return Verdict(Refusal.OPPOSITE)
        if _swapped(claim, language, told, [*anchors, *names], sources):
            return Verdict(Refusal.SWAPPED)
        used = carrying(told, anchors, sources)
        share = covered(told, said, [sources[at] for at in used])
        cosine = self._similarity(claim, language, pieces(told, used, sources))
        across = any(sources[at].language != language for at in used)
        if not _means(cosine, share, across=across):
            return Verdict(Refusal.MEANING, used, cosine, share)
        return Verdict(None, used, cosine, share)


def _means(cosine: float, covered: float, *, across: bool) -> bool:
    if cosine < LEAST_COSINE:
        return False
    if across:
        return covered + 2 * cosine >= LEAST_ACROSS
    return covered >= LEAST_COVERED and covered + cosine / 2 >= LEAST_TOGETHER


def _well_formed(claim: str, sources: Sequence[Evidence]) -> bool:
    if not 0 < len(claim) <= MOST_CHARACTERS or facts.is_foreign_to_statements(claim):
        return False
    if sum(character.isalpha() for character in claim) < 8 or not claim.isprintable():
        return False
    held = {character for source in sources for character in source.text}
    for word in claim.split():
        scripts = {_is_latin(character) for character in word if character.isalpha()}
        # Letters of two scripts in one word are there to deceive; a source may have some of
        # another script by themselves (µ, Ω).
        if len(scripts) > 1 or (False in scripts and not set(word) <= held):
            return False
    return True


def _is_latin(character: str) -> bool:
    # Letters and the modifiers written like them; the micro sign is U+00B5.
    return ord(character) < 0x250 or 0x1E00 <= ord(character) <= 0x1EFF


# -- numbers, dates, codes -------------------------------------------------------------------


def _hard_facts(said: Facts, sources: Sequence[Evidence]) -> tuple[Refusal | None, list[Anchor]]:
    """Return why numbers, dates or codes don't stand in the sources; else where they stand."""
    anchors: list[Anchor] = []
    free = [
        (place, number) for place, source in enumerate(sources) for number in source.facts.numbers
    ]
    for number in said.numbers:
        fitting = [(place, other) for place, other in free if _same(number, other, sources[place])]
        if not fitting:
            return Refusal.NUMBER, anchors
        # The same number twice has to stand there twice.
        free.remove(fitting[0])
        anchors.append(
            Anchor(
                "number",
                (number.values, number.unit),
                number.span.start,
                tuple((place, other.span) for place, other in fitting),
                number.unit,
            )
        )
    for date in said.dates:
        found = [
            (place, other.span)
            for place, source in enumerate(sources)
            for other in source.facts.dates
            if (other.kind, other.value) == (date.kind, date.value)
            or (date.kind == "month" and other.kind == "day" and other.value[:1] == date.value)
        ]
        if not found:
            return Refusal.DATE, anchors
        anchors.append(Anchor("date", date.value, date.span.start, tuple(found)))
    for code, _ in said.codes:
        if not any(code in source.text.casefold() for source in sources):
            return Refusal.NAME, anchors
    return None, anchors


def _same(number: Number, other: Number, source: Evidence) -> bool:
    if not number.values & other.values:
        return False
    if not number.unit or number.unit == other.unit:
        return True
    # The unit of a cell stands in the head of its table.
    return not other.unit and facts.unit_stands_in(number.unit, source.text)


# -- denials and opposites ----------------------------------------------------------------------


def _denied_otherwise(
    claim: str,
    said: Facts,
    language: Language,
    told: Sequence[Told],
    sources: Sequence[Evidence],
) -> bool:
    """Return whether a claim denies more or less than the clauses that it is taken from."""
    used = used_clauses(told, sources)
    denied = {
        (place, clause): sum(clause.overlap(one) > 0 for one in sources[place].facts.denials)
        for place, clause in used
    }
    here, there = len(said.denials), sum(denied.values())
    if all(sources[place].language == language for place, _ in used):
        if here != there:
            return True
    # Languages differ in how often they deny one thing (ei … eikä, neither … nor).
    elif (here > 0) != (there > 0):
        return True
    if not here or all(denied.values()):
        return False
    return _denies_something_else(claim, said, told, sources, [k for k, n in denied.items() if n])


def _denies_something_else(
    claim: str,
    said: Facts,
    told: Sequence[Told],
    sources: Sequence[Evidence],
    denied: Sequence[tuple[int, Span]],
) -> bool:
    """Return whether what a claim denies is nothing that its sources deny."""
    spans = [
        clause
        for clause in facts.clauses(claim)
        if any(clause.overlap(denial) > 0 for denial in said.denials)
    ]
    inside = elsewhere = 0
    for one in told:
        own = span_of(one.token)
        if not one.places or not any(span.overlap(own) > 0 for span in spans):
            continue
        if any(own.overlap(denial) > 0 for denial in said.denials):
            continue
        if any(
            place == at and clause.overlap(span_of(sources[at].tokens[t])) > 0
            for at, t in one.places
            for place, clause in denied
        ):
            inside += 1
        else:
            elsewhere += 1
    return elsewhere > 0 and inside == 0


def _turned(claim: str, told: Sequence[Told], sources: Sequence[Evidence]) -> bool:
    """Return whether a word of a claim is the opposite of its sources', or a doubt is dropped."""
    for own in facts.clauses(claim):
        text = claim[own.start : own.end]
        sides = facts.poles(text)
        inside = [
            one
            for one in told
            if own.overlap(span_of(one.token)) > 0 and not facts.poles(one.token.surface)
        ]
        there = facts.poles(_text_of(used_clauses(inside, sources), sources)) if sides else {}
        for name, mine in sides.items():
            if there.get(name) and not mine & there[name]:
                return True
    whole = _text_of(_with_what_leads(used_clauses(told, sources), sources), sources)
    return bool(facts.doubts(whole) - facts.doubts(claim) or facts.rates(claim) - _rates(sources))


def _with_what_leads(
    used: Sequence[tuple[int, Span]], sources: Sequence[Evidence]
) -> list[tuple[int, Span]]:
    """Return clauses with the one before where they depend on it (the plan is that …)."""
    out: list[tuple[int, Span]] = []
    for place, clause in used:
        text = sources[place].text
        out.append((place, clause))
        if _DEPENDS.match(text[clause.start : clause.end]):
            out += [(place, one) for one in facts.clauses(text) if one.end == clause.start]
    return out


def _text_of(clauses: Sequence[tuple[int, Span]], sources: Sequence[Evidence]) -> str:
    return " ".join(sources[place].text[one.start : one.end] for place, one in clauses)


def _rates(sources: Sequence[Evidence]) -> frozenset[str]:
    return frozenset().union(*(facts.rates(source.text) for source in sources))


# -- what belongs together ------------------------------------------------------------------------


def _swapped(
    claim: str,
    language: Language,
    told: Sequence[Told],
    anchors: Sequence[Anchor],
    sources: Sequence[Evidence],
) -> bool:
    """Return whether names, numbers or dates belong to something else than in the sources.

    Two of a kind are compared where each stands in one place of one and the same source: the
    words near each in the claim must be nearer to it in the source than to the other one. A
    number is also compared with the source's other numbers of its unit.
    """
    for first, second in combinations(sorted(anchors, key=lambda anchor: anchor.start), 2):
        if first.kind != second.kind or first.key == second.key:
            continue
        if first.unit and second.unit and first.unit != second.unit:
            continue
        if len(first.places) != 1 or len(second.places) != 1:
            continue
        (place, mine), (other, theirs) = first.places[0], second.places[0]
        if place != other or mine == theirs:
            continue
        source = sources[place]
        if first.kind == "name" and (
            _side_by_side(source, mine, theirs)
            or _same_forms(claim, source, first, second)
            or _same_roles(claim, language, source, first, second)
        ):
            continue
        near = _near(told, place, source, without=(first.start, second.start))
        if _exchanged(near, first, second, mine, theirs):
            return True
        kept = _nearness(near, first, mine) + _nearness(near, second, theirs)
        crossed = _nearness(near, first, theirs) + _nearness(near, second, mine)
        if crossed > 1.1 * kept:
            return True
    return any(_another_number(told, anchor, anchors, sources) for anchor in anchors)


def _another_number(
    told: Sequence[Told],
    anchor: Anchor,
    anchors: Sequence[Anchor],
    sources: Sequence[Evidence],
) -> bool:
    """Return whether a claim tells a number of what its source tells another number of."""
    if anchor.kind != "number" or len(anchor.places) != 1:
        return False
    place, own = anchor.places[0]
    source = sources[place]
    said = {span for other in anchors for at, span in other.places if at == place}
    rivals = [
        number.span
        for number in source.facts.numbers
        if number.unit == anchor.unit and number.span not in said
    ]
    near = _near(told, place, source, without=(anchor.start,))
    kept = _nearness(near, anchor, own)
    return any(_nearness(near, anchor, rival) > _RIVAL * kept for rival in rivals)


_Near = list[tuple[int, list[int]]]
"""Words of a claim, in order: the offset of each, and its offsets in a source."""


def _near(told: Sequence[Told], place: int, source: Evidence, *, without: Sequence[int]) -> _Near:
    found = [
        (one.token.start, [source.tokens[t].start for at, t in one.places if at == place])
        for one in told
        if one.token.start not in without
    ]
    return sorted((start, starts) for start, starts in found if starts)


def _exchanged(near: _Near, first: Anchor, second: Anchor, mine: Span, theirs: Span) -> bool:
    """Return whether all words stand in the source's order once the two are exchanged."""
    single = [(start, starts[0]) for start, starts in near if len(starts) == 1]
    times = Counter(place for _, place in single)
    placed = [(start, place) for start, place in single if times[place] == 1]
    if mine.start < theirs.start or len(placed) < 2:
        return False
    exchanged = sorted([*placed, (first.start, theirs.start), (second.start, mine.start)])
    order = [place for _, place in exchanged]
    return order == sorted(order)


def _nearness(near: _Near, anchor: Anchor, place: Span) -> float:
    """Return how near the words that are near an anchor in the claim are to a place."""
    return sum(
        max(1.0 / (8 + abs(other - place.start)) for other in starts)
        / (8 + abs(start - anchor.start))
        for start, starts in near
    )


def _side_by_side(source: Evidence, one: Span, other: Span) -> bool:
    """Return whether two names are listed: their order then says nothing."""
    start, end = sorted((one, other))
    between = source.text[start.end : end.start]
    kept = " ".join(word for word in between.split() if not word[:1].isupper())
    return _AND.match(kept) is not None


_INSIDE: dict[Language, re.Pattern[str]] = {
    "fi": re.compile(r"[\w:’'-]+(?:ss[aä]|ll[aä])\b"),
    "sv": re.compile(r"\b(?:i|på|vid)\s+[\w’'-]+"),
    "en": re.compile(r"\b(?:in|at|on)\s+(?:the\s+)?[\w’'-]+"),
}
"""A name as the place where something is or happens, rather than who does it."""


def _same_roles(
    claim: str, language: Language, source: Evidence, first: Anchor, second: Anchor
) -> bool:
    """Return whether one of two names is a place, in the claim and in the source alike."""
    here = [_is_place(claim, language, anchor.start) for anchor in (first, second)]
    there = [
        _is_place(source.text, source.language, anchor.places[0][1].start)
        for anchor in (first, second)
    ]
    return here == there and here[0] != here[1]


def _is_place(text: str, language: Language, start: int) -> bool:
    pattern = _INSIDE[language]
    return any(match.start() <= start < match.end() for match in pattern.finditer(text.lower()))


def _same_forms(claim: str, source: Evidence, first: Anchor, second: Anchor) -> bool:
    """Return whether two names have the endings that they have in a Finnish source."""
    if source.language != "fi":
        return False
    endings: list[tuple[str, str]] = []
    for anchor in (first, second):
        here = re.match(r"[\w:’'-]+", claim[anchor.start :])
        place = anchor.places[0][1]
        there = source.text[place.start : place.end]
        endings.append((_ending(here.group() if here else "", anchor), _ending(there, anchor)))
    # The same case on both tells nothing: then the order decides.
    return all(a == b for a, b in endings) and endings[0] != endings[1]


def _ending(surface: str, anchor: Anchor) -> str:
    """Return what a form of a name has beyond its dictionary form: lle of Vaasalle."""
    terms = anchor.key if isinstance(anchor.key, tuple) else ()
    lemma = str(terms[0][0]) if terms else ""
    return surface.casefold().removeprefix(lemma)
