"""The language of a text, and its sentences.

Languages are told apart by their small words and by letter sequences, learned at first use
from the word lists of ``kb/analysis/languages.toml`` (some ten milliseconds). Sentences are
found by rules that know Finnish, Swedish and English abbreviations, ordinals and dates.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from functools import cache, lru_cache
from itertools import pairwise

from kb.analysis.vocabulary import ListName, spelled_words, word_list
from kb.model import LANGUAGES, Language, Span

_WORD = re.compile(r"[^\W\d_]+(?:['’:-][^\W\d_]+)*")

FUNCTION_SHARE = 0.35
"""Share of running words that are small words of the list; the rest is spelled by its letters."""

SURE = 2.0
"""Natural log odds of the best language against the second that make it sure."""

_TEMPER = 0.6  # letters of one word depend on each other: their evidence is less than its sum
_NAME_SHARE = 0.5  # a capital letter inside a sentence: perhaps a name, from any language
# A borrowed term or a name must not outweigh the small words around it ("Mikä on battery pass?").
_MOST_FROM_OTHER = 4.0
_MOST_FROM_SMALL = 12.0
_NOT_SMALL = math.log1p(-FUNCTION_SHARE)
_WORDS_READ = 120  # enough for any text
_GRAMS_KEPT = 1 << 15  # trigrams whose logs are kept: far more than three languages have

_Scores = tuple[float, float, float]


class _Letters:
    """Probability of a trigram's last letter in a language, backed off."""

    def __init__(self, words: set[str]) -> None:
        self._counts: tuple[Counter[str], Counter[str], Counter[str]] = (
            Counter(),
            Counter(),
            Counter(),
        )
        self._contexts: tuple[Counter[str], Counter[str], Counter[str]] = (
            Counter(),
            Counter(),
            Counter(),
        )
        for word in words:
            spelled = f"  {word} "
            for at in range(2, len(spelled)):
                for order in range(3):
                    gram = spelled[at - order : at + 1]
                    self._counts[order][gram] += 1
                    self._contexts[order][gram[:-1]] += 1

    def probability(self, trigram: str) -> float:
        """Return the probability of a trigram's last letter after the two before it."""
        probability = 1 / 60  # any letter at all
        for order in range(3):
            gram = trigram[2 - order :]
            seen = self._contexts[order][gram[:-1]]
            # Witten-Bell-like: the more often a context was seen, the more it is trusted.
            trust = seen / (seen + 5.0)
            if seen:
                probability = trust * self._counts[order][gram] / seen + (1 - trust) * probability
        return probability


class _Model:
    """Small words and spelling of each language."""

    def __init__(self) -> None:
        lists = [spelled_words(language) for language in LANGUAGES]
        self.function = [frozenset(function) for function, _words in lists]
        self._letters = [_Letters({*function, *words}) for function, words in lists]
        self._known: dict[str, _Scores] = {}

    def spelling(self, word: str) -> _Scores:
        """Return the natural log of the probability of a word's letters and end, by language."""
        spelled = f"  {word} "
        known = self._known
        finnish = swedish = english = 0.0
        for at in range(2, len(spelled)):
            gram = spelled[at - 2 : at + 1]
            found = known.get(gram)
            if found is None:
                fi, sv, en = (math.log(letters.probability(gram)) for letters in self._letters)
                found = fi, sv, en
                if len(known) < _GRAMS_KEPT:
                    known[gram] = found
            finnish += found[0]
            swedish += found[1]
            english += found[2]
        return finnish, swedish, english

    def scores(self, word: str) -> _Scores:
        """Return a word's log probability in each language, the greatest being 0."""
        values = [value * _TEMPER for value in self.spelling(word)]
        is_small = False
        for at, function in enumerate(self.function):
            if word in function:
                is_small = True
                values[at] = max(math.log(FUNCTION_SHARE / len(function)), values[at])
            else:
                values[at] += _NOT_SMALL
        best = max(values)
        floor = best - (_MOST_FROM_SMALL if is_small else _MOST_FROM_OTHER)
        return (
            max(values[0], floor) - best,
            max(values[1], floor) - best,
            max(values[2], floor) - best,
        )


@cache
def _model() -> _Model:
    return _Model()


@lru_cache(maxsize=1 << 15)
def _word_scores(word: str) -> _Scores:
    return _model().scores(word)


def log_odds(text: str) -> dict[Language, float]:
    """Return each language's log probability of a text, less the greatest (so one is 0).

    Numbers and acronyms say nothing; capitalised words inside a sentence say half.
    """
    finnish = swedish = english = 0.0
    for count, match in enumerate(_WORD.finditer(text)):
        if count >= _WORDS_READ:
            break
        word = match.group()
        if len(word) > 1 and word.isupper() and not text.isupper():
            continue
        lower = word.lower()
        if not lower.isascii():
            lower = unicodedata.normalize("NFC", lower)
        scores = _word_scores(lower)
        share = _NAME_SHARE if match.start() and word[0].isupper() else 1.0
        finnish += share * scores[0]
        swedish += share * scores[1]
        english += share * scores[2]
    best = max(finnish, swedish, english)
    return {"fi": finnish - best, "sv": swedish - best, "en": english - best}


def detect(text: str) -> Language | None:
    """Return the language of a text, or None when it is too short or too strange to tell."""
    odds = log_odds(text)
    first, second = sorted(odds.values(), reverse=True)[:2]
    if first - second < SURE:
        return None
    return max(LANGUAGES, key=odds.__getitem__)


def language_of(text: str, default: Language) -> Language:
    """Return the language of a text, or the default when it isn't clear."""
    return detect(text) or default


