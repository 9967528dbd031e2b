"""Blocks that are put together of what stands apart in the file, taken apart again.

Whoever writes a file writes a sentence from its beginning to its end, whatever stands beside it on
the page. Where the layout put words between which the file has words of another block into one, it
read across: over a gutter that nothing showed, or down a column of numbers. Quotes of such a block
stand nowhere in the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise

from ingest.readers.layout.headings import Draft
from ingest.readers.layout.paragraphs import drafts_of
from ingest.readers.layout.rows import parted
from ingest.readers.layout.shapes import Line, Page, Word

_SAME_LINE = 0.3
"""Words of a line have baselines so near, in parts of their size."""

_LISTED = 4
"""So many times does a row with others between its lines hold no cells, but lines of a list."""

_LABEL, _SHORT = 2, 80
"""Lines and letters of what may be a label in a diagram: nothing that goes on in a column."""

_FAR = 4.0
"""Words of a line stand so near, in parts of their size."""


class Torn:
    """Takes blocks apart whose words don't follow each other in the file.

    The order in the file is that of ``Page.words``; what runs in another direction than the page
    has none and stays as it is.
    """

    def __init__(self, pages: Sequence[Page], drafts: Sequence[Draft]) -> None:
        self._drafts = drafts
        self._place = {id(word): at for page in pages for at, word in enumerate(page.words)}
        self._words = [page.words for page in pages]
        self._owner = {
            id(word): number
            for number, draft in enumerate(drafts)
            for line in draft.lines
            for word in line.words
        }

    def mended(self, *, body: float, pitch: float) -> list[Draft]:
        """Return the blocks, the torn ones as their pieces; ``body`` and ``pitch`` as for them."""
        out: list[Draft] = []
        for number, draft in enumerate(self._drafts):
            if self._is_torn(number, draft):
                for piece in self._pieces(draft):
                    out += drafts_of([[*piece]], body, pitch)
            else:
                out.append(draft)
        return out

    def _is_torn(self, number: int, draft: Draft) -> bool:
        if draft.cells is None:
            if len(draft.lines) <= _LABEL and len(draft.text) < _SHORT:
                return len(list(self._columns(draft.lines))) > 1
            return any(self._is_seam(*step) for step in _steps(draft.lines))
        seams = [step for cell in draft.cells for step in _steps(cell) if self._is_seam(*step)]
        if len(seams) >= _LISTED:
            return True
        # A row of a table may be written line by line, over its cells.
        return not all(
            self._follows(line.page, one, other, past=number) for _, line, one, other in seams
        )

    def _is_seam(self, before: Line, line: Line, one: Word, other: Word) -> bool:
        """Tell whether a word and the one before it don't belong together."""
        if before.page != line.page or self._follows(line.page, one, other):
            return False
        if before.region == line.region:
            return True
        # A sentence that goes on in another column: figures may come in between.
        return not one.text.endswith("-") and self._between(line.page, one, other) is None

    def _follows(self, page: int, one: Word, other: Word, *, past: int | None = None) -> bool:
        """Tell whether a word comes after another in the file, with nothing of a block between.

        Words of the block ``past`` may stand there.
        """
        between = self._between(page, one, other)
        return between is not None and all(owner in (None, past) for owner in between)

    def _parts(self, page: int, run: Sequence[Word], word: Word) -> bool:
        return not self._follows(page, run[-1], word)

    def _between(self, page: int, one: Word, other: Word) -> list[int | None] | None:
        """Return what blocks the words between two are of; None where the second comes before."""
        first, then = self._place.get(id(one)), self._place.get(id(other))
        if first is None or then is None:
            return []
        if then < first:
            return None
        return [self._owner.get(id(word)) for word in self._words[page][first + 1 : then]]

    def _pieces(self, draft: Draft) -> Iterator[list[Line]]:
        """Yield the lines of each piece."""
        if draft.cells is None and not any(
            before.region == line.region and self._is_seam(before, line, one, other)
            for before, line, one, other in _steps(draft.lines)
        ):
            yield from self._columns(draft.lines)
            return
        for page in dict.fromkeys(line.page for line in draft.lines):
            words = [word for line in draft.lines if line.page == page for word in line.words]
            words.sort(key=lambda word: self._place.get(id(word), 0))
            for run in parted(words, partial(self._parts, page)):
                lines = [Line(words=own, page=page) for own in _lines(run)]
                edges = min(line.left for line in lines), max(line.right for line in lines)
                for line in lines:
                    line.edges = edges
                    line.footnote = draft.lines[0].footnote
                yield lines

    def _columns(self, lines: Sequence[Line]) -> Iterator[list[Line]]:
        """Yield lines, parted where a column doesn't go on in the next."""

        def apart(run: Sequence[Line], line: Line) -> bool:
            before = run[-1]
            one, other = before.words[-1], line.words[0]
            goes_on = before.page != line.page or one.text.endswith("-")
            return not goes_on and not self._follows(line.page, one, other)

        return parted(lines, apart)


def _steps(lines: Sequence[Line]) -> Iterator[tuple[Line, Line, Word, Word]]:
    """Yield each word after the one before it, after the lines of both."""
    placed = [(line, word) for line in lines for word in line.words]
    for (before, one), (line, other) in pairwise(placed):
        yield before, line, one, other


def _lines(run: Sequence[Word]) -> Iterator[list[Word]]:
    """Yield words that stand in a row, one after the other."""

    def apart(before: Sequence[Word], other: Word) -> bool:
        one = before[-1]
        size = max(one.size, other.size)
        level = abs(other.base - one.base) < _SAME_LINE * size or other.mark or one.mark
        return not (level and one.left <= other.left < one.right + _FAR * size)

    return parted(run, apart)
