"""A row of a registry's table to a project, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from ingest.registry_columns import PARTNER_FIELDS, ColumnMap, fit
from ingest.registry_values import (
    Value,
    clean,
    flattened,
    foreign,
    identifier,
    nested,
    parse_amount,
    parse_date,
    parse_period,
    shown,
)
from kb.messages import message
from kb.project import Partner, Project, folded, folded_partner, language_of_text
from kb.themes import themes

_LONGEST_TITLE = 1000
_LONGEST_KEYWORD = 80
_TOTAL = re.compile(
    r"(?:(?:kaikki |rivit )?yhteensä|loppusumma|summa|(?:grand |sub)?totals?|sum|"
    r"tota(?:lt|lsumma)|delsumma|välisumma|sammanlagt)"
)
_FOOTNOTE = re.compile(r"(?:lähde|source|källa|huom|note|obs|anm)\w*\s*[.:!]", re.IGNORECASE)
_TELLING = 240
"""Characters of a description that tell its language."""


@dataclass(frozen=True, slots=True)
class RowNote:
    """What is wrong with a row, and with which of its values."""

    row: int
    reason: str
    params: Mapping[str, str] = field(default_factory=dict)

    def text(self, language: str) -> str:
        """Return the reason in words."""
        return message(f"projects.row.{self.reason}", language, **self.params)


@dataclass(slots=True)
class Builder:
    """Makes projects of rows by one mapping."""

    registry: str
    mapping: ColumnMap
    month_first: bool = False

    def project(
        self, number: int, row: Mapping[str, Value]
    ) -> tuple[Project | RowNote, list[RowNote]]:
        """Return a row's project, or why there is none, and what else is wrong with the row."""
        notes: list[RowNote] = []
        title = " ".join(self._first("title", row).split())
        acronym = self._first("acronym", row) or None
        if not title:
            title, acronym = (acronym or ""), None
        if not title:
            total = any(_is_total(value) for value in row.values())
            return RowNote(number, "total" if total else "no_title"), notes
        if len(title) > _LONGEST_TITLE:
            return RowNote(number, "long_title", {"length": str(len(title))}), notes
        start, end = self._dates(number, row, notes)
        registry_id = identifier(self._raw("registry_id", row))
        if not (registry_id or start or end) and _is_total(title):
            return RowNote(number, "total"), []
        alone = sum(shown(value) != "" for value in row.values()) == 1 < len(row)
        if alone and _FOOTNOTE.match(title):
            return RowNote(number, "footnote"), []
        description = self._joined("description", row)
        results = self._joined("results", row)
        country = self._first("country", row) or None
        partners = self._partners(number, row, country, notes)
        leading = next((p for p in partners if p.leads), partners[0] if partners else None)
        return (
            Project(
                registry=self.registry,
                registry_id=registry_id or None,
                title=title,
                acronym=acronym if acronym != title else None,
                description=description,
                results=results,
                keywords=tuple(
                    dict.fromkeys(
                        word.strip()
                        for column in self.mapping.columns.get("keywords", ())
                        for word in re.split(r"[;\n|]|,\s| {2,}", shown(row.get(column)))
                        if 0 < len(word.strip()) <= _LONGEST_KEYWORD
                    )
                ),
                # CORDIS prints what stands above a programme after many spaces.
                programme=re.split(r" {2,}|\n", shown(self._raw("programme", row)))[0] or None,
                call=self._first("call", row) or None,
                objective="; ".join(
                    dict.fromkeys(
                        text
                        for column in self.mapping.columns.get("objective", ())
                        if (text := clean(row.get(column)))
                    )
                )
                or None,
                status=self._first("status", row) or None,
                start=start,
                end=end,
                cost=self._amount("cost", number, row, notes),
                contribution=self._amount("contribution", number, row, notes),
                city=self._first("city", row) or (leading.city if leading else None),
                region=self._first("region", row) or (leading.region if leading else None),
                country=country or (leading.country if leading else None),
                url=self._first("url", row) or None,
                language=language_of_text(f"{title}\n{description[:_TELLING]}"),
                partners=partners,
                themes=_known_themes(self._joined("themes", row)),
            ),
            notes,
        )

    def _raw(self, name: str, row: Mapping[str, Value]) -> Value:
        return row.get(self._column(name, row), "")

    def _column(self, name: str, row: Mapping[str, Value]) -> str:
        """Return the first column of a field in which something stands; empty without one."""
        columns = self.mapping.columns.get(name, ())
        return next((column for column in columns if shown(row.get(column)) != ""), "")

    def _first(self, name: str, row: Mapping[str, Value]) -> str:
        return " ".join(clean(self._raw(name, row)).split())

    def _joined(self, name: str, row: Mapping[str, Value]) -> str:
        """Return the texts of all columns of a field; one that begins another is left out."""
        texts = [clean(row.get(column)) for column in self.mapping.columns.get(name, ())]
        kept: dict[str, str] = {}
        for text in sorted(dict.fromkeys(texts), key=len, reverse=True):
            # Teasers are cut off, and their quotes and dashes may be written otherwise.
            start = folded(text)
            if start and not any(longer.startswith(start) for longer in kept.values()):
                kept[text] = start
        return "\n\n".join(text for text in dict.fromkeys(texts) if text in kept)

    def _dates(
        self, number: int, row: Mapping[str, Value], notes: list[RowNote]
    ) -> tuple[str | None, str | None]:
        found: dict[str, str | None] = {}
        for name in ("start", "end"):
            raw = self._raw(name, row)
            found[name] = parse_date(raw, month_first=self.month_first)
            if found[name] is None and shown(raw) not in ("", "-", "–"):
                first, last = parse_period(raw)
                if first is None:
                    notes.append(RowNote(number, "date", {"value": shown(raw)[:60]}))
                elif name == "start":
                    found["start"], found["end"] = first, last
        period = self._raw("period", row)
        if shown(period) and not any(found.values()):
            found["start"], found["end"] = parse_period(period)
            if found["start"] is None:
                notes.append(RowNote(number, "date", {"value": shown(period)[:60]}))
        start, end = found.get("start"), found.get("end")
        if start and end and end[: len(start)] < start[: len(end)]:
            notes.append(RowNote(number, "order", {"start": start, "end": end}))
        return start, end

    def _amount(
        self, name: str, number: int, row: Mapping[str, Value], notes: list[RowNote]
    ) -> float | None:
        column = self._column(name, row)
        raw = row.get(column)
        if shown(raw) in ("", "-", "–"):
            return None
        if foreign(column) or foreign(shown(raw)):
            told = f"{shown(raw)[:60]} ({column[:60]})"
            notes.append(RowNote(number, "currency", {"value": told}))
            return None
        amount = parse_amount(raw)
        if amount is None:
            notes.append(RowNote(number, "amount", {"value": shown(raw)[:60]}))
        return amount

    def _partners(
        self, number: int, row: Mapping[str, Value], country: str | None, notes: list[RowNote]
    ) -> tuple[Partner, ...]:
        found: list[Partner] = []
        for column in self.mapping.columns.get("lead", ()):
            named = _named(shown(row.get(column)))
            if not named.name:
                continue
            if found and folded_partner(named.name) != folded_partner(found[0].name):
                continue  # a second column of leads tells more of the first one's only
            found.append(
                replace(
                    named,
                    leads=True,
                    city=self._first("city", row) or None,
                    region=self._first("region", row) or None,
                    country=named.country or country,
                )
            )
        for column in self.mapping.columns.get("partners", ()):
            found += _listed_partners(row.get(column))
        name = shown(self._raw("partner_name", row))
        if name:
            role = self._first("partner_role", row)
            found.append(
                replace(
                    _named(name),
                    leads=_leads(role),
                    kind=self._first("partner_kind", row) or None,
                    budget=self._amount("partner_budget", number, row, notes),
                )
            )
        return _united(found)


