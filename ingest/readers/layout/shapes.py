"""What pages are laid out of: words, lines, rows of a table, and the pages themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from ingest.readers.grids import Bar, Rule

Box = tuple[float, float, float, float]
"""left, top, right, bottom."""


@dataclass(slots=True, eq=False)
class Word:
    """A run of characters without white space, clean, and where it stands.

    ``left`` … ``bottom`` and ``base`` (the baseline) are in the frame that the page is read in;
    ``box`` is on the page as shown. They differ only where the text runs sideways.
    ``glued`` says that it touches the word before it; ``mark`` that it is raised and small, as a
    footnote mark is (and an exponent); ``sure`` is false of what was recognised with doubts.
    """

    text: str
    left: float
    top: float
    right: float
    bottom: float
    base: float
    size: float
    bold: bool = False
    glued: bool = False
    mark: bool = False
    sure: bool = True
    box: Box = (0.0, 0.0, 0.0, 0.0)


@dataclass(slots=True, eq=False)
class Line:
    """Words on one baseline in one column; ``edges`` are the left and right of that column."""

    words: list[Word]
    page: int = 0
    region: int = 0
    edges: tuple[float, float] = (0.0, 0.0)
    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    base: float = 0.0
    size: float = 0.0
    bold: bool = False
    text: str = ""
    outline: tuple[int, int] | None = None  # (entry, level) of the outline that it belongs to
    footnote: bool = False

    def __post_init__(self) -> None:
        words = self.words
        self.left = min(word.left for word in words)
        self.top = min(word.top for word in words)
        self.right = max(word.right for word in words)
        self.bottom = max(word.bottom for word in words)
        weights: dict[float, int] = defaultdict(int)
        bold = letters = 0
        for word in words:
            weights[word.size] += len(word.text)
            letters += len(word.text)
            if word.bold:
                bold += len(word.text)
        self.size = max(weights, key=lambda size: (weights[size], size))
        self.base = next(word.base for word in words if word.size == self.size)
        self.bold = bold > 0.9 * letters
        self.text = " ".join(word.text for word in words)


@dataclass(slots=True, eq=False)
class Row:
    """A row of a table: its cells from left to right, each a list of lines."""

    cells: list[list[Line]]
    table: int
    page: int = 0

    @property
    def lines(self) -> Iterator[Line]:
        """Every line of every cell."""
        return (line for cell in self.cells for line in cell)


Item = Line | Row


@dataclass(slots=True)
class Page:
    """A page to lay out: its size as read, its words, and the lines drawn on it.

    ``rules`` are (left, right, y) of horizontal lines, ``bars`` (top, bottom, x) of vertical
    ones; ``asides`` are words that run in another direction than the page's text.
    """

    width: float
    height: float
    words: list[Word]
    rules: list[Rule] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    asides: list[list[Word]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Heading:
    """An entry of the outline: its title, its page from 0 and its level from 1."""

    title: str
    page: int
    level: int
