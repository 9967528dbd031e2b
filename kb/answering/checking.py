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
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import combinations

from kb.analysis import Token
from kb.analysis.engines import FUNCTION_WORD_WEIGHT, analyzer, is_function_word
from kb.answering import facts
from kb.answering.facts import Facts, Number, facts_of
from kb.lexical import Word
from kb.model import LANGUAGES, Language, Span
from kb.translation import Lexicon
from kb.translation.keys import forms

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

_PART = 0.5
_COMPOUND = 0.9
_COMPOUND_LETTERS = 9
_IN_COMPOUND = 0.7
_COVERS = 0.5
_LONGEST_ENDING = 4
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


Place = tuple[int, int]
"""A source's place among the sources, and a token's in it."""


@dataclass(slots=True)
class _Told:
    """A telling word of a claim and where the sources have it."""

    token: Token
    word: Word
    language: Language
    held: float = 0.0
    places: list[Place] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A name, number or year of a claim: its offset, and where the sources have it."""

    kind: str
    key: object
    start: int
    places: tuple[tuple[int, Span], ...]
    unit: str = ""


Words = Callable[[str, Language], Sequence[Word]]
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
        told = self._aligned(claim, language, sources)
        named, unknown = self._names(claim, language, told, sources)
        if unknown:
            return Verdict(Refusal.NAME)
        if _denied_otherwise(claim, said, language, told, sources):
            return Verdict(Refusal.NEGATION)
        if _turned(claim, told, sources):
            return Verdict(Refusal.OPPOSITE)
        if _swapped(claim, language, told, [*anchors, *named], sources):
            return Verdict(Refusal.SWAPPED)
        used = _carrying(told, anchors, sources)
        covered = self._covered(told, said, [sources[at] for at in used])
        cosine = self._similarity(claim, language, _pieces(told, used, sources))
        across = any(sources[at].language != language for at in used)
        if not _means(cosine, covered, across=across):
            return Verdict(Refusal.MEANING, used, cosine, covered)
        return Verdict(None, used, cosine, covered)

    # -- words ---------------------------------------------------------------------------------

    def _aligned(self, claim: str, language: Language, sources: Sequence[Evidence]) -> list[_Told]:
        """Return the telling words of a claim with the places that have them."""
        words = self._words(claim, language)
        tokens = analyzer(language).tokens(claim)
        told: list[_Told] = []
        for token, word in zip(tokens, words, strict=True):
            if word.weight <= FUNCTION_WORD_WEIGHT or is_function_word(token, language):
                continue
            one = _Told(token, word, language)
            for place, source in enumerate(sources):
                one.held = max(one.held, _held(one, source, place))
            told.append(one)
        return told

    def _covered(self, told: Sequence[_Told], said: Facts, sources: Sequence[Evidence]) -> float:
        """Return the share of a claim's telling words that its sources have.

        Numbers and dates don't count: they were looked up. Between languages, words that no
        dictionary has don't either.
        """
        spoken = {source.language for source in sources}
        hard = [number.whole for number in said.numbers] + [date.span for date in said.dates]
        soft = [
            one
            for one in told
            if not any(_span(one.token).overlap(span) for span in hard)
            and (one.held > 0 or one.language in spoken or _translates(one.word, spoken))
        ]
        if not soft:
            return 1.0 if any(one.held for one in told) else 0.0
        # Each word counts alike: by rarity, what passes would depend on what else was ingested.
        return sum(one.held for one in soft) / len(soft)

    # -- names ---------------------------------------------------------------------------------

    def _names(
        self,
        claim: str,
        language: Language,
        told: Sequence[_Told],
        sources: Sequence[Evidence],
    ) -> tuple[list[_Anchor], bool]:
        """Return the names of a claim, and whether one of them isn't in its sources."""
        anchors: list[_Anchor] = []
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
            if not (inside or goes_on or self._is_name(one, language)):
                continue
            found = [(at, _span(sources[at].tokens[t])) for at, t in one.places]
            found += _alike(one.token, sources)
            if not found:
                if not _written_about(one, sources):
                    return anchors, True
                continue
            one.held = 1.0
            anchors.append(
                _Anchor("name", one.word.terms[:1], one.token.start, tuple(dict.fromkeys(found)))
            )
        return anchors, False

    def _is_name(self, told: _Told, language: Language) -> bool:
        """Return whether a word at the beginning of a sentence is a name and no other word."""
        if any(facts.is_place(form) for form in (_surface(told.token), *forms(told.token))):
            return True
        entries = [
            entry
            for form in forms(told.token)
            for other in LANGUAGES
            if other != language
            for entry in self._lexicon.find(form, (language, other))
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


def _hard_facts(said: Facts, sources: Sequence[Evidence]) -> tuple[Refusal | None, list[_Anchor]]:
    """Return why numbers, dates or codes don't stand in the sources; else where they stand."""
    anchors: list[_Anchor] = []
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
            _Anchor(
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
        anchors.append(_Anchor("date", date.value, date.span.start, tuple(found)))
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


# -- words of a claim in its sources ------------------------------------------------------------


def _held(told: _Told, source: Evidence, place: int) -> float:
    """Return how well a source has a word (0–1), and note the places that have it."""
    best = 0.0
    if source.language == told.language:
        for at, token in enumerate(source.tokens):
            value = _alike_tokens(told.token, token)
            if value >= _COVERS:
                told.places.append((place, at))
            best = max(best, value)
        return best
    for at, token in enumerate(source.tokens):
        # Numbers, codes and names are written alike in every language.
        value = (
            1.0
            if _surface(told.token) == _surface(token)
            else _translated(told.word, token, source.language)
        )
        if value >= _COVERS:
            told.places.append((place, at))
        best = max(best, value)
    return max(best, _together(told.word, source))


def _alike_tokens(token: Token, other: Token) -> float:
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
            surface = _surface(token)
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


def _surface(token: Token) -> str:
    return token.surface.casefold()


def _span(token: Token) -> Span:
    return Span(token.start, token.end)


def _alike(token: Token, sources: Sequence[Evidence]) -> list[tuple[int, Span]]:
    """Return where sources have a name in another form, in another language, or in a compound.

    Of a name with something joined to it (5G-verkko, EU-rahoitus) the first part is looked for.
    """
    name = _surface(token)
    first = re.split("[-\u2010\u2011]", name)[0]
    mine = {name, *(term.text for term in token.terms if term.kind == "lemma")}
    found: list[tuple[int, Span]] = []
    for place, source in enumerate(sources):
        for other in source.tokens:
            theirs = _surface(other)
            lemmas = {theirs, *(term.text for term in other.terms if term.kind == "lemma")}
            if (
                _one_name(name, theirs)
                or (first != name and first == re.split("[-\u2010\u2011]", theirs)[0])
                or any(facts.one_place(a, b) for a in mine for b in lemmas)
                or any(facts.one_place(a, b.removesuffix("s")) for a in mine for b in lemmas)
            ):
                found.append((place, _span(other)))
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


def _written_about(told: _Told, sources: Sequence[Evidence]) -> bool:
    """Return whether a name stands in the title or the headings that are shown with a quote."""
    lemmas = {t.text for t in told.token.terms if t.kind in ("lemma", "surface", "stem")}
    for source in sources:
        for token in analyzer(source.language).tokens(source.about):
            if _one_name(_surface(told.token), _surface(token)):
                return True
            if lemmas & {t.text for t in token.terms if t.kind in ("lemma", "surface", "stem")}:
                return True
            if _translated(told.word, token, source.language) >= _COVERS:
                return True
    return False


def _begins_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \t\n\"'”’»(–-")
    return not before or before[-1] in ".!?:…"


# -- denials and opposites ----------------------------------------------------------------------


def _used_clauses(told: Sequence[_Told], sources: Sequence[Evidence]) -> list[tuple[int, Span]]:
    """Return the clauses of the sources that a claim is taken from: fewest that cover it."""
    clauses: list[tuple[tuple[int, Span], set[int], int]] = []
    for place, source in enumerate(sources):
        for clause in facts.clauses(source.text):
            inside = {
                t for t, token in enumerate(source.tokens) if clause.overlap(_span(token)) > 0
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


def _denied_otherwise(
    claim: str,
    said: Facts,
    language: Language,
    told: Sequence[_Told],
    sources: Sequence[Evidence],
) -> bool:
    """Return whether a claim denies more or less than the clauses that it is taken from."""
    used = _used_clauses(told, sources)
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
    told: Sequence[_Told],
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
        own = _span(one.token)
        if not one.places or not any(span.overlap(own) > 0 for span in spans):
            continue
        if any(own.overlap(denial) > 0 for denial in said.denials):
            continue
        if any(
            place == at and clause.overlap(_span(sources[at].tokens[t])) > 0
            for at, t in one.places
            for place, clause in denied
        ):
            inside += 1
        else:
            elsewhere += 1
    return elsewhere > 0 and inside == 0


def _turned(claim: str, told: Sequence[_Told], sources: Sequence[Evidence]) -> bool:
    """Return whether a word of a claim is the opposite of its sources', or a doubt is dropped."""
    for own in facts.clauses(claim):
        text = claim[own.start : own.end]
        sides = facts.poles(text)
        inside = [
            one
            for one in told
            if own.overlap(_span(one.token)) > 0 and not facts.poles(one.token.surface)
        ]
        there = facts.poles(_text_of(_used_clauses(inside, sources), sources)) if sides else {}
        for name, mine in sides.items():
            if there.get(name) and not mine & there[name]:
                return True
    whole = _text_of(_with_what_leads(_used_clauses(told, sources), sources), sources)
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
    told: Sequence[_Told],
    anchors: Sequence[_Anchor],
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
    told: Sequence[_Told],
    anchor: _Anchor,
    anchors: Sequence[_Anchor],
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


def _near(told: Sequence[_Told], place: int, source: Evidence, *, without: Sequence[int]) -> _Near:
    found = [
        (one.token.start, [source.tokens[t].start for at, t in one.places if at == place])
        for one in told
        if one.token.start not in without
    ]
    return sorted((start, starts) for start, starts in found if starts)


def _exchanged(near: _Near, first: _Anchor, second: _Anchor, mine: Span, theirs: Span) -> bool:
    """Return whether all words stand in the source's order once the two are exchanged."""
    single = [(start, starts[0]) for start, starts in near if len(starts) == 1]
    times = Counter(place for _, place in single)
    placed = [(start, place) for start, place in single if times[place] == 1]
    if mine.start < theirs.start or len(placed) < 2:
        return False
    exchanged = sorted([*placed, (first.start, theirs.start), (second.start, mine.start)])
    order = [place for _, place in exchanged]
    return order == sorted(order)


def _nearness(near: _Near, anchor: _Anchor, place: Span) -> float:
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
    claim: str, language: Language, source: Evidence, first: _Anchor, second: _Anchor
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


def _same_forms(claim: str, source: Evidence, first: _Anchor, second: _Anchor) -> bool:
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


def _ending(surface: str, anchor: _Anchor) -> str:
    """Return what a form of a name has beyond its dictionary form: lle of Vaasalle."""
    terms = anchor.key if isinstance(anchor.key, tuple) else ()
    lemma = str(terms[0][0]) if terms else ""
    return surface.casefold().removeprefix(lemma)


def _carrying(
    told: Sequence[_Told], anchors: Sequence[_Anchor], sources: Sequence[Evidence]
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


def _pieces(
    told: Sequence[_Told], used: Sequence[int], sources: Sequence[Evidence]
) -> list[Evidence]:
    """Return what a claim's meaning is compared with: its sources, and the clauses it is from."""
    clauses = [one for one in _used_clauses(told, sources) if one[0] in used]
    texts = {(sources[at].text, sources[at].language): None for at in used}
    for at in used:
        own = sorted(clause for place, clause in clauses if place == at)
        text = " ".join(sources[at].text[one.start : one.end].strip(" ,;") for one in own)
        if text:
            texts[text, sources[at].language] = None
    return [Evidence(text, language) for text, language in texts]


def _needed(place: int, anchors: Sequence[_Anchor], used: Sequence[int]) -> bool:
    return any(
        place in {at for at, _ in anchor.places} and not any(at in used for at, _ in anchor.places)
        for anchor in anchors
    )