# Sentences ------------------------------------------------------------------------------


@cache
def _words(language: Language, name: ListName) -> frozenset[str]:
    """Return a list's words, with the English ones: texts of all languages cite English."""
    return word_list(language, name) | word_list("en", name)


# The marks of notes after a sentence, as in "so.[12][13]" and "so.²", belong to it.
_END = re.compile(r"(?:[.!?…]+|[。！？])[)\]»”’\"'›]*(?:\[\d{1,3}\]|[⁰¹²³⁴-⁹])*")
_LAST_WORD = re.compile(r"[^\s(\[{\"”»'’“„–—/]+\Z")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*|\f\s*|\u2029\s*")
_BULLET = re.compile(r"\n[^\S\n]*(?=(?:[•▪■●◦‣·*–—-]|\(?\d{1,2}[.)]|\(?[a-zåäö]\))[^\S\n]+\S)")
_SPACE = re.compile(r"\s*")
_OPENERS = "\"'”’»“„‘(–—-[«›‹"
_NUMBERING = re.compile(r"\d+(?:\.\d+)*\Z")
_INITIALS = re.compile(r"(?:[^\W\d_]\.-?)*[^\W\d_]\Z")


def sentence_spans(
    text: str, language: Language, start: int = 0, end: int | None = None
) -> list[Span]:
    """Return the sentences of ``text[start:end]`` as spans, in order and without outer space.

    A blank line and the start of a list item always end a sentence; a single line end is a
    space. Every character that isn't space is in exactly one span.
    """
    end = len(text) if end is None else end
    spans: list[Span] = []
    for first, last in _pieces(text, start, end):
        begin = first
        for close in _closings(text, first, last, language):
            _append(spans, text, begin, close)
            begin = close
        _append(spans, text, begin, last)
    return spans


def _pieces(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return what blank lines and list items part."""
    cuts = sorted(
        {match.end() for match in _BLANK_LINE.finditer(text, start, end)}
        | {match.end() for match in _BULLET.finditer(text, start, end)}
    )
    edges = [start, *cuts, end]
    return [(a, b) for a, b in pairwise(edges) if a < b]


def _append(spans: list[Span], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped:
        begin = start + len(piece) - len(piece.lstrip())
        spans.append(Span(begin, begin + len(stripped)))


def _closings(text: str, start: int, end: int, language: Language) -> list[int]:
    """Return the offsets after the marks that end a sentence before the end of the piece."""
    out = []
    begin = start
    for match in _END.finditer(text, start, end):
        close = match.end()
        if close >= end:
            break
        if not text[close].isspace():
            continue
        after = _SPACE.match(text, close, end)
        follows = after.end() if after else close
        if follows < end and _ends(text, begin, match, follows, end, language):
            out.append(close)
            begin = close
    return out


def _ends(
    text: str, start: int, match: re.Match[str], follows: int, end: int, language: Language
) -> bool:
    """Return whether a mark followed by white space ends its sentence."""
    lead = follows
    while lead < end - 1 and (text[lead] in _OPENERS or text[lead].isspace()):
        lead += 1
    letter = text[lead]
    starts_low = letter.islower()
    mark = match.group()
    if not mark.startswith(".") or mark.startswith(".."):
        # "Miksi?" kysyi hän. — a question or a pause inside a sentence goes on in lower case.
        return not starts_low
    if starts_low:
        # No sentence of our languages begins in lower case, but for pH, eKirje, iPhone.
        return lead + 1 < end and text[lead + 1].isupper()
    if mark != ".":
        return True  # quoted or bracketed: (ks. kuva 3.) "Näin on."
    before = _LAST_WORD.search(text, max(start, match.start() - 40), match.start())
    word = before.group() if before else ""
    lower = word.lower()
    if not word:
        return True
    if _NUMBERING.match(word):
        return _number_ends(text, start, word, before, lead, end, language)
    if len(word) == 1 and word.isupper():
        return False  # an initial: J. V. Snellman
    if lower in _words(language, "numbered"):
        return not text[lead].isdigit()
    if len(word) == 1 and lower in _words(language, "endings"):
        # A unit may end a sentence (15 v. Hän), "Ståhlberg v. Relander" isn't one.
        return _after_number(text, start, match.start() - 1) and letter.isupper()
    if lower in _words(language, "endings"):
        return letter.isupper() and not _month(text, lead, end, language)
    if lower in _words(language, "abbreviations"):
        return False
    return not _INITIALS.match(word)  # J.-P. Sartre, T.S. Eliot


def _number_ends(
    text: str,
    start: int,
    word: str,
    before: re.Match[str] | None,
    lead: int,
    end: int,
    language: Language,
) -> bool:
    """Return whether a number and a full stop end a sentence, rather than being an ordinal."""
    at = before.start() if before else start
    if (len(word) <= 3 or "." in word) and not any(
        character.isalnum() for character in text[start:at]
    ):
        return False  # the number of a list item or a heading: "3. Painos"
    if language == "en" or len(word) >= 4:
        return True
    if _month(text, lead, end, language) or text[lead].isdigit():
        return False
    # Finnish and Swedish ordinals: the word they belong to is mostly lower case, which was
    # handled; before a capital letter a number of one or two digits is taken as the end.
    return text[lead].isupper() or not text[lead].isalnum()


def _after_number(text: str, start: int, at: int) -> bool:
    while at > start and text[at - 1].isspace():
        at -= 1
    return at > start and text[at - 1].isdigit()


def _month(text: str, at: int, end: int, language: Language) -> bool:
    rest = text[at : min(end, at + 12)].lower()
    return rest.startswith(tuple(_words(language, "months")))
