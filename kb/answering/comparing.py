"""Figures of the same thing from different years, side by side, the newest first.

Two statements are put beside each other only where nothing but the figure and its time sets them
apart: every telling word of the one is in the other, in its title or in its headings, and they
agree in unit, places, denials, plans, bounds and what they tell a rate of. What is left open is
taken for different: a figure that isn't compared stands in the answer by itself, and two that
don't belong together would say something that no document says.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from itertools import pairwise

from kb.analysis import Token
from kb.analysis.engines import analyzer, is_function_word
from kb.answering import facts
from kb.answering.aligning import alike_tokens, span_of, surface_of
from kb.answering.asking import AskedKind
from kb.answering.facts import Date, Number, facts_of
from kb.answering.support import Asked, Features, covered, terms_of
from kb.answering.units import Unit
from kb.citing import cite
from kb.model import LANGUAGES, Citation, Claim, Figure, Language, Span

COMPARED: frozenset[AskedKind] = frozenset({"how much", "when"})
"""Kinds of questions whose figures are put side by side."""

MOST_FIGURES = 5

_SAME_WORD = 0.9
"""From which on two words of a language say the same: a compound and its part don't."""

_LEAST_COVERED = 0.3
_ALIKE_COVERED = 0.06
"""How much of the question statements hold, and by how much they may differ in that."""

_WITHIN = 8.0
"""How far below the best statement's log-odds another figure of the same thing may lie. Far: the
model that reads takes what was so in another year for no answer, and here that is what is sought;
which figures are of the same thing is told by their words."""

_THIN = 2
"""A statement of fewer telling words is told by its heading what it is about."""


@dataclass(frozen=True)
class Said:
    """A statement with one figure of the kind asked for: what it is of, and of when.

    ``figure`` is its place in the document. ``values`` are what it may mean, ``unit`` is of what.
    ``year`` is the one that the statement itself names.
    """

    unit_said: Unit
    figure: Span
    values: frozenset[object]
    unit: str
    year: int | None
    text: str
    core: str
    hidden: tuple[Span, ...]

    @property
    def language(self) -> Language:
        """The language that it is said in."""
        return self.unit_said.language

    @cached_property
    def date(self) -> str | None:
        """The year named, else the document's date; ISO, possibly a year alone."""
        if self.year is not None:
            return str(self.year)
        return self.unit_said.hit.document.metadata.date

    @cached_property
    def newness(self) -> tuple[str, str]:
        """What says which of two is newer: their dates, then those of their documents."""
        own = self.unit_said.hit.document.metadata.date or ""
        # A document of the year named and a statement that names it are of one time.
        return (str(self.year) if self.year is not None else own[:4], own)

    @cached_property
    def words(self) -> list[Token]:
        """Its telling words, but for numbers, dates, units and words about time."""
        return _telling(self.text, self.language, self.hidden)

    @cached_property
    def headings(self) -> list[Token]:
        """The telling words of its innermost heading."""
        path = self.unit_said.hit.document.locate(self.unit_said.core).heading
        return _telling(path[-1] if path else "", self.language, ())

    @cached_property
    def about(self) -> list[Token]:
        """The words of title, headings, and what it stands under."""
        unit = self.unit_said
        document = unit.hit.document
        said = [document.metadata.title, *document.locate(unit.core).heading]
        if unit.context is not None:
            said.append(document.text[unit.context.start : unit.context.end])
        return analyzer(self.language).tokens(" \n".join(said))

    @cached_property
    def places(self) -> frozenset[int]:
        """The places that it, or else its title and headings, name; else its document's."""
        document = self.unit_said.hit.document
        city = document.metadata.city
        for tokens in (analyzer(self.language).tokens(self.text), self.about):
            if named := _places(tokens):
                return named
        return _places(analyzer(self.language).tokens(city)) if city else frozenset()


def compared(
    question: Asked, text: str, units: Sequence[Unit], log_odds: Features, *, first: int
) -> list[Said]:
    """Return statements whose differing figures are of the same thing, the newest first.

    ``first`` is the unit that answers best. Empty where nothing is to be compared: the question
    asks for something else or for a year of its own, the statement has no figure or several, or
    nobody says another one of the same.
    """
    if question.kind not in COMPARED or any(_years(text, spoken) for spoken in LANGUAGES):
        return []
    best = said_by(question, units[first])
    if best is None or not best.words:
        return []
    found = [best]
    order = sorted(range(len(units)), key=lambda at: (-log_odds[at], at))
    for at in order:
        if at == first or log_odds[at] < log_odds[first] - _WITHIN:
            continue
        other = said_by(question, units[at])
        if other is None or not same_thing(best, other) or not _asked_alike(question, best, other):
            continue
        if not any(_repeated(other, one) for one in found):
            found.append(other)
    if len(found) < 2 or all(one.values & best.values for one in found):
        return []
    return sorted(found, key=lambda one: one.newness, reverse=True)[:MOST_FIGURES]


