"""Finnish: Voikko's dictionary forms and compound parts, and Snowball's stem.

Two engines read the same dictionary: libvoikko (a system library, with PyPI's binding of that
name; fast) and pyvoikko with kfst (pip alone). Both give the transducer's own analysis string,
and lemmas and parts are read from it here, so the two agree but for the readings that
libvoikko's extra rules leave out.
"""

from __future__ import annotations

import ctypes
import itertools
import re
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Protocol

from kb.analysis import TermKind, Token
from kb.analysis.stemming import Snowball
from kb.analysis.tokens import (
    RULES as TOKEN_RULES,
)
from kb.analysis.tokens import (
    WORD_CACHE,
    WordTerms,
    components,
    distinct,
    is_number,
    number_terms,
    tokenize,
)
from kb.analysis.vocabulary import word_list
from kb.model import Language

RULES = "4"
"""Version of the rules of this module."""

WEIGHTS: Mapping[str, float] = {
    "lemma": 1.0,
    "inner": 0.9,
    "part": 0.8,
    "root": 0.7,
    "stem": 0.7,
    "surface": 1.0,
}
"""How much a term says about its word, by where it comes from; 0 leaves it out.

inner: jätevesi in jätevedenpuhdistamo; root: rahoittaa behind rahoitus.
"""

_TAG = re.compile(r"\[[^\]]*\]")
_CASE_ENDING = re.compile(r"([^:]+):([a-zäö]{1,7})\Z")
_APOSTROPHE_ENDING = re.compile(r"([^']{3,})'[a-zäö]{1,5}\Z")

# How words are said, and how the dictionary has them: only words that it doesn't know are tried.
_SPOKEN = tuple(
    (re.compile(said), written)
    for said, written in (
        (r"(?<=ks)\Z|(?<=[aeouyäö]is)\Z", "i"),  # miks, yks, pitäis
        (r"(?<=..)ks\Z", "ko"),  # paljonks, saaks
        (r"(?<=..)ks\Z", "kö"),  # pystyyks
        (r"\Aois(?=k|\Z)", "olisi"),  # ois, oisko
        (r"([oö])(?=t[tu])", r"\1i"),  # tarkotus, rahottaa
        (r"(?<=[oöuaäe])nen\Z", "inen"),  # punanen
    )
)


class Morphology(Protocol):
    """A dictionary that analyses one word."""

    @property
    def name(self) -> str:
        """Engine and versions."""

    def readings(self, word: str) -> list[str]:
        """Return the transducer's analyses of a folded word; empty when it isn't known."""


class Libvoikko:
    """The system library; one handle, which isn't safe to share, behind a lock.

    Its functions are called one level below the binding's ``analyze``, which fetches a dozen
    attributes of each reading where one is needed: that took three times as long.
    """

    def __init__(self) -> None:
        import libvoikko

        self._library: Any = libvoikko.VoikkoLibrary.open()
        failed = ctypes.c_char_p()
        self._handle = self._library.voikkoInit(ctypes.byref(failed), b"fi", None)
        if failed.value is not None:
            raise OSError(failed.value.decode(errors="replace"))
        # Not at exit: another thread may still be asking then.
        weakref.finalize(self, self._library.voikkoTerminate, self._handle).atexit = False
        self._lock = threading.Lock()
        self.name = f"libvoikko {libvoikko.Voikko.getVersion()}"

    def readings(self, word: str) -> list[str]:
        """Return analyses; the few that the library makes up itself have no string and are left."""
        if "\0" in word:  # where C takes a text to end
            return []
        library = self._library
        with self._lock:
            found = library.voikkoAnalyzeWordUcs4(self._handle, word)
            if not found:
                return []
            try:
                return [
                    analysis
                    for reading in itertools.takewhile(bool, found)
                    if (analysis := library.voikko_mor_analysis_value_ucs4(reading, b"FSTOUTPUT"))
                ]
            finally:
                library.voikko_free_mor_analysis(found)


