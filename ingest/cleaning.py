"""Text made plain: what every reader normalises, how quotes are compared, how hyphens heal.

Three things are published here, and the rest of the product relies on their definitions:
``normalise`` (what a document's text may hold), ``fold`` (when a quote equals the original
page) and ``join`` (what becomes of a hyphen at the end of a line).
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from enum import Enum

# Latin and Armenian presentation forms; NFC leaves them, a search never finds them.
_LIGATURES = {
    0xFB00: "ff",
    0xFB01: "fi",
    0xFB02: "fl",
    0xFB03: "ffi",
    0xFB04: "ffl",
    0xFB05: "st",
    0xFB06: "st",
}
_SPACES = "\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
# Zero width, joiners, bidi controls, variation selectors, byte order mark, soft hyphen.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u200b\u200c\u200d\u200e\u200f"
    "\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u206a\u206b"
    "\u206c\u206d\u206e\u206f\ufeff\ufff9\ufffa\ufffb\ufffe\uffff"
)
_TABLE: dict[int, str | None] = {
    **dict.fromkeys(range(32)),
    **dict.fromkeys(range(127, 160)),
    **dict.fromkeys(range(65024, 65040)),
    **dict.fromkeys(range(55296, 57344)),
    **dict.fromkeys(range(917504, 917760)),
    **_LIGATURES,
    **{ord(space): " " for space in _SPACES},
    **{ord(char): None for char in _INVISIBLE},
    0x09: " ",
    0x0A: "\n",
    0x0B: "\n",
    0x0C: "\n",
    0x0D: "\n",
    0x85: "\n",
    0x2028: "\n",
    0x2029: "\n",
    0x2010: "-",
    0x2011: "-",
}

# A spacing accent that a broken font drew on its own, and the combining mark it stands for.
SPACING_ACCENTS: Mapping[str, str] = {
    "¨": "\u0308",
    "´": "\u0301",
    "ˊ": "\u0301",
    "`": "\u0300",
    "ˋ": "\u0300",
    "ˆ": "\u0302",
    "˜": "\u0303",
    "¯": "\u0304",
    "˘": "\u0306",
    "˙": "\u0307",
    "˚": "\u030a",
    "˝": "\u030b",
    "ˇ": "\u030c",
    "¸": "\u0327",
    "˛": "\u0328",
}


def normalise(text: str) -> str:
    r"""Return text as every document holds it; it never grows white space.

    NFC; Latin ligatures as letters; line ends as ``\\n``; tabs and every exotic space as one
    space; hyphens U+2010 and U+2011 as ``-``; control characters, NUL, lone surrogates, soft
    hyphens, zero-width characters, bidi controls and variation selectors removed. Idempotent.
    Runs of spaces are left alone: what they mean is the format's business.
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").translate(_TABLE)
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


_LINE_HYPHEN = re.compile(r"(?<=\w)[-\u00ad\u2010\u2011\u0002\ufffe][^\S\n]*\n\s*(?=\w)")
# White space, the bars of table rows, hyphens and dashes, marks that found no letter.
_GONE = re.compile("[\\s|\u0002\ufffe\u2010-\u2015\u2212\u0300-\u036f-]+")


def fold(text: str) -> str:
    """Return what two readings of the same page must agree on.

    This is the published definition of "verbatim": a quote stands on a page when its folding
    is a part of the page's folding. In order:

    1. compatibility forms (NFKC): ligatures, superscript digits, full-width letters; a spacing
       accent beside its letter becomes the accented letter;
    2. soft hyphens, zero-width characters, control characters and marks that found no letter
       to stand on go;
    3. every hyphen and dash goes, inside words and at line ends alike, since one reader heals a
       hyphen at a line end that another keeps;
    4. all white space goes, and with it the bars ``|`` that divide the cells of a table row;
    5. quotation marks and apostrophes become ``"`` and ``'``.

    Letters, their case, accents, digits and all other punctuation stay: a word can't be
    changed, left out or put in without the folding changing.
    """
    text = compose_spacing_accents(text).translate(_QUOTES)
    text = _LINE_HYPHEN.sub("", text)
    # Word by word, so that no mark can join the word before it once the white space is gone.
    text = " ".join(unicodedata.normalize("NFKC", word) for word in text.split())
    return _GONE.sub("", text).translate(_TABLE)


_QUOTES = {ord(mark): '"' for mark in "“”„‟«»″"} | {ord(mark): "'" for mark in "‘’‚‛′´`"}
_ACCENT_FIRST = re.compile("(?:(¨)[ \u00a0]?(?=[aouAOU])|(˚)[ \u00a0]?(?=[aA]))(.)")


def compose_spacing_accents(text: str) -> str:
    """Return text with ``¨a`` and ``¨ a`` as ``ä``, and likewise ö, ü and å.

    Other spacing accents stay: a grave accent before a letter is mostly a quotation mark.
    """
    if text.isascii():
        return text
    return _ACCENT_FIRST.sub(
        lambda found: unicodedata.normalize(
            "NFC", found[3] + SPACING_ACCENTS[found[1] or found[2]]
        ),
        text,
    )


class Joint(Enum):
    """What stands between the two pieces of a line end."""

    SPACE = "space"  # two words
    KEEP = "keep"  # one word, its hyphen kept
    HEAL = "heal"  # one word, the hyphen was the line end's


