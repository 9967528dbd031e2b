"""One shape for every result that people read: as text in a terminal and as HTML in a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from kb.messages import message

Cell = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A title, column headings, rows of cells and a note below."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def text(self) -> str:
        """Return the table in columns of equal width; numbers stand to the right."""
        cells = [list(self.columns), *[[shown(cell) for cell in row] for row in self.rows]]
        widths = [max(len(row[at]) for row in cells) for at in range(len(self.columns))]
        right = [self._is_number(at) for at in range(len(self.columns))]
        lines = [
            "  ".join(
                cell.rjust(width) if to_right else cell.ljust(width)
                for cell, width, to_right in zip(row, widths, right, strict=True)
            ).rstrip()
            for row in cells
        ]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([self.title, *lines, *([self.note] if self.note else [])])

    def html(self) -> str:
        """Return an accessible table: a caption, scoped headings, no styling of its own."""
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.columns)
        body = "\n".join(
            "<tr>"
            + "".join(
                f'<th scope="row">{escape(shown(cell))}</th>'
                if at == 0
                else f"<td{self._align(at)}>{escape(shown(cell))}</td>"
                for at, cell in enumerate(row)
            )
            + "</tr>"
            for row in self.rows
        )
        note = f"<p>{escape(self.note)}</p>\n" if self.note else ""
        return (
            f'<div class="table"><table>\n<caption>{escape(self.title)}</caption>\n'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>\n{note}"
        )

    def _is_number(self, column: int) -> bool:
        cells = [row[column] for row in self.rows if row[column] is not None]
        return bool(cells) and all(isinstance(cell, int | float) for cell in cells)

    def _align(self, column: int) -> str:
        return ' class="number"' if self._is_number(column) else ""


def shown(cell: Cell) -> str:
    """Return a cell as it is shown: three decimals below ten, thousands apart, – for nothing."""
    if cell is None:
        return "–"
    if isinstance(cell, bool):
        return "+" if cell else "–"
    if isinstance(cell, int):
        return f"{cell:,}".replace(",", "\u202f")
    if isinstance(cell, float):
        return f"{cell:.3f}" if abs(cell) < 10 else f"{cell:,.1f}".replace(",", "\u202f")
    return " ".join(cell.split())


def columns(names: Sequence[str], language: str) -> tuple[str, ...]:
    """Return headings by the last part of their key in the message catalogue.

    Names of measures (those with ``@``) are the same in every language.
    """
    return tuple(
        name if "@" in name else message(f"evaluation.column.{name}", language) for name in names
    )


def heading(name: str, language: str, **params: object) -> str:
    """Return a table's title by the last part of its key in the message catalogue."""
    return message(f"evaluation.title.{name}", language, **params)


def note(name: str, language: str, **params: object) -> str:
    """Return a note by the last part of its key in the message catalogue."""
    return message(f"evaluation.note.{name}", language, **params)


def render(tables: Sequence[Table]) -> str:
    """Return several tables as one text, an empty line between them."""
    return "\n\n".join(table.text() for table in tables)


def shortened(text: str, length: int = 60) -> str:
    """Return a text on one line, cut with … where it is longer."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"
