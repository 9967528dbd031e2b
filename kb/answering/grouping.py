"""Answers to "which practices": each practice's own short description, by theme or by place.

A practice is a section whose heading says so (*Hyvä käytäntö: …*, *God praxis*, *Good practice*),
as the forms of good practices have it. It is told by the sentence that says what it is.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Literal

from kb.analysis.engines import FUNCTION_WORD_WEIGHT
from kb.answering.support import Asked, covered, terms_of
from kb.answering.units import is_statement
from kb.citing import cite
from kb.language import sentence_spans
from kb.lexical import Word
from kb.model import (
    LANGUAGES,
    Block,
    BlockKind,
    Citation,
    Claim,
    Document,
    Group,
    Hit,
    Language,
    Span,
)
from kb.themes import themes as all_themes

MOST_PRACTICES = 8
PRACTICE_HITS = 150
"""Passages among which practices are looked for."""

_LEAST_TOPIC = 0.45
"""Share of what the question is about, by rarity, that a practice's titles, themes and description
have to hold. Its whole text holds too much: a course on reactors uses water, too."""

_LONGEST = 320
"""Characters of a description."""

_ALIKE = 0.7
"""Share of the words of the shorter one from which on two descriptions say the same."""


@dataclass(frozen=True, slots=True)
class Practice:
    """A practice: its description, cited, and how much of what was asked about it holds."""

    citation: Citation
    topic: float


def asks_for_practices(question: str, language: Language | None) -> bool:
    """Return whether a question asks for practices or examples, several of them."""
    return _asks("several", question, language)


def practices(
    question: Asked, hits: Sequence[Hit], themes: Sequence[Sequence[str]]
) -> list[Practice]:
    """Return the practices among passages that are about what is asked, best passage first.

    ``themes[i]`` are those of ``hits[i]``: their names say what it is about, too. Each is told
    once; of two that say the same the first stays.
    """
    topic = _topic(question)
    found: list[Practice] = []
    seen: set[tuple[str, tuple[str, ...]]] = set()
    said: list[frozenset[str]] = []
    for hit, own in zip(hits, themes, strict=True):
        section = _section(hit.passage.heading)
        if section is None or (hit.document.id, section) in seen:
            continue
        seen.add((hit.document.id, section))
        blocks = [one for one in hit.document.blocks if one.heading[: len(section)] == section]
        span = _description(hit.document, blocks, hit.passage.language)
        if span is None:
            continue
        described = hit.document.text[span.start : span.end]
        held = _held(topic, hit, (described, *section), own)
        if held < _LEAST_TOPIC:
            continue
        words = terms_of(described, hit.passage.language)
        if any(len(words & one) >= _ALIKE * max(1, min(len(words), len(one))) for one in said):
            continue
        said.append(words)
        found.append(Practice(cite(hit.document, span, language=hit.passage.language), held))
        if len(found) == MOST_PRACTICES:
            break
    return found


def _topic(question: Asked) -> Asked:
    """Return a question without the words that only say that practices are asked for."""
    general = [
        word.weight <= FUNCTION_WORD_WEIGHT
        or _general().search(word.surface.casefold()) is not None
        for word in question.words
    ]
    return replace(
        question,
        rarities=tuple(
            0.0 if light else rarity
            for rarity, light in zip(question.rarities, general, strict=True)
        ),
    )


def _held(topic: Asked, hit: Hit, told: Sequence[str], own: Sequence[str]) -> float:
    """Return the share of what is asked about that a practice's titles and themes hold, 0–1."""
    total = sum(topic.rarities)
    if total <= 0:  # any practice will do
        return 1.0
    language = hit.passage.language
    labels = [one.label(language) for one in all_themes() if one.id in own]
    named = frozenset[str]().union(*(terms_of(label, language) for label in labels))
    said = (*told, hit.document.metadata.title, *labels)
    terms = frozenset[str]().union(*(terms_of(one, language) for one in said))
    # A compound is about the theme that its part names: vesihuolto about vesi.
    themed = [
        rarity if _names(word, named, language) else 0.0
        for word, rarity in zip(topic.words, topic.rarities, strict=True)
    ]
    return max(covered(topic, terms, language), sum(themed) / total)


def _names(word: Word, terms: frozenset[str], language: Language) -> bool:
    """Return whether a word or a part of it, or its translation, is among terms."""
    own = {term for term, _ in word.terms}
    for way in word.translations:
        if way.language == language:
            own |= {term for part in way.parts for one in part for term, _ in one}
    return any(term in terms for term in own if not term.startswith("_"))


def headed_as_practice(path: Sequence[str]) -> bool:
    """Return whether a path of headings leads into the section of a practice."""
    return _section(tuple(path)) is not None


