"""The labels in a file of Turtle or N-Triples.

A reader of the grammar of *RDF 1.1 Turtle* (W3C, 2014) that keeps nothing but literals of named
resources: blank nodes and collections are read over. What isn't Turtle is an error with its
line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+|\#[^\r\n]*)
    | <(?P<iri>[^\x00-\x20<>"{}|^`\\]*(?:\\u[0-9A-Fa-f]{4}[^\x00-\x20<>"{}|^`\\]*)*)>
    | (?P<long>\"{3}(?:\"{0,2}(?:[^"\\]|\\.))*\"{3}|'{3}(?:'{0,2}(?:[^'\\]|\\.))*'{3})
    | (?P<short>"(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\.)*')
    | @(?P<at>[A-Za-z]+(?:-[A-Za-z0-9]+)*)
    | (?P<type>\^\^)
    | (?P<number>[+-]?(?:\d+\.\d*[eE][+-]?\d+|\.?\d+[eE][+-]?\d+|\d*\.\d+|\d+))
    | (?P<mark>[;,.()\[\]])
    | (?P<blank>_:[\w](?:[\w.-]*[\w-])?)
    | (?P<name>(?:[^\W\d_](?:[\w.-]*[\w-])?)?:
        (?:(?:[\w:]|%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?\#@%])
           (?:(?:[\w:.-]|%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?\#@%])*
              (?:[\w:-]|%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?\#@%]))?)?)
    | (?P<word>[A-Za-z]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ESCAPED = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_MAX_DEPTH = 100


class TurtleError(Exception):
    """The text isn't Turtle; ``line`` counts from 1, ``found`` is what stands there."""

    def __init__(self, line: int, found: str) -> None:
        super().__init__(line, found)
        self.line = line
        self.found = found


@dataclass(frozen=True, slots=True)
class Literal:
    """A text that a resource has under a predicate; ``language`` is its tag or empty."""

    subject: str
    predicate: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def labelled(text: str, predicates: frozenset[str]) -> Iterator[Literal]:
    """Yield the literals of named resources under some predicates, in the file's order.

    Raises TurtleError.
    """
    yield from _Reader(text, predicates).read()


class _Reader:
    def __init__(self, text: str, predicates: frozenset[str]) -> None:
        self._text = text
        self._predicates = predicates
        self._prefixes: dict[str, str] = {}
        self._base = ""
        self._tokens = self._scan()
        self._next = next(self._tokens)

    def _scan(self) -> Iterator[_Token]:
        at = 0
        while at < len(self._text):
            match = _TOKEN.match(self._text, at)
            if match is None or match.end() == at:
                raise self._error(at)
            kind = match.lastgroup or ""
            if kind != "space":
                yield _Token(kind, match.group(kind), at)
            at = match.end()
        while True:
            yield _Token("end", "", at)

    def _error(self, at: int) -> TurtleError:
        found = self._text[at : at + 40].split("\n")[0]
        return TurtleError(self._text.count("\n", 0, at) + 1, found)

    def _take(self) -> _Token:
        token, self._next = self._next, next(self._tokens)
        return token

    def _mark(self, mark: str) -> None:
        token = self._take()
        if token.kind != "mark" or token.text != mark:
            raise self._error(token.at)

    def _is(self, kind: str, text: str = "") -> bool:
        return self._next.kind == kind and (not text or self._next.text == text)

    def read(self) -> Iterator[Literal]:
        while not self._is("end"):
            keyword = self._next.text.lower() if self._next.kind in ("at", "word") else ""
            if keyword in ("prefix", "base"):
                self._directive()
                continue
            if self._is("mark", "["):
                self._over(0)
                if self._is("mark", "."):
                    self._take()
                    continue
                subject = ""
            elif self._is("mark", "("):
                self._over(0)
                subject = ""
            else:
                subject = self._resource(self._take())
            yield from self._properties(subject)
            self._mark(".")

    def _directive(self) -> None:
        opening = self._take()
        if opening.text.lower() == "prefix":
            name = self._take()
            if name.kind != "name" or not name.text.endswith(":"):
                raise self._error(name.at)
            target = self._take()
            if target.kind != "iri":
                raise self._error(target.at)
            self._prefixes[name.text[:-1]] = self._resource(target)
        else:
            target = self._take()
            if target.kind != "iri":
                raise self._error(target.at)
            self._base = self._resource(target)
        if opening.kind == "at":
            self._mark(".")

    def _properties(self, subject: str) -> Iterator[Literal]:
        while True:
            verb = self._take()
            if verb.kind == "word" and verb.text == "a":
                predicate = "a"
            elif verb.kind in ("iri", "name"):
                predicate = self._resource(verb)
            else:
                raise self._error(verb.at)
            wanted = predicate in self._predicates
            while True:
                found = self._object()
                if found is not None and wanted and subject:
                    yield Literal(subject, predicate, *found)
                if not self._is("mark", ","):
                    break
                self._take()
            if not self._is("mark", ";"):
                return
            while self._is("mark", ";"):
                self._take()
            if self._is("mark", ".") or self._is("mark", "]"):
                return

    def _object(self) -> tuple[str, str] | None:
        """Take an object; return text and language of a literal, None for anything else."""
        if self._is("mark", "[") or self._is("mark", "("):
            self._over(0)
            return None
        token = self._take()
        if token.kind in ("short", "long"):
            quotes = 3 if token.kind == "long" else 1
            text = self._unescaped(token.text[quotes:-quotes], token.at)
            language = ""
            if self._is("at"):
                language = self._take().text
            elif self._is("type"):
                self._take()
                self._resource(self._take())
            return text, language
        if token.kind == "number" or (token.kind == "word" and token.text in ("true", "false")):
            return None
        self._resource(token)
        return None

    def _over(self, depth: int) -> None:
        """Read over a blank node's properties or a collection."""
        opening = self._take()
        if depth > _MAX_DEPTH:
            raise self._error(opening.at)
        closing = "]" if opening.text == "[" else ")"
        while not self._is("mark", closing):
            token = self._next
            if token.kind == "end" or (token.kind == "mark" and token.text in ".])"):
                raise self._error(token.at)
            if token.kind == "mark" and token.text in "[(":
                self._over(depth + 1)
            else:
                self._take()
        self._take()

    def _resource(self, token: _Token) -> str:
        """Return the address of a resource; empty for a blank node."""
        if token.kind == "iri":
            address = self._unescaped(token.text, token.at)
            return urljoin(self._base, address) if self._base else address
        if token.kind == "name":
            prefix, local = token.text.split(":", 1)
            if prefix not in self._prefixes:
                raise self._error(token.at)
            return self._prefixes[prefix] + re.sub(r"\\(.)", r"\1", local)
        if token.kind == "blank":
            return ""
        raise self._error(token.at)

    def _unescaped(self, text: str, at: int) -> str:
        if "\\" not in text:
            return text

        def character(match: re.Match[str]) -> str:
            code = match.group(1) or match.group(2)
            if code:
                number = int(code, 16)
                if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
                    raise self._error(at)
                return chr(number)
            if match.group(3) not in _ESCAPED:
                raise self._error(at)
            return _ESCAPED[match.group(3)]

        return _ESCAPE.sub(character, text)
