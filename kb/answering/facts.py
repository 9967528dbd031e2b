"""The hard facts of a text: numbers with units, dates, denials, and words that have an opposite.

What can be told from a text alone, in Finnish, Swedish and English; ``facts.toml`` has the words.
Numbers come out the same whatever the language wrote: "12,6 miljoonaa kuutiometriä" and "12.6
million cubic metres" are both 12 600 000 of the unit "cubic metre".
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from kb.model import Language, Span

_SPACES = " \u00a0\u2009\u202f"
_DIGITS = re.compile(
    rf"""
    (?<![\w.,])(?P<sign>[-\u2212\u2013](?=\d))?
    (?P<number>
        \d{{1,3}}(?:[{_SPACES}]\d{{3}})+(?!\d)(?:[.,]\d+)?
        | \d{{1,3}}(?:[.,]\d{{3}})+(?!\d)(?:[.,]\d+)?
        | \d+(?:[.,]\d+)?
    )
    (?=$|[^\w]|[a-zåäö°%€]{{1,6}}\b|[³²])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_CODE = re.compile(
    r"(?<!\w)(?=\w*\d)(?=\w*[^\W\d_])\w+(?:[-/]\w+)*|(?<![\w/])\d+(?:/\d+)+(?![\w/])"
)
_UNIT_CODE = re.compile(r"\d+[a-zåäö°]{1,3}[23²³]?\Z", re.IGNORECASE)
_YEAR = re.compile(r"(?<![\w.,/])(?:1[5-9]|20)\d\d(?![\w/]|[.,]\d)")
_DECADE = re.compile(
    r"(?<![\w.,])((?:1[5-9]|20)\d0)(?:-?luvu|-?luku|[-\s]?talet|s\b)", re.IGNORECASE
)
_DMY = re.compile(r"(?<![\d.])(\d{1,2})\.\s?(\d{1,2})\.(?:\s?((?:1[5-9]|20)\d\d))?(?!\d)")
_DM_RANGE = re.compile(r"(?<![\d.])(\d{1,2})\.\s?[–-]\s?\d{1,2}\.\s?(\d{1,2})\.")
_YMD = re.compile(r"(?<!\d)((?:1[5-9]|20)\d\d)-(\d{2})-(\d{2})(?!\d)")


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a text: its values (a spelling may be read in two ways), unit, and place.

    ``whole`` takes in the words that multiply it and the unit.
    """

    values: frozenset[Decimal]
    unit: str
    span: Span
    whole: Span


@dataclass(frozen=True, slots=True)
class Date:
    """A part of a date: ``kind`` is "year", "decade", "month" or "day"; ``value`` names it."""

    kind: str
    value: tuple[int, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text says that can be looked up word for word; spans are offsets in it."""

    numbers: tuple[Number, ...]
    dates: tuple[Date, ...]
    codes: tuple[tuple[str, Span], ...]
    denials: tuple[Span, ...]


@lru_cache(maxsize=2048)
def facts_of(text: str, language: Language) -> Facts:
    """Return the facts of a text that is written in a language."""
    low = _lowered(text)
    dates = tuple(_dates(low))
    taken = [date.span for date in dates]
    codes = tuple(_codes(text, low, taken))
    taken += [span for _, span in codes]
    numbers = tuple(sorted(_numbers(low, language, taken), key=lambda number: number.span))
    # A bare year is no number, but where a unit follows: "2 000 euroa", "2030 hehtaaria".
    counted = [number.span for number in numbers if number.unit]
    dates = tuple(d for d in dates if not any(d.span.overlap(span) for span in counted))
    return Facts(numbers, dates, codes, tuple(_denials(low, language)))


def poles(text: str) -> dict[str, frozenset[str]]:
    """Return which sides ("up", "down") of each pair of opposites a text has words of."""
    low = _lowered(text)
    found: dict[str, frozenset[str]] = {}
    for name, sides in _opposites():
        held = frozenset(side for side, pattern in sides if pattern.search(low))
        if held:
            found[name] = held
    return found