def newest(found: Sequence[Said]) -> Said | None:
    """Return the statement that is newer than all others; None where dates don't tell."""
    dated = sorted((one for one in found), key=lambda one: one.newness, reverse=True)
    if len(dated) < 2 or any(not one.newness[0] for one in dated):
        return None
    return dated[0] if dated[0].newness > dated[1].newness else None


def figures(found: Sequence[Said], citations: Sequence[Citation]) -> tuple[Figure, ...]:
    """Return what is shown of statements; ``citations[i]`` is where the i-th is quoted."""
    latest = newest(found)
    return tuple(
        Figure(
            start=one.figure.start,
            end=one.figure.end,
            text=one.unit_said.hit.document.text[one.figure.start : one.figure.end],
            date=one.date,
            stated=one.year is not None,
            newest=one is latest,
            citation=citation,
        )
        for one, citation in zip(found, citations, strict=True)
    )


def cited_figures(shown: Sequence[Figure], claims: Iterable[Claim]) -> tuple[Figure, ...]:
    """Return the figures that the claims of an answer cite; none where fewer than two are left.

    A figure's citation becomes the one of the claims that its words stand in, so it has a number.
    """
    citations = [citation for claim in claims for citation in claim.citations]
    kept: list[Figure] = []
    for figure in shown:
        for cited in citations:
            if (
                cited.document_id == figure.citation.document_id
                and cited.start <= figure.start
                and figure.end <= cited.end
            ):
                kept.append(replace(figure, citation=cited))
                break
    return tuple(kept) if len(kept) > 1 else ()


def cited(said: Said) -> Citation:
    """Return the citation of a statement with a figure."""
    unit = said.unit_said
    return cite(unit.hit.document, unit.span, language=unit.hit.passage.language)


# -- what a statement says ---------------------------------------------------------------------


def said_by(question: Asked, unit: Unit) -> Said | None:
    """Return what a unit says, where it has one figure of the kind asked for and one time."""
    document = unit.hit.document
    core = unit.text
    text = document.text[unit.span.start : unit.span.end]
    own = facts_of(core, unit.language)
    whole = facts_of(text, unit.language)
    hidden = (*(n.whole for n in whole.numbers), *(d.span for d in whole.dates))
    if question.kind == "when":
        dates = _one_date(core, own.dates)
        if dates is None:
            return None
        span = Span(dates[0].span.start, dates[-1].span.end)
        values: frozenset[object] = frozenset({tuple((d.kind, d.value) for d in dates)})
        return Said(unit, _moved(unit, span), values, "date", None, text, core, hidden)
    number = _one_number(question, unit, own.numbers)
    if number is None:
        return None
    years = {date.value[0] for date in own.dates if date.kind == "year"}
    if len(years) > 1 or any(date.kind == "decade" for date in own.dates):
        return None
    name = number.unit or _counted(core, number, unit.language)
    if not name:
        return None
    return Said(
        unit,
        _moved(unit, number.whole),
        frozenset(number.values),
        name,
        next(iter(years), None),
        text,
        core,
        hidden,
    )


def _moved(unit: Unit, span: Span) -> Span:
    return Span(unit.core.start + span.start, unit.core.start + span.end)


def _one_date(core: str, dates: Sequence[Date]) -> list[Date] | None:
    """Return the parts of the one date that a statement names, in order; None where not one."""
    ordered = sorted(dates, key=lambda date: date.span.start)
    if not ordered or any(date.kind == "decade" for date in ordered):
        return None
    if len({date.kind for date in ordered}) < len(ordered):
        return None
    for before, after in pairwise(ordered):
        if re.fullmatch(r"[\s.,]*(?:\w{1,9}\s)?", core[before.span.end : after.span.start]) is None:
            return None
    return ordered


def _one_number(question: Asked, unit: Unit, numbers: Sequence[Number]) -> Number | None:
    """Return the one number of a statement that is of the kind asked for; None where not one."""
    fitting = [number for number in numbers if _fits(question, unit.text, number)]
    return fitting[0] if len(fitting) == 1 else None


def _fits(question: Asked, core: str, number: Number) -> bool:
    """Return whether a number is of the kind asked for; any of a unit or a count may be."""
    patterns = question.wanted.patterns
    if not patterns or patterns[-1].search("1"):  # the question doesn't say of what kind
        return True
    return patterns[0].search(core[number.whole.start : number.whole.end].casefold()) is not None


