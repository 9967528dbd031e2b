"""Filters as people write them, to a Scope: from the command line, the API and the web box.

A value outside a closed set (language, kind, theme, confidentiality) or a year that isn't one
is refused with the possible ones; a city, collection or document that nobody has matches
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from kb.catalogue import DocumentRow
from kb.errors import BadScope
from kb.model import LANGUAGES, Confidentiality, DocumentId, Kind, Language, Scope
from kb.themes import themes

FilterValue = str | int | Sequence[str | int] | None
"""One value, several (any of them), or none."""

FILTERS = (
    "language",
    "kind",
    "city",
    "theme",
    "year",
    "document",
    "collection",
    "confidentiality",
)

_YEARS = re.compile(r"(\d{4})(?:\s*[-–—]\s*(\d{4}))?")


def scope_from(
    *,
    language: FilterValue = None,
    kind: FilterValue = None,
    city: FilterValue = None,
    theme: FilterValue = None,
    year: FilterValue = None,
    document: FilterValue = None,
    collection: FilterValue = None,
    confidentiality: FilterValue = None,
) -> Scope:
    """Return the scope that filters describe; empty values limit nothing.

    A year is ``2021`` or ``2019-2024``; exactly two single years are a range from the first to
    the second. Raises BadScope, which lists the possible values.
    """
    return Scope(
        languages=frozenset(language_of(value) for value in _texts(language)),
        kinds=frozenset(str(kind_of(value)) for value in _texts(kind)),
        cities=frozenset(_texts(city)),
        themes=frozenset(theme_of(value) for value in _texts(theme)),
        years=_years(_texts(year)),
        documents=frozenset(DocumentId(value) for value in _texts(document)),
        collections=frozenset(_texts(collection)),
        confidentiality=frozenset(str(level_of(value)) for value in _texts(confidentiality)),
    )


def language_of(value: str) -> Language:
    """Return the language that a value names; raises BadScope."""
    code = _one_of("language", value, {code: code for code in LANGUAGES})
    return next(language for language in LANGUAGES if language == code)


def kind_of(value: str) -> Kind:
    """Return the kind of document that a value names; raises BadScope."""
    return Kind(_one_of("kind", value, {str(kind): str(kind) for kind in Kind}))


def level_of(value: str) -> Confidentiality:
    """Return the level of confidentiality that a value names; raises BadScope."""
    levels = {str(level): str(level) for level in Confidentiality}
    return Confidentiality(_one_of("confidentiality", value, levels))


def theme_of(value: str) -> str:
    """Return the id of the theme that a value names, by id or label; raises BadScope."""
    labels = {
        name: theme.id for theme in themes() for name in (theme.fi, theme.sv, theme.en, theme.id)
    }
    return _one_of("theme", value, labels, shown=[theme.id for theme in themes()])


def allows(scope: Scope, row: DocumentRow) -> bool:
    """Tell whether a scope allows a document, by the rules that passages are searched by."""
    meta = row.metadata
    year = int(meta.date[:4]) if meta.date and meta.date[:4].isdigit() else None
    cities = {city.casefold() for city in scope.cities}
    return (
        (not scope.languages or row.language in scope.languages)
        and (not scope.kinds or str(meta.kind) in scope.kinds)
        and (not cities or (meta.city or "").casefold() in cities)
        and (not scope.themes or not scope.themes.isdisjoint(meta.themes))
        and (scope.years is None or (year is not None and scope.years[0] <= year <= scope.years[1]))
        and (not scope.documents or row.id in scope.documents)
        and (not scope.collections or meta.collection in scope.collections)
        and (not scope.confidentiality or str(meta.confidentiality) in scope.confidentiality)
        and (scope.samples is None or meta.sample == scope.samples)
    )


def filters_of(scope: Scope | None) -> tuple[tuple[str, str], ...]:
    """Return a scope as names and values, as filters are written."""
    if scope is None:
        return ()
    pairs = [
        (name, str(value))
        for name, values in (
            ("language", scope.languages),
            ("kind", scope.kinds),
            ("city", scope.cities),
            ("theme", scope.themes),
            ("document", scope.documents),
            ("collection", scope.collections),
            ("confidentiality", scope.confidentiality),
        )
        for value in sorted(values)
    ]
    if scope.years is not None:
        pairs.append(("year", f"{scope.years[0]}-{scope.years[1]}"))
    if scope.samples is not None:
        pairs.append(("samples", "only" if scope.samples else "no"))
    return tuple(pairs)


def scope_of_filters(filters: Iterable[tuple[str, str]]) -> Scope:
    """Return the scope that ``filters_of`` wrote down; raises BadScope."""
    values: dict[str, list[str]] = {}
    for name, value in filters:
        values.setdefault(name, []).append(value)
    samples = {"only": True, "no": False}.get(next(iter(values.pop("samples", [])), ""))
    return replace(scope_from(**values), samples=samples)


def _texts(value: FilterValue) -> list[str]:
    values: Iterable[str | int]
    if value is None:
        values = ()
    elif isinstance(value, str | int):
        values = (value,)
    else:
        values = value
    return [text for text in (str(one).strip() for one in values) if text]


def _one_of(
    name: str, value: str, known: Mapping[str, str], *, shown: Sequence[str] | None = None
) -> str:
    folded = {_folded(text): meant for text, meant in known.items()}
    try:
        return folded[_folded(value)]
    except KeyError:
        possible = ", ".join(shown if shown is not None else known)
        raise BadScope(name=name, value=_shortened(value), possible=possible) from None


def _folded(text: str) -> str:
    """Write a value as one does who types ``round_table-Notes``."""
    return re.sub(r"[\s_-]+", " ", text.strip()).casefold()


def _shortened(value: str) -> str:
    return value if len(value) <= 80 else f"{value[:79]}…"


def _years(values: Sequence[str]) -> tuple[int, int] | None:
    if not values:
        return None
    ranges = [_range(value) for value in values]
    if len(ranges) == 2 and all(first == last for first, last in ranges):
        return _ascending(ranges[0][0], ranges[1][0], value="-".join(values))
    ranges.sort()
    first, last = ranges[0]
    for begin, end in ranges[1:]:
        if begin > last + 1:  # a scope has one range: a hole in it can't be said
            raise _bad_year(", ".join(values))
        last = max(last, end)
    return first, last


def _range(value: str) -> tuple[int, int]:
    match = _YEARS.fullmatch(value)
    if match is None:
        raise _bad_year(value)
    return _ascending(int(match[1]), int(match[2] or match[1]), value=value)


def _ascending(first: int, last: int, *, value: str) -> tuple[int, int]:
    if first > last:
        raise _bad_year(value)
    return first, last


def _bad_year(value: str) -> BadScope:
    return BadScope(name="year", value=_shortened(value), possible="2021, 2019-2024")
