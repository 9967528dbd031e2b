"""Places, dates and filters in words: the same on pages, in the terminal and in files."""

from __future__ import annotations

import re

from kb.messages import catalogue, message
from kb.model import Group, Locator
from kb.themes import themes

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def place(locator: Locator, language: str) -> str:
    """Return where something stands: ``s. 12, Vesi › Jäähdytys``."""

    def told(key: str, value: object) -> str:
        return message(f"wording.place_{key}", language, value=value)

    parts: list[str] = []
    if len(locator.pages) == 1:
        parts.append(told("page", locator.pages[0]))
    elif locator.pages:
        parts.append(told("pages", f"{locator.pages[0]}–{locator.pages[-1]}"))
    if locator.slide is not None:
        parts.append(told("slide", locator.slide))
    if locator.sheet is not None:
        parts.append(told("sheet", locator.sheet))
    if locator.rows is not None:
        first, last = locator.rows
        parts.append(told("row", first) if first == last else told("rows", f"{first}–{last}"))
    if locator.heading:
        parts.append(" › ".join(locator.heading))
    elif not parts and locator.paragraph is not None:
        parts.append(told("paragraph", locator.paragraph))
    return ", ".join(parts)


def group_label(group: Group, language: str) -> str:
    """Return what the claims of a group have in common: a theme, or a place."""
    if group.kind == "other":
        return message("groups.other", language)
    return filter_value("theme", group.value, language) if group.kind == "theme" else group.value


def figure_date(iso: str | None, language: str, *, stated: bool) -> str:
    """Return of when a figure is: the year its statement names, or its document's date."""
    if not iso:
        return message("figures.undated", language)
    if stated:
        return date(iso, language)
    return message("figures.by_document", language, date=date(iso, language))


def filter_value(name: str, value: str, language: str) -> str:
    """Return a filter's value in words: *vesi* for the theme ``water``; others as they are."""
    if name == "theme":
        return next((one.label(language) for one in themes() if one.id == value), value)
    key = {
        "language": f"web.language_{value}",
        "kind": f"web.kind_{re.sub(r'[^a-z]+', '_', value.removesuffix(' notes'))}",
        "confidentiality": f"web.level_{value}",
        "samples": f"web.samples_{value}",
    }.get(name, "")
    return message(key, language) if key in catalogue() else value


def date(iso: str | None, language: str) -> str:
    """Return an ISO date, possibly a year or month, as it is written in the language."""
    found = _DATE.match(iso or "")
    if found is None:
        return iso or ""
    year, month, day = found.groups()
    if month is None:
        return str(year)
    at = min(max(int(month), 1), 12) - 1
    if day is None:
        name = message("wording.month_names", language).split()[at]
        return message("wording.date_month", language, month=name, year=year)
    # In Finnish the month of a whole date is its number.
    name = message("wording.months", language).split()[at]
    return message("wording.date_day", language, day=int(day), month=name, year=year)
