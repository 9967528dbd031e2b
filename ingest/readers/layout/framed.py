"""Tables whose cells are framed by lines, and which words stand in their cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ingest.readers.grids import Grid
from ingest.readers.layout.shapes import Word


def middle(word: Word) -> tuple[float, float]:
    """Return the middle of a word's small letters."""
    return (word.left + word.right) / 2, word.base - 0.35 * word.size


def within(grid: Grid, word: Word) -> bool:
    """Tell whether a word stands in a grid."""
    return grid.holds(*middle(word))


def filled(found: Sequence[Grid], words: Sequence[Word]) -> list[Grid]:
    """Return the grids that are tables: words in two rows and columns, that no bar cuts.

    The lines of a chart hold no words, or cross them.
    """
    out: list[Grid] = []
    for grid in found:
        held = [word for word in words if within(grid, word)]
        cells = {grid.cell(*middle(word)) for word in held}
        rows, columns = ({cell[at] for cell in cells} for at in (0, 1))
        cut = sum(grid.crossed(word.left, word.right, middle(word)[1]) for word in held)
        if len(rows) < 2 or len(columns) < 2 or cut > 0.02 * len(held):
            continue
        most = max(Counter(row for row, _ in cells).values())
        if most > 1 and len(cells) >= 0.3 * (len(grid.xs) - 1) * (len(grid.ys) - 1):
            out.append(grid)
    return out