def _is_total(value: Value) -> bool:
    """Tell whether a cell says that its row adds up those above."""
    text = shown(value)
    return len(text) < 40 and bool(_TOTAL.fullmatch(folded(text)))


def _united(partners: Sequence[Partner]) -> tuple[Partner, ...]:
    """Return each organisation once, with what any mention of it says."""
    known: dict[str, Partner] = {}
    for partner in partners:
        key = folded_partner(partner.name)
        before = known.get(key)
        known[key] = (
            partner
            if before is None
            else replace(
                before,
                leads=before.leads or partner.leads,
                kind=before.kind or partner.kind,
                city=before.city or partner.city,
                region=before.region or partner.region,
                country=before.country or partner.country,
                budget=before.budget if before.budget is not None else partner.budget,
            )
        )
    return tuple(known.values())


def _named(text: str) -> Partner:
    """Return the organisation of a cell; CORDIS puts its country after many spaces."""
    pieces = [p.strip() for p in re.split(r"\s{2,}|\n", text) if p.strip()]
    if len(pieces) > 1 and len(pieces[-1]) <= 40:
        return Partner(name=clean(pieces[0]), country=clean(pieces[-1]))
    return Partner(name=" ".join(clean(text).split()))


def _leads(role: str) -> bool:
    return bool(
        re.search(
            r"\b(?:lp|lead|coordinator|host|pää\w*|koordin\w*|hakija|projektägare|sökande|samordn\w*)\b",
            role.casefold(),
        )
    )


