"""What pages say: texts, dates, names of kinds and places, in the language of the page."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingest.pipeline import warning_text
from kb.messages import catalogue, message
from kb.model import Citation, Confidentiality, Kind, Language, Locator
from kb.themes import themes

_NUMBERED = re.compile(r"\s*(?:\(?\d{1,3}[.)]|\(?[a-zåäö][.)]|[-–•*▪])\s", re.IGNORECASE)
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of one language; templates call it ``t``."""

    language: Language

    def __call__(self, key: str, **params: object) -> str:
        """Return a text of the web box; raises KeyError for an unknown key."""
        return message(f"web.{key}", self.language, **params)

    def count(self, key: str, count: int, **params: object) -> str:
        """Return a text that holds a number; ``<key>_one`` is for one, where there is such."""
        one = f"web.{key}_one"
        if count == 1 and one in catalogue():
            return message(one, self.language, count=1, **params)
        return self(key, count=count, **params)

    def any(self, key: str) -> str:
        """Return a text of any part of the catalogue, by its whole key."""
        return message(key, self.language)

    def kind(self, kind: Kind | str) -> str:
        """Return what a kind of document is called."""
        return self(f"kind_{re.sub(r'[^a-z]+', '_', str(kind).removesuffix(' notes'))}")

    def level(self, level: Confidentiality | str) -> str:
        """Return what a level of confidentiality is called."""
        return self(f"level_{level}")

    def language_name(self, language: str) -> str:
        """Return the name of a language."""
        return self(f"language_{language}")

    def in_language(self, language: str) -> str:
        """Return ``in Swedish`` and the like."""
        return self(f"in_{language}")

    def theme(self, theme_id: str) -> str:
        """Return what a theme is called; one that doesn't ship is called by its id."""
        return next((one.label(self.language) for one in themes() if one.id == theme_id), theme_id)

    def date(self, date: str | None) -> str:
        """Return an ISO date, possibly a year or month, as it is written in the language."""
        found = _DATE.match(date or "")
        if found is None:
            return date or ""
        year, month, day = found.groups()
        if month is None:
            return str(year)
        at = min(max(int(month), 1), 12) - 1
        if day is None:
            return self("date_month", month=self("month_names").split()[at], year=year)
        # In Finnish the month of a whole date is its number.
        return self("date_day", day=int(day), month=self("months").split()[at], year=year)

    def place(self, locator: Locator) -> str:
        """Return where something stands: ``s. 12, Vesi › Jäähdytys``."""
        parts: list[str] = []
        if len(locator.pages) == 1:
            parts.append(self("place_page", value=locator.pages[0]))
        elif locator.pages:
            parts.append(self("place_pages", value=f"{locator.pages[0]}–{locator.pages[-1]}"))
        if locator.slide is not None:
            parts.append(self("place_slide", value=locator.slide))
        if locator.sheet is not None:
            parts.append(self("place_sheet", value=locator.sheet))
        if locator.rows is not None:
            first, last = locator.rows
            if first == last:
                parts.append(self("place_row", value=first))
            else:
                parts.append(self("place_rows", value=f"{first}–{last}"))
        if locator.heading:
            parts.append(" › ".join(locator.heading))
        elif not parts and locator.paragraph is not None:
            parts.append(self("place_paragraph", value=locator.paragraph))
        return ", ".join(parts)

    def numbered(self, item: str) -> bool:
        """Tell whether a list's item begins with a number or sign of its own."""
        return _NUMBERED.match(item) is not None

    def cite_label(self, number: int, citation: Citation) -> str:
        """Return the spoken name of a citation's number."""
        place = self.place(citation.locator)
        if not place:
            return self("cite_label_bare", number=number, title=citation.title)
        return self("cite_label", number=number, title=citation.title, place=place)

    def warning(self, warning: str) -> str:
        """Return a reader's warning."""
        return warning_text(warning, self.language)