_HYPHENS = ("-", "\u2010", "\u2011", "\u00ad", "\u0002")
# A hyphen before one of these stands for a word left out: 'ympäristö- ja vesilupa'.
_SUSPENDED = frozenset(
    {"ja", "tai", "sekä", "eli", "kuin", "että", "taikka", "och", "eller", "samt", "respektive"}
    | {"and", "or", "und"}
)
# English first parts that keep their hyphen before a word that stands elsewhere on its own.
_KEEPERS = frozenset({"self", "non", "well", "cross", "high", "low", "long", "short", "state"})
_EDGES = "\"'”“’‘„»«()[]{}.,;:!?…*"
_VOWELS = "aeiouyåäö"
_SOUNDED = re.compile(r"[aeiouyåäöáàâãéèêëíìîïóòôõúùûüýæœø]", re.IGNORECASE)


def join(head: str, tail: str, forms: WordForms) -> Joint:
    """Decide what becomes of a line end between two pieces.

    ``forms`` are the words of the same document, the evidence that decides between
    *teollisuusalue* and *Natura-alue*, inflected forms of either included. Without evidence a
    hyphen before a small letter is healed, unless it stands after a digit, an abbreviation in
    capitals, or between two like vowels (Finnish writes *linja-auto* so, and never divides a
    long vowel).
    """
    if head.endswith("\u00ad"):
        return Joint.HEAL
    if not head.endswith(_HYPHENS):
        return _unhyphenated(head, tail)
    stem = head[:-1].lstrip(_EDGES)
    rest = tail.strip(_EDGES)
    if len(head) == 1 and len(rest) > 3 and forms.begin(f"-{rest[: max(4, len(rest) - 4)]}"):
        return Joint.KEEP  # 'RES-E -' + 'direktiivin', where it also writes 'RES-E -direktiivi'
    if not stem or not rest or not stem[-1].isalnum() or tail[:1] in "([{\"”'–—-":
        return Joint.SPACE
    if tail.casefold() in _SUSPENDED:
        return Joint.SPACE
    if "://" in stem or "@" in stem or stem.startswith("www."):
        return Joint.KEEP
    if stem[-1].isdigit() or not rest[0].isalpha():
        return Joint.KEEP
    together, apart = forms.count(stem + rest), forms.count(f"{stem}-{rest}")
    if together == apart and len(rest) > 3 and len(stem) > 2:
        beginning = rest[: max(4, len(rest) - 4)]
        together = len(forms.begin(stem + beginning))
        apart = len(forms.begin(f"{stem}-{beginning}"))
    if together != apart:
        return Joint.HEAL if together > apart else Joint.KEEP
    if rest[0].isupper():
        capitals = stem.isupper() and rest.isupper() and len(stem) > 3
        return Joint.HEAL if capitals else Joint.KEEP
    return Joint.KEEP if _compound(stem, rest, forms) else Joint.HEAL


def _compound(stem: str, rest: str, forms: WordForms) -> bool:
    """Tell whether the hyphen is likely the word's own, there being no sight of the word itself."""
    last = stem.rsplit("-", 1)[-1]
    if last.isupper() or len(last) == 1:
        return True  # EU-rahoitus, RES-E-direktiivi, e-lasku: no division leaves a letter alone
    if not _SOUNDED.search(last):
        return True  # pk-yritys: no syllable ends there
    if last[-1].casefold() == rest[0] and rest[0] in _VOWELS and len(rest) > 2:
        return True
    folded = last.casefold()
    if folded in _KEEPERS and forms.count(rest):
        return True
    if "-" in stem and last[0].isupper() and forms.count(folded):
        return True  # Kerava-Lahti-rata
    if (folded + rest.casefold()).startswith("pohjoisma"):
        return False  # the Nordic countries, though Pohjois-Suomi stands beside them
    if last[0].isupper() and forms.begin(f"{folded}-"):
        # Natura-verkosto speaks for Natura-alue; Maa-aines doesn't speak for Maa-lämpö where
        # the document also writes maatalous.
        return not any(
            len(form) > len(folded) + 3 and form.isalpha() for form in forms.begin(folded)
        )
    # 'state-' + 'of-the-art': the rest goes on with hyphens and the first part is a word
    return "-" in rest and forms.count(folded) > 0 and forms.count(rest.split("-")[0]) > 0


def _unhyphenated(head: str, tail: str) -> Joint:
    before = head[-2:-1]
    if head.endswith("/") and before.isalnum() and tail[:1].isalnum():
        return Joint.KEEP
    if head.endswith(("–", "—")) and before.isdigit() and tail[:1].isdigit():
        return Joint.KEEP
    if "://" in head and head[-1:] in "/=&?_%" and tail[:1].isalnum():
        return Joint.KEEP
    return Joint.SPACE


class WordForms:
    """The words of a document, counted: the evidence that ``join`` decides by.

    Words are case-folded and stripped of the punctuation around them. A word that ends in a
    hyphen is no evidence.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._counts: dict[str, int] = {}
        for word in words:
            plain = word.strip(_EDGES).casefold()
            if plain and not plain.endswith(_HYPHENS):
                self._counts[plain] = self._counts.get(plain, 0) + 1
        self._sorted = sorted(self._counts)

    def count(self, word: str) -> int:
        """Return how often a word stands in the document."""
        return self._counts.get(word.casefold(), 0)

    def begin(self, prefix: str) -> list[str]:
        """Return up to twenty different words that begin so."""
        at = bisect_left(self._sorted, prefix.casefold())
        found = self._sorted[at : at + 20]
        return [word for word in found if word.startswith(prefix.casefold())]


def word_forms(words: Iterable[str]) -> WordForms:
    """Return the words of a document as evidence for ``join``."""
    return WordForms(words)