class Pyvoikko:
    """The same dictionary run by kfst, with nothing but pip."""

    def __init__(self) -> None:
        import pyvoikko

        self._transducer: Any = pyvoikko.VOIKKO_FST
        self._unknown = pyvoikko.TokenizationException
        self._lock = threading.Lock()
        self.name = f"pyvoikko {version('pyvoikko')}"

    def readings(self, word: str) -> list[str]:
        """Return analyses; a character that the dictionary lacks makes the word unknown."""
        try:
            with self._lock:
                found = self._transducer.lookup(word)
        except self._unknown:
            return []
        return [analysis for analysis, _weight in found]


def open_morphology() -> Morphology:
    """Return libvoikko where it and a Finnish dictionary are installed, else pyvoikko."""
    try:
        return Libvoikko()
    except Exception:  # the binding raises OSError or its own error, by version and platform
        return Pyvoikko()


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a word; all in lower case, without the dictionary's seams.

    ``parts`` are the compound's parts (one for a plain word), ``inner`` the compounds inside a
    compound of three or more, ``roots`` what derived words come from; all dictionary forms.
    """

    lemma: str
    parts: tuple[str, ...]
    inner: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()


def read_analysis(analysis: str) -> Reading:
    """Read an analysis string of Voikko's transducer.

    ``[Xp]vesi[X]ve[Sg][Ny]den[Bh][Bc][Ln][Xp]puhdistamo[X]puhdistamo[Sg][Nm]iden`` is a
    compound of vesi and puhdistamo with the lemma vedenpuhdistamo: every part but the last
    keeps the form it has in the word. ``[Xj]`` gives the dictionary form of a derivational
    ending, which stands after the surface of what it is added to.
    """
    segments = [_read_segment(segment) for segment in analysis.split("[Bc]") if segment]
    surfaces = [surface for surface, _base, _root in segments]
    bases = [base for _surface, base, _root in segments]
    count = len(segments)

    def joined(start: int, end: int) -> str:
        return ("".join(surfaces[start : end - 1]) + bases[end - 1]).strip("-")

    return Reading(
        lemma=joined(0, count),
        parts=tuple(part for part in (base.strip("-") for base in bases) if part),
        inner=tuple(
            joined(start, end)
            for start in range(count)
            for end in range(start + 2, count + 1)
            if end - start < count
        ),
        roots=tuple(root for _surface, _base, root in segments if root),
    )


def _read_segment(segment: str) -> tuple[str, str, str]:
    """Return the surface, the dictionary form and the root of a derived form, if it is one."""
    surface = base = root = before = ending = ""
    for at, piece in enumerate(segment.split("[X")):
        name, text = "", piece
        if at:
            name, _, text = piece.partition("]")
        if "[" in text:
            text = _TAG.sub("", text)
        if name == "p":
            # A second base in a segment (ett|ei) follows what came before it.
            base = surface + text if base else text
        elif name == "j":
            before, ending = surface, text
            root = root or base
        elif name != "r":  # that is how it is pronounced or written, not part of the word
            surface += text
    if ending:
        base = before + ending
    return surface, (base or surface).replace("=", "").lower(), root.replace("=", "").lower()


class FinnishAnalyzer:
    """Tokens with Voikko lemmas, compound parts and Snowball stems."""

    def __init__(
        self,
        morphology: Morphology | None = None,
        *,
        weights: Mapping[str, float] = WEIGHTS,
    ) -> None:
        self._morphology = morphology or open_morphology()
        self._snowball = Snowball("finnish")
        self._weights = dict(weights)
        self._analyse = lru_cache(maxsize=WORD_CACHE)(self._analyse_word)

    @property
    def language(self) -> Language:
        """Finnish."""
        return "fi"

    @property
    def fingerprint(self) -> str:
        """Engine, stemmer and rules."""
        return f"fi:{self._morphology.name}:{self._snowball.name}:rules {TOKEN_RULES}.{RULES}"

    def tokens(self, text: str) -> list[Token]:
        """Return the words of a text with their terms."""
        return tokenize(
            text,
            self._analyse,
            conjunctions=word_list("fi", "conjunctions"),
            weight=self._weights["lemma"],
        )

    def is_name(self, word: str) -> bool:
        """Return whether a word can only be a name: the dictionary has no other reading of it."""
        readings = self._morphology.readings(word.casefold())
        return all(reading.startswith("[Le") for reading in readings)

    def stem(self, word: str) -> str:
        """Return Snowball's stem of a folded word."""
        return self._snowball.stem(word)

    def _analyse_word(self, key: str) -> WordTerms:
        weights = self._weights
        if is_number(key):
            return WordTerms(number_terms(key, part_weight=weights["part"]))
        ending = _CASE_ENDING.match(key)
        if ending:  # EU:n, CATL:ssä, 20:een: what stands before the colon is the word
            key = ending.group(1)
            if is_number(key):
                return WordTerms(number_terms(key, part_weight=weights["part"]))
        readings = self._readings(key)
        spoken = [] if readings else self._spoken(key)
        if not readings and not spoken:
            # Bordeaux'n: an apostrophe parts the ending of a name that ends in a silent letter.
            return self._unknown(_APOSTROPHE_ENDING.sub(r"\1", key))
        if spoken:
            found: list[tuple[str, float, TermKind]] = [(key, weights["surface"], "surface")]
            found += [(reading.lemma, weights["lemma"], "lemma") for reading in spoken]
            return WordTerms(distinct(found))
        found = [(reading.lemma, weights["lemma"], "lemma") for reading in readings]
        for reading in readings:
            found.extend((root, weights["root"], "part") for root in reading.roots)
            found.extend((inner, weights["inner"], "part") for inner in reading.inner)
            if len(reading.parts) > 1:
                found.extend(
                    (part, weights["part"], "part") for part in reading.parts if len(part) > 1
                )
        found.append((self.stem(key), weights["stem"], "stem"))
        first = readings[0]
        if len(first.parts) < 2 or not first.lemma.endswith(first.parts[-1]):
            return WordTerms(distinct(found))
        return WordTerms(distinct(found), first.lemma[: -len(first.parts[-1])], first.parts[-1])

    def _readings(self, key: str) -> list[Reading]:
        """Return the readings with the fewest parts: others are chance splits of a plain word."""
        analyses = self._morphology.readings(key)
        if len(analyses) < 2:
            return [read_analysis(analysis) for analysis in analyses]
        readings = {read_analysis(analysis) for analysis in analyses}
        fewest = min((len(reading.parts) for reading in readings), default=0)
        kept = [reading for reading in readings if len(reading.parts) == fewest]
        return sorted(kept, key=lambda reading: (reading.lemma, reading.parts, reading.roots))

    def _spoken(self, key: str) -> list[Reading]:
        """Return the readings of a word written as it is said, by the written form: miks, miksi."""
        for ending, written in _SPOKEN:
            form = ending.sub(written, key)
            if form != key and (readings := self._readings(form)):
                return readings
        return []

    def _unknown(self, key: str) -> WordTerms:
        weights = self._weights
        found: list[tuple[str, float, TermKind]] = [(key, weights["surface"], "surface")]
        pieces = components(key)
        head = ""
        if len(pieces) > 1:
            for piece in pieces:
                if len(piece) < 2:
                    continue
                if is_number(piece):
                    found.append((piece, weights["part"], "part"))
                    continue
                readings = self._readings(piece)
                lemmas = [reading.lemma for reading in readings] or [self.stem(piece)]
                found.extend((lemma, weights["part"], "part") for lemma in lemmas)
                head = lemmas[0]
            if head and head != pieces[-1]:
                # The whole word in its dictionary form: only the last piece is inflected.
                found.append((key[: -len(pieces[-1])] + head, weights["lemma"], "lemma"))
        found.append((self.stem(key), weights["stem"], "stem"))
        return WordTerms(distinct(found), key[: -len(pieces[-1])] if head else "", head)