def doubts(text: str) -> frozenset[str]:
    """Return the kinds of doubt that a text has words of."""
    low = _lowered(text)
    return frozenset(name for name, pattern in _doubts() if pattern.search(low))


def rates(text: str) -> frozenset[str]:
    """Return per what times a text tells something: "month" for *a month*, *kuukaudessa*."""
    low = _lowered(text)
    return frozenset(name for name, pattern in _rates() if pattern.search(low))


def clauses(text: str) -> list[Span]:
    """Return the clauses of a text: what stands between marks and words that set apart."""
    cuts = [0, *(match.start() for match in _clause_cut().finditer(_lowered(text))), len(text)]
    return [Span(a, b) for a, b in pairwise(cuts) if text[a:b].strip()]


def is_foreign_to_statements(text: str) -> bool:
    """Return whether a text holds what no statement does: links, markup, code, fake turns."""
    return _forbidden().search(text.lower()) is not None


def one_place(word: str, other: str) -> bool:
    """Return whether two dictionary forms name one place: Kokkola and Karleby."""
    return word != other and _places().get(word, -1) == _places().get(other, -2)


def is_place(word: str) -> bool:
    """Return whether a dictionary form names a place of the table."""
    return word in _places()


def place(word: str) -> int | None:
    """Return the number of the place that a dictionary form names in any language, or None."""
    return _places().get(word)


def names_of_place(number: int) -> list[str]:
    """Return what the place with a number is called in our languages."""
    return [name for name, own in _places().items() if own == number]


def is_month(word: str) -> bool:
    """Return whether a word names a month."""
    return any(pattern.fullmatch(word.lower()) for _, pattern in _months())


# -- numbers ---------------------------------------------------------------------------------


def _numbers(low: str, language: Language, taken: list[Span]) -> Iterator[Number]:
    found: list[Number] = []
    for match in _DIGITS.finditer(low):
        span = Span(match.start("number"), match.end("number"))
        values = _values(match.group("number"), language)
        if match.group("sign"):
            values = frozenset(-value for value in values)
        factor, end = _scale(low, span.end)
        unit, end = _unit(low, end)
        if any(span.overlap(other) for other in taken) and not (
            unit and len(match.group("number").strip()) == 4 and factor == 1
        ):
            continue
        whole = Span(span.start, end)
        found.append(Number(frozenset(v * factor for v in values), unit, span, whole))
    yield from _ranged(low, found)
    covered = [number.span for number in found]
    for value, pattern in _spelled():
        for match in pattern.finditer(low):
            span = Span(*match.span())
            if any(span.overlap(other) for other in covered):
                continue
            if language == "en" and match.group() in ("tre", "fem", "sex", "nio", "tio"):
                continue
            factor, end = _scale(low, span.end)
            covered.append(span)
            unit, end = _unit(low, end)
            values = frozenset({Decimal(value) * factor})
            yield Number(values, unit, span, Span(span.start, end))
    for value, pattern in _shares():
        for match in pattern.finditer(low):
            span = Span(*match.span())
            yield Number(frozenset({Decimal(value)}), "share", span, span)


def _ranged(low: str, found: list[Number]) -> Iterator[Number]:
    """Yield numbers; one that begins a range has the unit and the scale of the range's end."""
    for at, number in enumerate(found):
        after = found[at + 1] if at + 1 < len(found) else None
        if after is None or number.unit or not after.unit:
            yield number
            continue
        between = low[number.span.end : after.span.start].strip()
        if between in ("–", "-", "—", "…"):
            yield Number(number.values, after.unit, number.span, number.whole)
        else:
            yield number


