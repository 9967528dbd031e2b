"""The one catalogue of texts for people, in Finnish, Swedish and English.

Each ``*.toml`` beside this file is a part of it: tables of keys, each with ``fi``, ``sv`` and
``en``. ``message("error.not_found", "sv", id="x")`` finds ``[error.not_found]``'s ``sv`` and
fills ``{id}``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

LANGUAGES = ("fi", "sv", "en")


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return every message by its dotted key: ``{"error.not_found": {"fi": …, …}, …}``.

    A key that stands in two files, or lacks a language, raises ValueError.
    """
    found: dict[str, Mapping[str, str]] = {}
    for part in sorted(files(__package__).iterdir(), key=lambda entry: entry.name):
        if not part.name.endswith(".toml"):
            continue
        for key, texts in _leaves("", tomllib.loads(part.read_text(encoding="utf-8"))):
            if key in found:
                raise ValueError(f"message {key} stands twice, the second time in {part.name}")
            if set(texts) != set(LANGUAGES):
                raise ValueError(f"message {key} in {part.name} needs fi, sv and en")
            found[key] = texts
    return found


def _leaves(prefix: str, table: Mapping[str, object]) -> list[tuple[str, dict[str, str]]]:
    texts = {name: value for name, value in table.items() if isinstance(value, str)}
    leaves = [(prefix, texts)] if texts else []
    for name, value in table.items():
        if isinstance(value, dict):
            leaves += _leaves(f"{prefix}.{name}" if prefix else name, value)
    return leaves


def parted(key: str, **params: object) -> str:
    """Return a key with the values that its text needs: ``notice.key|name=value|…``."""
    return "|".join([key, *(f"{k}={str(v).replace('|', '_')}" for k, v in params.items())])


def taken_apart(key: str) -> tuple[str, dict[str, str]]:
    """Return the key and the values that ``parted`` put together; raises ValueError."""
    name, *params = key.split("|")
    return name, dict(param.split("=", 1) for param in params)


def told(key: str, language: str = "en") -> str:
    """Return the text of a key that may carry its values (``parted``)."""
    name, params = taken_apart(key)
    return message(name, language, **params)


def message(key: str, language: str = "en", **params: object) -> str:
    """Return a text in a language (English where the language isn't one of ours).

    Raises KeyError for an unknown key: a missing text is a defect, not something to show.
    """
    texts = catalogue()[key]
    return texts.get(language, texts["en"]).format(**params)
