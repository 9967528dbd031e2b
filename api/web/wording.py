"""What pages say: texts, dates, names of kinds and places, in the language of the page."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingest.outcomes import warning_text
from kb import wording
from kb.given import GivenFigure
from kb.messages import catalogue, message, told
from kb.model import Citation, Confidentiality, Group, Kind, Language, Locator
from kb.themes import themes

_NUMBERED = re.compile(r"\s*(?:\(?\d{1,3}[.)]|\(?[a-zåäö][.)]|[-–•*▪])\s", re.IGNORECASE)


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
        """Return a text of any part of the catalogue, by its whole key, which may carry values."""
        return told(key, self.language)

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

    def group(self, group: Group) -> str:
        """Return what the claims of a group have in common."""
        return wording.group_label(group, self.language)

    def figure_date(self, figure: GivenFigure) -> str:
        """Return of when a figure is."""
        return wording.figure_date(figure.date, self.language, stated=figure.stated)

    def date(self, date: str | None) -> str:
        """Return an ISO date, possibly a year or month, as it is written in the language."""
        return wording.date(date, self.language)

    def place(self, locator: Locator) -> str:
        """Return where something stands: ``s. 12, Vesi › Jäähdytys``."""
        return wording.place(locator, self.language)

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