def _values(written: str, language: Language) -> frozenset[Decimal]:
    """Return what a number may mean: "1,200" is 1200 in English and 1.2 in Finnish."""
    plain = re.sub(f"[{_SPACES}]", "", written)
    readings: set[str] = set()
    grouped = re.fullmatch(r"\d{1,3}(?:([.,])\d{3})+", plain)
    if plain.count(",") + plain.count(".") > 1:
        last = max(plain.rfind(","), plain.rfind("."))
        if len({c for c in plain if c in ".,"}) == 1:
            readings.add(re.sub("[.,]", "", plain))
        else:
            readings.add(re.sub("[.,]", "", plain[:last]) + "." + plain[last + 1 :])
    elif grouped and grouped.group(1) == "," and language == "en":
        readings.add(plain.replace(",", ""))
    elif grouped and grouped.group(1) == "." and language != "en" and not plain.startswith("0"):
        readings |= {plain.replace(".", ""), plain}
    else:
        readings.add(plain.replace(",", "."))
    out: set[Decimal] = set()
    for reading in readings:
        try:
            out.add(Decimal(reading).normalize())
        except InvalidOperation:  # more digits than any number has
            out.add(Decimal(0))
    return frozenset(out)


def _scale(low: str, at: int) -> tuple[int, int]:
    """Return what a word right after a number multiplies it by, and where that word ends."""
    for factor, pattern in _scales():
        match = pattern.match(low, at)
        if match:
            return factor, match.end()
    return 1, at


def _unit(low: str, at: int) -> tuple[str, int]:
    """Return the unit that stands right after a number, and where it ends."""
    for name, pattern in _units():
        match = pattern.match(low, at)
        if match:
            return name, match.end()
    return "", at


def unit_stands_in(unit: str, text: str) -> bool:
    """Return whether a unit is written anywhere in a text, such as the head of a table."""
    pattern = next((p for name, p in _loose_units() if name == unit), None)
    return pattern is not None and pattern.search(_lowered(text)) is not None


# -- dates, codes, denials ---------------------------------------------------------------------


def _dates(low: str) -> Iterator[Date]:
    taken: list[Span] = []

    def free(span: Span) -> bool:
        if any(span.overlap(other) for other in taken):
            return False
        taken.append(span)
        return True

    for match in _YMD.finditer(low):
        if free(Span(*match.span())):
            year, month, day = (int(part) for part in match.groups())
            yield Date("year", (year,), Span(*match.span(1)))
            yield Date("day", (month, day), Span(*match.span(2)))
    for match in _DM_RANGE.finditer(low):
        if int(match.group(2)) <= 12:
            yield Date("day", (int(match.group(2)), int(match.group(1))), Span(*match.span(1)))
    for match in _DMY.finditer(low):
        day, month = int(match.group(1)), int(match.group(2))
        if not (1 <= day <= 31 and 1 <= month <= 12) or not free(Span(*match.span())):
            continue
        yield Date("day", (month, day), Span(match.start(1), match.end(2)))
        if match.group(3):
            yield Date("year", (int(match.group(3)),), Span(*match.span(3)))
    for number, pattern in _months():
        for match in pattern.finditer(low):
            before = re.search(r"(\d{1,2})(?:\.|st|nd|rd|th)?\s+(?:of\s+)?\Z", low[: match.start()])
            after = re.match(r"\s+(\d{1,2})(?:st|nd|rd|th)?(?=[,\s.]|\Z)", low[match.end() :])
            # "May" is a month where a day or a year stands beside it.
            if match.group() in ("may", "march", "mars") and not (
                before or re.match(r",?\s+\d", low[match.end() :])
            ):
                continue
            if before and 1 <= int(before.group(1)) <= 31:
                span = Span(before.start(1), match.end())
                value: tuple[int, ...] = (number, int(before.group(1)))
            elif after and 1 <= int(after.group(1)) <= 31:
                span = Span(match.start(), match.end() + after.end())
                value = (number, int(after.group(1)))
            else:
                span, value = Span(*match.span()), (number,)
            if free(span):
                yield Date("day" if len(value) == 2 else "month", value, span)
    for match in _DECADE.finditer(low):
        if free(Span(*match.span(1))):
            yield Date("decade", (int(match.group(1)),), Span(*match.span(1)))
    for match in _YEAR.finditer(low):
        if free(Span(*match.span())):
            yield Date("year", (int(match.group()),), Span(*match.span()))


