"""A page with a usual gutter to what stands in its columns and what stands across them.

The order is found here too: a figure or a heading across the page may part the columns, or they
run past it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from ingest.readers.grids import Grid, Rule
from ingest.readers.layout.bands import FAR, measure, split_at
from ingest.readers.layout.framed import within
from ingest.readers.layout.gutters import Usual, keeps_columns, leaves_open
from ingest.readers.layout.rows import leads_on, rows_of
from ingest.readers.layout.shapes import Word

Part = list[list[list[Word]]]
"""Rows: of both columns, or of one item what stands across the page."""


def divided(
    rows: Sequence[list[Word]],
    gutter: Usual,
    em: float,
    *,
    rules: Sequence[Rule],
    tables: Sequence[Grid],
) -> list[Part] | None:
    """Divide the stretches of rows that leave a usual gutter open; None where none does.

    A rule across ends a stretch. One with three lines on either side needs text on one; a
    shorter one, as between two figures across the page, text that keeps to both columns. Boxes
    that the text flows around come last.
    """
    middle = gutter.middle
    rows, boxes = _without_boxes(rows, gutter, em)
    stretches: list[list[list[Word]]] = []
    opens: list[bool] = []
    ruled_off: list[bool] = []
    across = sorted(y for left, right, y in rules if left < middle - 20 and right > middle + 20)
    headings = _headings_across(rows, middle, em)
    before = -FAR
    for row in rows:
        free = (
            id(row) not in headings
            and leaves_open(row, gutter, em)
            and not _in_table_across(row, middle, tables)
        )
        foot = row[0].base - 0.3 * em
        ruled = bisect_left(across, foot) > bisect_left(across, before)
        before = foot
        if not opens or opens[-1] != free or ruled:
            stretches.append([])
            opens.append(free)
            ruled_off.append(ruled)
        stretches[-1].append(row)
    ruled_off.append(bisect_left(across, before + 2 * em) > bisect_left(across, before))
    parts: list[Part] = []
    for at, (stretch, free) in enumerate(zip(stretches, opens, strict=True)):
        while free and at + 1 < len(stretches) and len(stretch) > 1:
            last = stretch[-1]  # a heading of what stands across the page below it
            if last[-1].right > middle or not _heads(last, em):
                break
            stretches[at + 1].insert(0, stretch.pop())
        sides = split_at(stretch, [(middle, middle)]) if free else []
        in_table = ruled_off[at] and ruled_off[at + 1]
        if sides and (_beside(sides) or (not in_table and keeps_columns(sides, gutter))):
            parts.append([rows_of(side) for side in sides])
        elif parts and len(parts[-1]) == 1:
            parts[-1][0].extend(stretch)
        else:
            parts.append([list(stretch)])
    if all(len(part) == 1 for part in parts):
        return None
    for over, between, under in zip(parts, parts[1:], parts[2:], strict=False):
        if len(between) == 1 < min(len(over), len(under)):
            _take_labels(over, between[0], under)
    return [*parts, *([rows_of(box)] for box in boxes)]


_LONGEST_BOX = 20
"""Rows of text beside a box."""


def _without_boxes(
    rows: Sequence[list[Word]], gutter: Usual, em: float
) -> tuple[Sequence[list[Word]], list[list[Word]]]:
    """Take out the words of boxes over the gutter that the text of both columns flows around.

    A pulled quote, mostly: in letters of another size, with lines of text on either side.
    """
    opens = [leaves_open(row, gutter, em) for row in rows]
    kept: list[list[Word]] = []
    boxes: list[list[Word]] = []
    at = 0
    while at < len(rows):
        end = at + 1
        if not opens[at]:  # lines of one column may stand between those of the box
            while not all(opens[end : end + 3]):
                end += opens.index(False, end) - end + 1
        box: list[Word] = []
        if 1 < end - at <= _LONGEST_BOX:
            box = _box(rows[at : end + 2], gutter, em)  # its last line may be a short one
        if box:
            end = min(end + 2, len(rows))
            boxes.append(box)
            inside = {id(word) for word in box}
            text = [word for row in rows[at:end] for word in row if id(word) not in inside]
            kept += rows_of(text)
        else:
            kept += rows[at:end]
        at = end
    return (kept, boxes) if boxes else (rows, [])


def _box(rows: Sequence[list[Word]], gutter: Usual, em: float) -> list[Word]:
    """Return the words of the box in some rows that close a gutter; empty where there is none."""
    words = [word for row in rows for word in row]
    text = [word for word in words if abs(word.size - em) < 0.07 * em]
    other = [word for word in words if abs(word.size - em) >= 0.07 * em and not word.mark]
    sizes = Counter(word.size for word in other)
    box = [word for word in other if word.size == sizes.most_common(1)[0][0]]
    sides = split_at([text], [(gutter.middle, gutter.middle)])
    if len(box) < 4 or min(len(rows_of(side)) for side in sides) < 2:
        return []
    left, right = min(word.left for word in box), max(word.right for word in box)
    top, bottom = min(word.base for word in box), max(word.base for word in box)
    if not gutter.before[0] + 2 * em < left < gutter.middle < right < gutter.after[1] - 2 * em:
        return []
    if any(
        word.left < right - 2 and word.right > left + 2 and top - em < word.base < bottom + em
        for word in text
    ):
        return []
    return box if all(leaves_open(row, gutter, em) for row in rows_of(text)) else []


def _heads(row: Sequence[Word], em: float) -> bool:
    return all(word.bold for word in row) or row[0].size > 1.08 * em


def _headings_across(rows: Sequence[list[Word]], middle: float, em: float) -> set[int]:
    """Return the ``id`` of the rows of headings of the page that are short enough for a column.

    Such a heading parts both columns, though it leaves the gutter open: beside it there is
    nothing, both columns begin anew on one line below it, and the sentences show it (what
    breaks off above it on the left goes on at the top of the right column), or else both
    columns end on one line above it.
    """
    found: set[int] = set()
    at = 0
    while at < len(rows):
        end = at
        while end < len(rows) and rows[end][-1].right < middle and _heads(rows[end], em):
            end += 1
        if end == at:
            at += 1
            continue
        if at > 0 and end < len(rows) and _parts_columns(rows, at, end, middle, em):
            found.update(id(row) for row in rows[at:end])
        at = end
    return found


def _parts_columns(
    rows: Sequence[list[Word]], start: int, end: int, middle: float, em: float
) -> bool:
    """Tell whether the heading in ``rows[start:end]``, in the left column, parts both columns."""
    first = start
    while first and not any(word.left < middle < word.right for word in rows[first - 1]):
        first -= 1
    left, right = split_at(rows[first:start], [(middle, middle)])
    below_left, below_right = split_at([rows[end]], [(middle, middle)])
    if not (left and right and below_left and below_right):
        return False
    rows_left, rows_right = rows_of(left), rows_of(right)
    height = rows[end][0].base - rows[start][0].base + 0.8 * rows[start][0].size
    if below_right[0].base - rows_right[-1][0].base < height:
        return False  # the right column has lines beside the heading
    if leads_on(rows_left[-1], rows_right[0]) > 0:
        return True  # no heading follows in the middle of a sentence
    if leads_on(rows_right[-1], below_right) > 0:
        return False  # it goes on past a picture
    level = abs(rows_left[-1][0].base - rows_right[-1][0].base) < 1.5 * em
    return level and rows[start][0].size > 1.25 * em


def _beside(sides: Sequence[list[Word]]) -> bool:
    """Tell whether two sides of a usual gutter are columns of their own."""
    if not all(sides):
        return False
    sizes = [measure(side) for side in sides]
    return min(size.lines for size in sizes) >= 3 and any(
        size.chars >= 20 and size.fill >= 0.6 for size in sizes
    )


def _in_table_across(row: Sequence[Word], middle: float, tables: Sequence[Grid]) -> bool:
    """Tell whether a row stands in a framed table that reaches over a place."""
    return any(
        grid.xs[0] < middle < grid.xs[-1] and any(within(grid, word) for word in row)
        for grid in tables
    )


def _take_labels(above: Part, across: list[list[Word]], below: Part) -> None:
    """Give what stands across the page the small rows at the edges of the columns around it.

    They are the labels of a figure that happen to leave the gutter open.
    """
    small = 0.85 * median(word.size for part in (above, below) for row in part[0] for word in row)
    before: list[list[Word]] = []
    after: list[list[Word]] = []
    for side in above:
        while len(side) > 1 and max(word.size for word in side[-1]) < small:
            before.append(side.pop())
    for side in below:
        while len(side) > 1 and max(word.size for word in side[0]) < small:
            after.append(side.pop(0))
    across[:] = [*before, *across, *after]


def past_figures(parts: Sequence[Part]) -> Iterator[Part]:
    """Yield parts of a page, those joined whose columns run past a figure across the page.

    Above a figure that parts the text, the right column follows the left one; where the
    columns run past it, the left one goes on below it first. The sentences tell which.
    What columns run past comes after them.
    """
    held: list[Part] = []
    passed: list[Part] = []

    def joined() -> Iterator[Part]:
        if held:
            yield [side for number in (0, 1) for side in (part[number] for part in held)]
        yield from passed
        held.clear()
        passed.clear()

    for part in parts:
        if len(part) == 1:
            passed.append(part)
        elif held and passed and _run_past(held, part):
            held.append(part)
        else:
            yield from joined()
            held.append(part)
    yield from joined()


def _run_past(above: Sequence[Part], below: Part) -> bool:
    """Tell whether the left column goes on below a figure before the right one begins above it."""
    top, (left, right) = above[0][1][0], above[-1]
    past = leads_on(left[-1], below[0][0]) + leads_on(below[0][-1], top)
    parted = leads_on(left[-1], top) + leads_on(right[-1], below[0][0])
    if past == parted == 4:
        # Sentences break off everywhere. Nobody parts columns in the middle of a word.
        return any(row[-1].text.endswith(("-", "\u00ad")) for row in (left[-1], right[-1]))
    return past >= 2 and past > parted
