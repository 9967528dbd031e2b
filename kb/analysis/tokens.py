"""Words, numbers and codes of a text, in any of our languages, and strings safe for an index.

The rules here are shared by the analysers: what a word is, how it is folded before it is
looked up in a dictionary, how a number is written in one way, and what a term may look like.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from kb.analysis import Term, TermKind, Token

RULES = "3"
"""Version of the rules of this module; part of every analyser's fingerprint."""

WORD_CACHE = 1 << 15
"""Words that an analyser keeps; about 0.8 kB each."""

MAX_TERM = 80
"""Characters of a term; what is longer is no word that anybody searches for."""

_KEPT_LETTERS = frozenset("åäö")
_HYPHENS = "\u2010\u2011"  # hyphen and non-breaking hyphen; dashes part words
_HYPHEN = frozenset("-" + _HYPHENS)
_SOFT_HYPHEN = "\u00ad"
_GROUP_SPACES = "[ \u00a0\u2009\u202f]"

# A mark follows its letter, a soft hyphen or a zero-width joiner stands inside a word.
_IN_WORD = "[^\\W_][\u0300-\u036f\u00ad\u200c\u200d]*"
_WORD = re.compile(
    rf"""
    (?<![\w.,:/-])\d{{1,3}}(?:{_GROUP_SPACES}\d{{3}})+(?:[.,]\d+)?(?![\w])  # 1 200, 259 188,50
    |
    (?:{_IN_WORD})+
    (?:
        [-{_HYPHENS}'’ʼ:&](?:{_IN_WORD})+   # Natura-alue, EU:n, company's, R&D
        | (?<=\d)[.,/](?=\d)(?:{_IN_WORD})+   # 3,5  1.8.2023  2023/1542
    )*
    """,
    re.VERBOSE,
)
_SUSPENDED = re.compile(rf"[-{_HYPHENS}](?![^\W_])|(?<![^\W_])[-{_HYPHENS}]")
_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*\Z")
_GROUPED = re.compile(rf"\d{{1,3}}(?:{_GROUP_SPACES}\d{{3}})+(?:[.,]\d+)?\Z")
_ENGLISH_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?\Z")
_NOT_WORD = re.compile(r"[\W_]+")
_JOINTS = re.compile(r"[-:&/'.,]+")


@dataclass(frozen=True, slots=True)
class WordTerms:
    """What an analyser knows about a word by itself.

    ``front`` and ``head`` are the word without its last compound part, and that part's
    dictionary form; both empty when the word isn't a compound.
    """

    terms: tuple[Term, ...]
    front: str = ""
    head: str = ""


def fold(surface: str) -> str:
    """Return a word as dictionaries and caches know it.

    Compatibility characters are replaced (ligatures, subscripts, full width), case is folded,
    soft hyphens and joiners are removed, hyphens and apostrophes become ASCII.
    """
    if surface.isascii():
        return surface.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", surface).casefold())
    return (
        folded.replace(_SOFT_HYPHEN, "")
        .replace("\u200c", "")
        .replace("\u200d", "")
        .replace("’", "'")
        .replace("ʼ", "'")
        .replace("\u2010", "-")
        .replace("\u2011", "-")
        .strip("'")  # U+02BC counts as a letter and may stand at an edge
    )


@lru_cache(maxsize=WORD_CACHE)
def safe(text: str) -> str:
    """Return a string as one token of SQLite's ``unicode61`` with ``tokenchars '_'``.

    Letters and digits stay; foreign diacritics are folded (é to e) but å, ä and ö are letters
    of their own; what stands between becomes ``_``. A letter younger than the tokenizer's
    tables is written as its code point. Empty when nothing is left.
    """
    if not text.isascii():
        text = "".join(_safe_character(character) for character in text.casefold())
    return _NOT_WORD.sub("_", text.lower()).strip("_")[:MAX_TERM]


def _safe_character(character: str) -> str:
    if character.isascii() or character in _KEPT_LETTERS:
        return character
    base = "".join(
        part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part)
    )
    out = ""
    for part in base:
        # unicode61 knows the letters of Unicode 6.1; those of 3.2 are a safe part of them.
        if part.isascii() or unicodedata.ucd_3_2_0.category(part)[0] in "LN":
            out += part
        elif part.isalnum():
            out += f"u{ord(part):x}"
        else:
            out += "_"
    return out