def _codes(text: str, low: str, taken: list[Span]) -> Iterator[tuple[str, Span]]:
    """Yield what is neither a word nor a number: PM10, 2023/1542, H2."""
    del low
    for match in _CODE.finditer(text):
        span = Span(*match.span())
        if _UNIT_CODE.match(match.group()) or any(span.overlap(other) for other in taken):
            continue
        if match.group()[0].isdigit() and not any(c.isupper() or c == "/" for c in match.group()):
            continue  # 5-vuotinen, 24h: a number with something joined to it
        parts = [part for part in match.group().split("-") if any(c.isdigit() for c in part)]
        # 5G-verkko, PM10-mätning: what is joined to a code is a word of its language.
        yield "-".join(parts).casefold(), span


def _denials(low: str, language: Language) -> Iterator[Span]:
    """Yield the words that deny; several side by side deny once (ei ole ilman …)."""
    source = _source()
    setting_against = {
        match.span(1) for match in re.finditer(source["contrast"]["sv"], low) if language == "sv"
    }
    for match in _negation(language).finditer(low):
        if match.span() not in setting_against:
            yield Span(*match.span())


# -- the word lists ----------------------------------------------------------------------------


def _lowered(text: str) -> str:
    """Return a text in lower case, character by character, so that offsets stay."""
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


@cache
def _source() -> dict[str, Any]:
    return tomllib.loads((files("kb.answering") / "facts.toml").read_text(encoding="utf-8"))


@cache
def _scales() -> tuple[tuple[int, re.Pattern[str]], ...]:
    return tuple(
        (int(one["factor"]), re.compile(rf"[{_SPACES}]?(?:{one['words']})(?!\w)"))
        for one in _source()["scales"]
    )


@cache
def _units() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (str(one["name"]), re.compile(rf"[{_SPACES}\n-]?(?:{one['words']})"))
        for one in _source()["units"]
    )


@cache
def _loose_units() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (str(one["name"]), re.compile(rf"(?<![^\W\d_])(?:{one['words']})"))
        for one in _source()["units"]
    )


@cache
def _spelled() -> tuple[tuple[int, re.Pattern[str]], ...]:
    # The greatest first: kaksikymmentä isn't two. A compound goes on with letters that make a
    # word of their own, so that "kuusi" isn't found in "kuusikko" nor "ten" in "tenant".
    wholes = "vuoti|vuosi|päivä|tunti|raite|osai|kertai|year|day|hour|fold|års|årig|dagars"
    joined = rf"(?:\b|(?=-?(?:{wholes})))"
    return tuple(
        (int(value), re.compile(rf"\b(?:{words}){joined}"))
        for value, words in sorted(_source()["spelled"].items(), key=lambda item: -int(item[0]))
    )


@cache
def _shares() -> tuple[tuple[int, re.Pattern[str]], ...]:
    return tuple(
        (int(value), re.compile(rf"\b(?:{words})\b"))
        for value, words in _source()["shares"].items()
    )


@cache
def _months() -> tuple[tuple[int, re.Pattern[str]], ...]:
    return tuple(
        (int(value), re.compile(rf"\b(?:{words})\b"))
        for value, words in _source()["months"].items()
    )


@cache
def _negation(language: Language) -> re.Pattern[str]:
    return re.compile(_source()["negations"][language])


@cache
def _opposites() -> tuple[tuple[str, tuple[tuple[str, re.Pattern[str]], ...]], ...]:
    return tuple(
        (str(one["name"]), tuple((side, re.compile(one[side])) for side in ("up", "down")))
        for one in _source()["opposites"]
    )


@cache
def _doubts() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((str(one["name"]), re.compile(one["words"])) for one in _source()["doubts"])


@cache
def _places() -> dict[str, int]:
    lines = str(_source()["places"]["lines"]).strip().splitlines()
    return {name: number for number, line in enumerate(lines) for name in line.split()}


@cache
def _rates() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((str(one["name"]), re.compile(one["words"])) for one in _source()["rates"])


@cache
def _clause_cut() -> re.Pattern[str]:
    return re.compile(_source()["clauses"]["cut"])


@cache
def _forbidden() -> re.Pattern[str]:
    return re.compile(_source()["form"]["forbidden"])
