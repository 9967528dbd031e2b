"""The themes of an industrial area that ship: stable ids, labels in three languages."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """A theme: its id, which never changes, and what it is called."""

    id: str
    fi: str
    sv: str
    en: str

    def label(self, language: str) -> str:
        """Return its name in a language (English where the language isn't one of ours)."""
        return {"fi": self.fi, "sv": self.sv}.get(language, self.en)


@cache
def themes() -> tuple[Theme, ...]:
    """Return every theme, in the order in which they are shown."""
    table = tomllib.loads((files("kb") / "themes.toml").read_text(encoding="utf-8"))
    return tuple(Theme(**entry) for entry in table["theme"])
