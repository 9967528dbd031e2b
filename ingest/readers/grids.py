"""Tables with a frame around each cell: found in the lines that are drawn, whatever stands in them.

White space tells little where a cell is full and the next column begins a hair's breadth
behind it; the bar between them tells all. Points from the top left corner of the page.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

Rule = tuple[float, float, float]
"""left, right, y: a horizontal line."""
Bar = tuple[float, float, float]
"""top, bottom, x: a vertical line."""

_NEAR = 2.5
_MOST_CROSSINGS = 200_000


@dataclass(frozen=True, slots=True)
class Grid:
    """The lines of one table: ``xs`` and ``ys`` from edge to edge, two columns and rows at least.

    ``rules`` and ``bars`` are those that cross another of the table.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    rules: tuple[Rule, ...]
    bars: tuple[Bar, ...]

    def holds(self, x: float, y: float) -> bool:
        """Tell whether a point lies inside the outer frame."""
        return self.xs[0] < x < self.xs[-1] and self.ys[0] < y < self.ys[-1]

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """Return the row and column of a point inside; of the first ones where cells are joined."""
        column = bisect_right(self.xs, x) - 1
        row = bisect_right(self.ys, y) - 1
        while column and not self._barred(self.xs[column], y):
            column -= 1
        middle = (self.xs[column] + self.xs[column + 1]) / 2
        while row and not self._ruled(self.ys[row], middle):
            row -= 1
        return row, column

    def crossed(self, left: float, right: float, y: float) -> bool:
        """Tell whether a bar stands inside of a word."""
        return any(left + 1 < x < right - 1 and self._barred(x, y) for x in self.xs)

    def _barred(self, x: float, y: float) -> bool:
        return any(abs(at - x) < _NEAR and top < y < bottom for top, bottom, at in self.bars)

    def _ruled(self, y: float, x: float) -> bool:
        return any(abs(at - y) < _NEAR and left < x < right for left, right, at in self.rules)


def grids(rules: Sequence[Rule], bars: Sequence[Bar]) -> list[Grid]:
    """Return the tables that rules and bars make where they meet; nothing of a crowded drawing."""
    if len(rules) * len(bars) > _MOST_CROSSINGS:
        return []
    part = list(range(len(rules) + len(bars)))

    def root(at: int) -> int:
        while part[at] != at:
            part[at] = part[part[at]]
            at = part[at]
        return at

    for one, (left, right, y) in enumerate(rules):
        for other, (top, bottom, x) in enumerate(bars, start=len(rules)):
            if left - _NEAR < x < right + _NEAR and top - _NEAR < y < bottom + _NEAR:
                part[root(one)] = root(other)
    members: dict[int, tuple[list[Rule], list[Bar]]] = {}
    for at in range(len(part)):
        inside = members.setdefault(root(at), ([], []))
        if at < len(rules):
            inside[0].append(rules[at])
        else:
            inside[1].append(bars[at - len(rules)])
    found = []
    for across, down in members.values():
        if len(across) < 3 or not down:
            continue
        xs = _apart([x for _, _, x in down] + [end for rule in across for end in rule[:2]])
        ys = _apart([y for _, _, y in across])
        if len(xs) >= 3 and len(ys) >= 3:
            found.append(Grid(xs, ys, tuple(across), tuple(down)))
    return found


def _apart(values: list[float]) -> tuple[float, ...]:
    """Return values in order, those that are nearly the same once."""
    out: list[float] = []
    for value in sorted(values):
        if not out or value - out[-1] > _NEAR:
            out.append(value)
    return tuple(out)
