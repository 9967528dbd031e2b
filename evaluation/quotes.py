"""Where a quote stands in a text, under the published folding of ``ingest.cleaning``."""

from __future__ import annotations

from collections.abc import Callable

from ingest.cleaning import fold
from kb.model import Span


def find_quote(text: str, quote: str) -> Span | None:
    """Return the first place of a quote, as it is or else under the folding; None if nowhere."""
    if not fold(quote):
        return None
    at = text.find(quote)
    if at >= 0:
        return Span(at, at + len(quote))
    folded = fold(text)
    wanted = fold(quote)
    at = folded.find(wanted)
    if at < 0:
        return None

    def length(end: int) -> int:
        return len(fold(text[:end]))

    # The folding of a prefix grows with the prefix, so both ends can be found by halving:
    # the first character whose folding passes the start, and the first end that holds it all.
    start = _first(len(text), lambda end: length(end) > at) - 1
    end = _first(len(text), lambda end: length(end) >= at + len(wanted))
    while start < end and not fold(text[start]):
        start += 1
    return Span(max(0, start), end)


def _first(limit: int, holds: Callable[[int], bool]) -> int:
    low, high = 0, limit
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def stands_in(page: str, quote: str) -> bool:
    """Return whether a quote stands on a page: its folding is a part of the page's."""
    wanted = fold(quote)
    return bool(wanted) and wanted in fold(page)
