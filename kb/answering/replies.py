"""What a language model returned, read as it comes in.

Asked for one JSON object, models return it fenced, with words around it, with commas too many,
with numbers as text, after thinking aloud, or cut off in the middle; some return lines with
``[3]`` at their ends instead. All of these are read; whatever is no claim is passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

MOST_CHARACTERS = 40_000
"""Characters of a reply that are read."""

MOST_CLAIMS = 12
MOST_NUMBERS = 12

_TEXTS = ("text", "claim", "statement", "väite", "påstående", "sentence_text", "answer", "content")
_NUMBERS = ("sentences", "sentence", "sources", "source", "citations", "refs", "ids", "numbers")
_THINKING = re.compile(r"\s*<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_MARK = re.compile(r"\s*\[(\d{1,4}(?:\s*[,;–-]\s*\d{1,4})*)\]")
_TRAILING_COMMA = re.compile(r",(\s*[\]}])")
_LOOSE = re.compile(
    r'"(?:text|claim)"\s*:\s*"((?:[^"\\]|\\.)*)"\s*,\s*"(?:sentences|sources)"\s*:\s*\[([^\]]*)\]'
)


@dataclass(frozen=True, slots=True)
class Proposed:
    """A claim as the model wrote it, and the numbers of the sentences that it names."""

    text: str
    numbers: tuple[int, ...]


class Outcome(StrEnum):
    """How a reply ended."""

    COMPLETE = "complete"
    UNANSWERED = "unanswered"
    CUT_OFF = "cut_off"
    UNCLEAR = "unclear"


class Reply:
    """A reply that is coming in; give it every part, then ask how it ended."""

    def __init__(self) -> None:
        self._text = ""
        self._at = 0
        self._open: list[int] = []
        self._in_string = False
        self._escaped = False
        self._begun = False
        self._nothing = False
        self._closed = False
        self._given: list[Proposed] = []

    @property
    def full(self) -> bool:
        """True when nothing more is read."""
        return len(self._text) >= MOST_CHARACTERS or len(self._given) >= MOST_CLAIMS

    def feed(self, part: str) -> Iterator[Proposed]:
        """Take the next part in; yield the claims that are complete with it."""
        self._text += part[: MOST_CHARACTERS - len(self._text)]
        if not self._begun:
            start = self._beginning()
            if start is None:
                return
            self._begun, self._at = True, start
        while self._at < len(self._text) and len(self._given) < MOST_CLAIMS:
            self._at += 1
            closed = self._step(self._text[self._at - 1])
            if closed is not None:
                yield from self._object(closed)

    def finish(self) -> tuple[list[Proposed], Outcome]:
        """Return the claims that weren't given yet, and how the reply ended."""
        if self._closed and not self._open:
            if self._given:
                return [], Outcome.COMPLETE
            return [], Outcome.UNANSWERED if self._nothing else Outcome.UNCLEAR
        late = [one for one in self._loosely() if one not in self._given]
        late = late[: MOST_CLAIMS - len(self._given)]
        if self._open or "{" in self._text:
            return late, Outcome.CUT_OFF if self._given or late else Outcome.UNCLEAR
        if re.fullmatch(r"\s*(?:```\w*)?\s*\[\s*\]\s*(?:```)?\s*", self._text):
            return [], Outcome.UNANSWERED
        return late, Outcome.COMPLETE if late else Outcome.UNCLEAR

    def _beginning(self) -> int | None:
        """Return where the reply begins after thinking aloud; None while it thinks."""
        start = self._text.lstrip()
        if not start or "<thinking>".startswith(start[:10].lower()):
            return None
        if not start.lower().startswith("<think"):
            return 0
        match = _THINKING.match(self._text)
        return match.end() if match and match.end() < len(self._text) else None

    def _step(self, character: str) -> str | None:
        """Read one character; return an object that it closes."""
        if self._in_string:
            if self._escaped:
                self._escaped = False
            elif character == "\\":
                self._escaped = True
            elif character == '"':
                self._in_string = False
            return None
        if character == '"' and self._open:
            self._in_string = True
        elif character == "{":
            self._open.append(self._at - 1)
        elif character == "}" and self._open:
            self._closed = True
            return self._text[self._open.pop() : self._at]
        return None

    def _object(self, written: str) -> Iterator[Proposed]:
        found = _parsed(written)
        if not isinstance(found, dict):
            return
        text = next((found[key] for key in _TEXTS if isinstance(found.get(key), str)), None)
        if text is None:
            listed = found.get("claims")
            self._nothing = self._nothing or listed == [] or found.get("answered") is False
            return
        proposed = _proposed(
            text, [number for key in _NUMBERS for number in _integers(found.get(key))]
        )
        if proposed is not None and proposed not in self._given:
            self._given.append(proposed)
            yield proposed

    def _loosely(self) -> Iterator[Proposed]:
        """Yield claims of a reply that is no JSON: what looks like some, or marked lines."""
        text = _THINKING.sub("", self._text, count=1)
        for match in _LOOSE.finditer(text):
            written = _parsed(f'"{match.group(1)}"')
            if isinstance(written, str):
                proposed = _proposed(written, _integers(match.group(2)))
                if proposed is not None:
                    yield proposed
        if "{" in text:
            return
        for line in text.splitlines():
            proposed = _proposed(re.sub(r"^\s*(?:[-*•]|\d+[.)])\s+", "", line), [])
            if proposed is not None and proposed.numbers:
                yield proposed


def _proposed(text: str, numbers: list[int]) -> Proposed | None:
    """Return a claim; marks in its text count as numbers and aren't part of it."""
    for match in _MARK.finditer(text):
        numbers = [*numbers, *_integers(match.group(1))]
    plain = " ".join(_MARK.sub("", text).split())
    if not plain:
        return None
    return Proposed(plain, tuple(dict.fromkeys(numbers))[:MOST_NUMBERS])


def _parsed(written: str) -> object:
    for text in (written, _TRAILING_COMMA.sub(r"\1", written)):
        try:
            return json.loads(text, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _integers(value: object) -> list[int]:
    if isinstance(value, bool):
        return []
    if isinstance(value, int):
        return [value]
    if isinstance(value, str):
        return [int(digits) for digits in re.findall(r"(?<!\d)\d{1,4}(?!\d)", value, re.ASCII)]
    if isinstance(value, list):
        return [number for one in value[: 4 * MOST_NUMBERS] for number in _integers(one)]
    if isinstance(value, float) and value.is_integer():
        return [int(value)]
    return []