def _counted(core: str, number: Number, language: Language) -> str:
    """Return the dictionary form of the word right after a number without a unit."""
    for token in analyzer(language).tokens(core):
        if token.start >= number.whole.end:
            if core[number.whole.end : token.start].strip() or is_function_word(token, language):
                return ""
            term = next((t.text for t in token.terms if t.kind in ("lemma", "stem")), "")
            return f"counted {term}" if term else ""
    return ""


def _telling(text: str, language: Language, hidden: Sequence[Span]) -> list[Token]:
    soft = _soft(language)
    return [
        token
        for token in analyzer(language).tokens(text)
        if not is_function_word(token, language)
        and not any(span_of(token).overlap(span) for span in hidden)
        and not any(character.isdigit() for character in token.surface)
        and surface_of(token) not in soft
        and not {term.text for term in token.terms if term.kind == "lemma"} & soft
        and not {term.text for term in token.terms if term.kind == "stem"} & soft
        and not facts.is_month(token.surface)
    ]


@cache
def _soft(language: Language) -> frozenset[str]:
    source = tomllib.loads((files("kb.answering") / "comparing.toml").read_text(encoding="utf-8"))
    words = str(source[language]).split()
    stems = {
        term.text
        for token in analyzer(language).tokens(" ".join(words))
        for term in token.terms
        if term.kind == "stem" and language != "fi"
    }
    return frozenset(words) | stems


# -- whether two say it of the same -------------------------------------------------------------


def same_thing(one: Said, other: Said) -> bool:
    """Return whether two statements differ in nothing but their figure and its time."""
    if one.language != other.language or one.unit != other.unit:
        return False
    if not one.words or not other.words:
        return False
    if _manner(one) != _manner(other) or not _same_rate(one, other):
        return False
    if one.places != other.places or not _same_house(one, other):
        return False
    if _ahead(one) != _ahead(other):
        return False
    if min(len(one.words), len(other.words)) < _THIN and not (
        _within(one.headings, other.headings + other.words)
        and _within(other.headings, one.headings + one.words)
    ):
        return False
    return _within(one.words, other.words + other.about) and _within(
        other.words, one.words + one.about
    )


def _within(words: Sequence[Token], others: Sequence[Token]) -> bool:
    return all(_holds(word, others) for word in words)


def _holds(word: Token, others: Sequence[Token]) -> bool:
    return any(alike_tokens(word, other) >= _SAME_WORD for other in others)


def _manner(said: Said) -> tuple[object, ...]:
    """Return how something is said: bounds, comparisons, plans, and how often it is denied."""
    own = facts_of(said.text, said.language)
    return (facts.poles(said.text), facts.doubts(said.text), len(own.denials))


def _same_rate(one: Said, other: Said) -> bool:
    mine, theirs = facts.rates(one.text), facts.rates(other.text)
    if mine == theirs:
        return True
    # What is told of a year is told a year.
    yearly = {"year"}
    return (mine | yearly == theirs | yearly) and all(
        said.year is not None for said, rates in ((one, mine), (other, theirs)) if not rates
    )


def _ahead(said: Said) -> bool:
    """Return whether a statement is about a year after its document was written."""
    own = said.unit_said.hit.document.metadata.date
    return said.year is not None and own is not None and str(said.year) > own[:4]


def _same_house(one: Said, other: Said) -> bool:
    """Return whether documents of different organisations may speak of the same: if it is named."""
    first, second = (
        said.unit_said.hit.document.metadata.organisation or "" for said in (one, other)
    )
    if not first or not second or first.casefold() == second.casefold():
        return True
    return bool(one.places) or any(
        word.surface[:1].isupper() and _holds(word, other.words)
        for word in one.words
        if word.start > 0
    )


def _asked_alike(question: Asked, one: Said, other: Said) -> bool:
    """Return whether two statements have the same words of the question."""
    shares = []
    for said in (one, other):
        terms = {term.text for token in said.about for term in token.terms}
        found = terms_of(said.text, said.language) | terms
        shares.append(covered(question, frozenset(found), said.language))
    return min(shares) >= _LEAST_COVERED and abs(shares[0] - shares[1]) <= _ALIKE_COVERED


def _repeated(one: Said, other: Said) -> bool:
    return bool(one.values & other.values) and one.newness == other.newness


def _years(text: str, language: Language) -> bool:
    return any(date.kind in ("year", "decade") for date in facts_of(text, language).dates)


def _places(tokens: Sequence[Token]) -> frozenset[int]:
    found: set[int] = set()
    for token in tokens:
        for form in (surface_of(token), *(t.text for t in token.terms if t.kind == "lemma")):
            if (place := facts.place(form)) is not None:
                found.add(place)
    return frozenset(found)