def _listed_partners(value: Value) -> list[Partner]:
    entries = nested(value)
    if entries is None:
        text = shown(value)
        parts = re.split(r"[;\n|]", text) if re.search(r"[;\n|]", text) else [text]
        return [_named(part.strip()) for part in parts if clean(part)]
    found: list[Partner] = []
    for entry in entries:
        if isinstance(entry, str):
            found += [_named(entry)] if entry.strip() else []
            continue
        if not isinstance(entry, dict):
            continue
        flat = flattened(entry)
        cells: dict[str, Value] = {}
        for name in (*PARTNER_FIELDS, "city", "region", "country"):
            fits = [(fit(name, key), key) for key in flat if shown(flat[key]) != ""]
            best = max(fits, default=(0.0, ""))
            if best[0] >= 0.6:
                cells[name] = flat[best[1]]
        if not clean(cells.get("partner_name")):
            continue
        named = _named(shown(cells["partner_name"]))
        found.append(
            replace(
                named,
                leads=_leads(clean(cells.get("partner_role"))),
                kind=clean(cells.get("partner_kind")) or None,
                city=clean(cells.get("city")) or None,
                region=clean(cells.get("region")) or None,
                country=clean(cells.get("country")) or named.country,
                budget=parse_amount(cells.get("partner_budget", "")),
            )
        )
    return found


@cache
def _theme_names() -> dict[str, str]:
    return {
        name.casefold(): theme.id
        for theme in themes()
        for name in (theme.id, theme.fi, theme.sv, theme.en)
    }


def _known_themes(text: str) -> tuple[str, ...]:
    """Return those of the themes named that are ours; a registry's own say nothing here."""
    words = [word.strip().casefold() for word in re.split(r"[;,\n|]", text)]
    return tuple(dict.fromkeys(_theme_names()[w] for w in words if w in _theme_names()))


def month_first(mapping: ColumnMap, sample: Sequence[Mapping[str, Value]]) -> bool:
    """Return whether dates put the month first: some second number is a day, and no first is."""
    firsts: list[int] = []
    seconds: list[int] = []
    for name in ("start", "end"):
        for column in mapping.columns.get(name, ()):
            for row in sample:
                if match := re.match(r"(\d{1,2})/(\d{1,2})/\d{2,4}", shown(row.get(column))):
                    firsts.append(int(match[1]))
                    seconds.append(int(match[2]))
    return bool(seconds) and max(seconds) > 12 >= max(firsts)