def _section(path: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the path of the practice that a path of headings leads into, if it does."""
    for depth in range(len(path), 0, -1):
        heading = path[depth - 1].casefold()
        if _headed("one").search(heading):
            return path[:depth]
        if _headed("several").search(heading) and len(path) > depth:
            return path[: depth + 1]
    return None


def _description(document: Document, blocks: Sequence[Block], language: Language) -> Span | None:
    """Return the sentence that says what a practice is: after such a label, else the first."""
    spans = list(_sentences(document, blocks, language))
    wanted = [span for labelled, span in spans if labelled]
    others = [span for labelled, span in spans if labelled is None]
    return next(iter([*wanted, *others]), None)


def _sentences(
    document: Document, blocks: Sequence[Block], language: Language
) -> Iterator[tuple[bool | None, Span]]:
    """Yield sentences, and whether a label says that they are what the practice is.

    None where the paragraph has no label, False where it is of something else.
    """
    for block in blocks:
        if block.kind is not BlockKind.PARAGRAPH:
            continue
        text = document.text[block.start : block.end]
        label = _label().match(text)
        labelled = None if label is None else bool(label.group("what"))
        begins = label.end() if label is not None else 0
        for span in sentence_spans(text[begins:], language)[:1]:
            sentence = Span(block.start + begins + span.start, block.start + begins + span.end)
            if len(sentence) <= _LONGEST and is_statement(text[begins:][span.start : span.end]):
                yield labelled, sentence


@dataclass(frozen=True, slots=True)
class Grouped:
    """Claims in the order of their groups, and the groups; none where they'd tell nothing."""

    claims: tuple[Claim, ...]
    groups: tuple[Group, ...] = ()


def grouped(
    claims: Sequence[Claim],
    hits: Sequence[Hit],
    themes: Sequence[Sequence[str]],
    *,
    by_place: bool = False,
) -> Grouped:
    """Return claims by theme or by place; ``themes[i]`` are those of ``hits[i]``, surest first.

    By theme, unless all are about one, or where there are no themes, or the question asks where.
    Groups stand in the order of their best claim, what belongs to none comes last. Claims aren't
    grouped where that would make one group, or leave more than half in none.
    """
    found = [_hit_of(claim, hits) for claim in claims]
    places = [_place(hits[at]) if at is not None else "" for at in found]
    own = [tuple(themes[at]) if at is not None else () for at in found]
    ways: list[tuple[Literal["theme", "place"], list[str]]] = [
        ("theme", _one_each(own)),
        ("place", places),
    ]
    for kind, values in reversed(ways) if by_place else ways:
        named = [value for value in values if value]
        if len(set(named)) < 2 or 2 * len(named) < len(values):
            continue
        return _in_groups(claims, kind, values)
    return Grouped(tuple(claims))


def asks_where(question: str, language: Language | None) -> bool:
    """Return whether a question for practices asks in which places they are."""
    return _asks("place", question, language)


def _in_groups(
    claims: Sequence[Claim], kind: Literal["theme", "place"], values: Sequence[str]
) -> Grouped:
    order = [*(value for value in dict.fromkeys(values) if value), ""]
    ordered: list[Claim] = []
    groups: list[Group] = []
    for value in order:
        members = [claim for claim, own in zip(claims, values, strict=True) if own == value]
        if members:
            places = range(len(ordered), len(ordered) + len(members))
            groups.append(Group(kind=kind if value else "other", value=value, claims=tuple(places)))
            ordered += members
    return Grouped(tuple(ordered), tuple(groups))


def _one_each(themes: Sequence[Sequence[str]]) -> list[str]:
    """Return the theme that each is put under: its surest one that not all are about."""
    counts = Counter(theme for own in themes for theme in dict.fromkeys(own))
    everywhere = {theme for theme, count in counts.items() if count == len(themes)}
    return [next((theme for theme in own if theme not in everywhere), "") for own in themes]


def _hit_of(claim: Claim, hits: Sequence[Hit]) -> int | None:
    """Return which passage a claim is taken from, by its first citation."""
    cited = claim.citations[0]
    for at, hit in enumerate(hits):
        passage = hit.passage
        if (
            passage.document_id == cited.document_id
            and passage.start < cited.end
            and cited.start < passage.end
        ):
            return at
    return None


def _place(hit: Hit) -> str:
    return hit.document.metadata.city or ""


def _asks(name: str, question: str, language: Language | None) -> bool:
    text = question.casefold()
    return any(
        _patterns(name)[spoken].search(text) is not None
        for spoken in ((language,) if language else LANGUAGES)
    )


@cache
def _source() -> dict[str, dict[str, str]]:
    return tomllib.loads((files("kb.answering") / "grouping.toml").read_text(encoding="utf-8"))


@cache
def _headed(number: str) -> re.Pattern[str]:
    return re.compile(_source()["heading"][number])


@cache
def _label() -> re.Pattern[str]:
    return re.compile(_source()["description"]["label"])


@cache
def _general() -> re.Pattern[str]:
    return re.compile(_source()["topic"]["general"])


@cache
def _patterns(name: str) -> dict[Language, re.Pattern[str]]:
    return {language: re.compile(_source()[name][language]) for language in LANGUAGES}