def words(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and surface of each word, number and code of a text."""
    for match in _WORD.finditer(text):
        yield match.start(), match.end(), match.group()


def is_number(key: str) -> bool:
    """Return whether a folded word is digits and what joins them, and nothing else."""
    return key[:1].isdigit() and (_NUMBER.match(key) is not None or _GROUPED.match(key) is not None)


def number_terms(key: str, *, part_weight: float, comma_groups: bool = False) -> tuple[Term, ...]:
    """Return a number's terms: itself in one spelling, then the numbers in it.

    "1 200" and "1200" are one term, as are "3,5" and "3.5"; with ``comma_groups`` (English)
    "1,200" is 1200 too. Dates, ranges and codes are found by their longer parts as well.
    """
    if _GROUPED.match(key):
        joined = re.sub(_GROUP_SPACES, "", key)
        return distinct(
            [
                (joined.replace(",", "."), 1.0, "number"),
                # A row of a table may hold columns that look like one grouped number.
                *((part, part_weight, "part") for part in re.split(r"\D+", key)),
            ]
        )
    if comma_groups and _ENGLISH_GROUPED.match(key):
        return distinct([(key.replace(",", ""), 1.0, "number")])
    parts = [part for part in re.split(r"\D+", key) if len(part) > 2]
    return distinct(
        [(key, 1.0, "number"), *((part, part_weight, "part") for part in parts if part != key)]
    )


def components(key: str) -> list[str]:
    """Return the pieces of a folded word between its hyphens, colons and other joints."""
    return [piece for piece in _JOINTS.split(key) if piece]


def distinct(terms: list[tuple[str, float, TermKind]]) -> tuple[Term, ...]:
    """Return terms with index-safe texts, each text once with its greatest weight; none of 0."""
    best: dict[str, Term] = {}
    for text, weight, kind in terms:
        written = safe(text)
        if written and weight > 0 and (written not in best or best[written].weight < weight):
            best[written] = Term(written, weight, kind)
    return tuple(best.values())


def tokenize(
    text: str,
    analyse: Callable[[str], WordTerms],
    *,
    conjunctions: frozenset[str],
    weight: float,
) -> list[Token]:
    """Return the tokens of a text, each with the terms that ``analyse`` gives its folded word.

    Compounds with a part left out are completed when they stand near their other half:
    "ympäristö- ja vesilupa" is found by ympäristölupa too, and "akkuteollisuus ja -kemia" by
    akkukemia; ``weight`` is the completed word's.
    """
    tokens: list[Token] = []
    known: list[WordTerms] = []
    suspended: list[int] = []
    for start, end, surface in words(text):
        word = analyse(fold(surface))
        if not word.terms:
            continue
        tokens.append(Token(start, end, surface, word.terms))
        known.append(word)
        at = len(tokens) - 1
        if text[end : end + 1] in _HYPHEN and not text[end + 1 : end + 2].isalnum():
            suspended.append(at)
        elif suspended:
            suspended = _complete(tokens, suspended, word, conjunctions, weight)
        before = text[start - 1 : start]
        if before in _HYPHEN and not text[max(0, start - 2) : start - 1].strip():
            front = next((w.front for w in reversed(known[max(0, at - 2) : at]) if w.front), "")
            if front:
                _add(tokens, at, front + word.terms[0].text, weight)
    return tokens


def word_forms(text: str) -> set[str]:
    """Return the words, numbers and codes of a text, each form once."""
    return set(_WORD.findall(text))


def has_suspended(text: str) -> bool:
    """Return whether a hyphen with nothing on one side of it leaves a part of a compound out."""
    return _SUSPENDED.search(text) is not None


def _complete(
    tokens: list[Token],
    suspended: list[int],
    word: WordTerms,
    conjunctions: frozenset[str],
    weight: float,
) -> list[int]:
    """Complete what waits for this word; return what still waits."""
    if tokens[-1].surface.lower() in conjunctions:
        return suspended
    if word.head:
        for at in suspended:
            _add(tokens, at, fold(tokens[at].surface) + word.head, weight)
    return []


def _add(tokens: list[Token], at: int, text: str, weight: float) -> None:
    token = tokens[at]
    written = safe(text)
    if written and all(term.text != written for term in token.terms):
        term = Term(written, weight, "lemma")
        tokens[at] = Token(token.start, token.end, token.surface, (*token.terms, term))
