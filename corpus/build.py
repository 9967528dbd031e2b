"""Build the sample documents in `corpus/documents` from the Markdown in `corpus/sources`.

Run it as `python corpus/build.py`, or with names of output files to build only these. Each source
has front matter (`key: value` between two `---`) and a Markdown body whose first line says that
the document is a sample. The suffix of `file` chooses the format. The same sources give the same
text every time, and the same bytes with the same versions of the libraries.

The Markdown is a small subset: `#` to `###` headings, paragraphs, `-` and `1.` lists, pipe tables,
`> ` (speaker notes of a slide), `**bold**`, `*italic*`, `[text](address)` and `[^1]` footnotes.
"""

from __future__ import annotations

import datetime
import html
import io
import itertools
import os
import random
import re
import sys
import textwrap
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "sources"
DOCUMENTS = HERE / "documents"
FONTS = Path("/usr/share/fonts/truetype/liberation")
WORK_PACKAGE = "Teolliset palvelukonseptit"
MANIFEST_COLUMNS = (
    "file",
    "title",
    "date",
    "city",
    "organisation",
    "kind",
    "work_package",
    "themes",
    "confidentiality",
    "language",
    "collection",
)
LOCALES = {"fi": "fi-FI", "sv": "sv-FI", "en": "en-GB"}
CONTENTS = {"fi": "Sisällys", "sv": "Innehåll", "en": "Contents"}
NOTES = {"fi": "Viitteet", "sv": "Noter", "en": "Notes"}
MONTHS_EN = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
NAVIGATION = {
    "fi": ("Etusivu", "Palvelut", "Tontit", "Ajankohtaista", "Yhteystiedot", "Evästeet"),
    "sv": ("Startsida", "Tjänster", "Tomter", "Aktuellt", "Kontakt", "Kakor"),
    "en": ("Home", "Services", "Plots", "News", "Contact", "Cookies"),
}


# Sources


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a body: `sample`, `heading`, `text`, `list`, `table` or `note`."""

    kind: str
    text: str = ""
    level: int = 0
    items: tuple[str, ...] = ()
    ordered: bool = False
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A source file: its front matter, its raw body, its blocks and its footnotes."""

    path: Path
    head: dict[str, str]
    body: str
    blocks: tuple[Block, ...]
    footnotes: dict[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Return the name of the document that is built from this source."""
        return self.head["file"]

    @property
    def language(self) -> str:
        """Return `fi`, `sv` or `en`."""
        return self.head["language"]

    @property
    def date(self) -> datetime.date:
        """Return the date of the document."""
        return datetime.date.fromisoformat(self.head["date"])

    @property
    def byline(self) -> str:
        """Return organisation and date as people write them in the document's language."""
        day = self.date
        if self.language == "en":
            written = f"{day.day} {MONTHS_EN[day.month - 1]} {day.year}"
        else:
            written = f"{day.day}.{day.month}.{day.year}"
        return f"{self.head['organisation']}, {written}"


def parse(path: Path) -> Source:
    """Read a source file; `ValueError` names the file when its front matter isn't complete."""
    raw = path.read_text(encoding="utf-8")
    match = re.match(r"---\n(.*?)\n---\n(.*)\Z", raw, re.DOTALL)
    if not match:
        raise ValueError(f"{path}: no front matter between two lines of ---")
    head: dict[str, str] = {}
    for line in match[1].splitlines():
        key, colon, value = line.partition(":")
        if colon and not line.startswith("#"):
            head[key.strip()] = value.strip().strip('"')
    missing = [key for key in MANIFEST_COLUMNS if key != "work_package" and not head.get(key)]
    if missing:
        raise ValueError(f"{path}: front matter lacks {', '.join(missing)}")
    body = match[2].strip() + "\n"
    blocks, footnotes = _blocks(body)
    return Source(path, head, body, tuple(blocks), footnotes)


def sources() -> list[Source]:
    """Return every source under `corpus/sources`, in the order of the file names they build."""
    found = [parse(path) for path in sorted(SOURCES.rglob("*.md"))]
    return sorted(found, key=lambda source: source.file)


def _blocks(body: str) -> tuple[list[Block], dict[str, str]]:
    blocks: list[Block] = []
    footnotes: dict[str, str] = {}
    for chunk in _chunks(body):
        first = chunk[0]
        if not blocks:
            blocks.append(Block("sample", " ".join(line.strip("*_ ") for line in chunk)))
        elif match := re.match(r"\[\^(\w+)\]:\s*(.*)", first):
            footnotes[match[1]] = " ".join([match[2], *chunk[1:]]).strip()
        elif match := re.match(r"(#+)\s+(.*)", first):
            blocks.append(Block("heading", match[2].strip(), level=len(match[1])))
        elif first.startswith("|"):
            rows = [_cells(line) for line in chunk]
            kept = tuple(row for row in rows if not all(re.fullmatch(r":?-+:?", c) for c in row))
            blocks.append(Block("table", rows=kept))
        elif re.match(r"(-|\*|\d+\.)\s", first):
            items: list[str] = []
            for line in chunk:
                if match := re.match(r"(?:-|\*|\d+\.)\s+(.*)", line):
                    items.append(match[1])
                else:
                    items[-1] += " " + line
            blocks.append(Block("list", items=tuple(items), ordered=first[0].isdigit()))
        elif first.startswith(">"):
            blocks.append(Block("note", " ".join(line.lstrip("> ") for line in chunk)))
        else:
            blocks.append(Block("text", " ".join(chunk)))
    return blocks, footnotes


def _chunks(body: str) -> Iterator[list[str]]:
    """Yield groups of stripped lines that belong to one block."""
    group: list[str] = []
    for line in [*body.splitlines(), ""]:
        stripped = line.strip()
        starts = bool(re.match(r"#+\s|\[\^\w+\]:", stripped)) or (
            bool(group) and _kind(stripped) != _kind(group[0]) and _kind(stripped) != "text"
        )
        if group and (not stripped or starts):
            yield group
            group = []
        if stripped:
            group.append(stripped)
            if re.match(r"#+\s", stripped):
                yield group
                group = []


def _kind(line: str) -> str:
    if line.startswith("|"):
        return "table"
    if re.match(r"[-*]\s", line):
        return "bullets"
    if re.match(r"\d+\.\s", line):
        return "numbers"
    return "note" if line.startswith(">") else "text"


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


# Inline mark-up


INLINE = re.compile(
    r"\*\*(?P<bold>.+?)\*\*|(?<!\w)\*(?P<italic>[^*]+?)\*(?!\w)"
    r"|\[\^(?P<note>\w+)\]|\[(?P<text>[^\]]+)\]\((?P<address>[^)]+)\)"
)


def runs(text: str) -> Iterator[tuple[str, str, str]]:
    """Split inline Markdown into (style, text, address), style `plain`, `bold` and so on."""
    end = 0
    for match in INLINE.finditer(text):
        if match.start() > end:
            yield "plain", text[end : match.start()], ""
        end = match.end()
        style = match.lastgroup or "plain"
        if style == "address":
            yield "link", match["text"], match["address"]
        else:
            yield style, match[style], ""
    if end < len(text):
        yield "plain", text[end:], ""


def plain(text: str) -> str:
    """Return inline Markdown as plain text, a footnote mark as `[1]`."""
    return "".join(f" [{value}]" if style == "note" else value for style, value, _ in runs(text))


# Hyphenation of Finnish (and, roughly, of Swedish)


VOWELS = "aeiouyäöåAEIOUYÄÖÅ"
DIPHTHONGS = {
    *("aa", "ee", "ii", "oo", "uu", "yy", "ää", "öö"),
    *("ai", "ei", "oi", "ui", "yi", "äi", "öi", "au", "eu", "iu", "ou", "äy", "öy", "ey", "iy"),
    *("ie", "uo", "yö"),
}


def syllables(word: str) -> list[str]:
    """Split a word without compound seams into Finnish syllables."""
    cuts = []
    for i in range(1, len(word)):
        here, before = word[i], word[i - 1]
        if here not in VOWELS and i + 1 < len(word) and word[i + 1] in VOWELS:
            if any(letter in VOWELS for letter in word[:i]):
                cuts.append(i)
        elif here in VOWELS and before in VOWELS and (before + here).lower() not in DIPHTHONGS:
            cuts.append(i)
    edges = [0, *cuts, len(word)]
    return [word[a:b] for a, b in itertools.pairwise(edges)]


@cache
def _breaks(word: str) -> tuple[int, ...]:
    """Return where a Finnish word may be broken: at compound seams and between syllables."""
    import pyvoikko

    parts = [word]
    if word.isalpha():
        for analysis in pyvoikko.analyse(word.lower()):
            forms = [part.FORM for part in analysis.COMPOUND_PARTS or ()]
            if len(forms) > 1 and "".join(forms) == word.lower():
                parts = forms
                break
    places, at = [], 0
    for part in parts:
        inside = at
        for syllable in syllables(part)[:-1]:
            inside += len(syllable)
            # Two letters at least on both sides of a break inside a part, as in good typesetting.
            if inside - at >= 2 and at + len(part) - inside >= 2:
                places.append(inside)
        at += len(part)
        places.append(at)
    return tuple(place for place in places[:-1] if 3 <= place <= len(word) - 3)


def hyphenate(word: str) -> Iterator[tuple[str, str]]:
    """Yield the two halves of a word at each break, the longest first half first."""
    for place in reversed(_breaks(word)):
        yield word[:place], word[place:]


# PDF


def build_pdf(source: Source) -> bytes:
    """Set a report as PDF, with real footnotes at the foot of the page that has their mark."""
    # reportlab takes the time of its stamps from here, and from nowhere else.
    noon = datetime.datetime.combine(source.date, datetime.time(9), datetime.UTC)
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = str(int(noon.timestamp()))
    try:
        return build_scan(source) if source.head.get("layout") == "scan" else _settle(source)
    finally:
        os.environ.pop("SOURCE_DATE_EPOCH")
        if before is not None:
            os.environ["SOURCE_DATE_EPOCH"] = before


def _settle(source: Source) -> bytes:
    """Set the pages again and again until notes, headings and contents agree (8 times at most)."""
    _register_fonts()
    layout = _Layout()
    for _ in range(8):
        data, found = _set_pages(source, layout)
        if found == layout:
            return data
        layout = found
    return data


@dataclass(slots=True)
class _Layout:
    """What one pass learnt: notes and headings by page, room for notes, number of pages."""

    notes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    room: dict[int, float] = field(default_factory=dict)
    headings: tuple[tuple[int, str, int], ...] = ()
    pages: int = 0


def _register_fonts() -> None:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    for family in ("Sans", "Serif"):
        for style in ("Regular", "Bold", "Italic", "BoldItalic"):
            name = f"Liberation{family}-{style}"
            if name not in pdfmetrics.getRegisteredFontNames():
                pdfmetrics.registerFont(TTFont(name, FONTS / f"{name}.ttf"))
        base = f"Liberation{family}"
        pdfmetrics.registerFontFamily(
            f"{base}-Regular",
            normal=f"{base}-Regular",
            bold=f"{base}-Bold",
            italic=f"{base}-Italic",
            boldItalic=f"{base}-BoldItalic",
        )


def _xml(text: str) -> str:
    """Return inline Markdown as reportlab's paragraph mark-up."""
    out = []
    for style, value, address in runs(text):
        # The parts of a number such as 22 000 stay on one line, as typesetters have it.
        whole = re.sub(r"(?<=\d) (?=\d{3}\b)", "\u00a0", value)
        escaped = html.escape(whole, quote=False)
        if style == "bold":
            out.append(f"<b>{escaped}</b>")
        elif style == "italic":
            out.append(f"<i>{escaped}</i>")
        elif style == "note":
            out.append(
                f'<super size="6.5">{escaped}</super><onDraw name="note" label="{escaped}"/>'
            )
        elif style == "link":
            out.append(f'<a href="{html.escape(address)}" color="#1b4f72">{escaped}</a>')
        else:
            out.append(escaped)
    return "".join(out)


def _styles(columns: int, language: str) -> dict[str, Any]:
    from reportlab.lib.colors import HexColor
    from reportlab.lib.enums import TA_JUSTIFY
    from reportlab.lib.styles import ParagraphStyle

    body = "LiberationSerif-Regular" if columns == 2 else "LiberationSans-Regular"
    size = 10.3 if columns == 2 else 11.0
    base = ParagraphStyle(
        "body",
        allowWidows=0,
        allowOrphans=0,
        fontName=body,
        bulletFontName=body,
        fontSize=size,
        leading=size * 1.42,
        spaceAfter=7,
    )
    if columns == 2:
        base.alignment = TA_JUSTIFY
        # English is set unhyphenated: Finnish syllables would break it wrongly.
        if language != "en":
            base.hyphenationLang = hyphenate
    bold = "LiberationSans-Bold"
    ink = HexColor("#12344d")

    def style(name: str, **values: Any) -> Any:
        values = {"alignment": 0, "hyphenationLang": "", **values}
        return ParagraphStyle(name, parent=base, **values)

    broken = "" if language == "en" else hyphenate
    cell = {"fontName": "LiberationSans-Regular", "fontSize": 8.3, "leading": 10.4}
    head = {**cell, "fontName": bold, "textColor": HexColor("#ffffff"), "spaceAfter": 0}
    cell["spaceAfter"] = 0
    item = {"parent": base, "leftIndent": 14, "bulletIndent": 1}
    small = {"fontSize": 7.4, "leading": 9.2, "hyphenationLang": broken}
    return {
        "text": base,
        "sample": style(
            "sample",
            fontName=bold,
            fontSize=8.6,
            leading=11,
            textColor=HexColor("#7a3b00"),
            backColor=HexColor("#fff3e0"),
            borderPadding=(4, 6, 4, 6),
            spaceAfter=14,
        ),
        "title": style(
            "title", fontName=bold, fontSize=20, leading=24.5, textColor=ink, spaceAfter=4
        ),
        "byline": style(
            "byline",
            fontName="LiberationSans-Regular",
            fontSize=9.5,
            leading=12,
            textColor=HexColor("#555555"),
            spaceAfter=12,
        ),
        "1": style("h1", fontName=bold, fontSize=14, leading=17, textColor=ink, spaceBefore=10),
        "2": style(
            "h2",
            fontName=bold,
            fontSize=12.4,
            leading=15,
            textColor=ink,
            spaceBefore=10,
            spaceAfter=4,
        ),
        "3": style(
            "h3",
            fontName=bold,
            fontSize=10.4,
            leading=13,
            textColor=ink,
            spaceBefore=6,
            spaceAfter=3,
        ),
        "item": ParagraphStyle("item", **item, spaceAfter=2.5),
        "last item": ParagraphStyle("last item", **item, spaceAfter=9),
        "caption": style(
            "caption",
            fontName="LiberationSans-Italic",
            fontSize=8.6,
            leading=11,
            spaceBefore=4,
            spaceAfter=3,
        ),
        "cell": style("cell", **cell),
        "head": style("head", **head),
        "small cell": style("small cell", **{**cell, **small}),
        "small head": style("small head", **{**head, **small}),
        "note": style(
            "note", fontName="LiberationSans-Regular", fontSize=7.6, leading=9.4, spaceAfter=1.5
        ),
        "contents": style(
            "contents",
            fontName="LiberationSans-Regular",
            fontSize=9.8,
            leading=13.4,
            spaceAfter=1,
        ),
    }


def _least_widths(columns: list[tuple[str, ...]], crowded: bool) -> list[float]:
    """Return the least width of each column in points; crowded cells may break words."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    least = []
    for column in columns:
        widest = 0.0
        for cell in column:
            # A number with spaces in it, such as 22 000, stays whole.
            for word in re.split(r"(?<!\d)\s+|\s+(?!\d)", plain(cell)):
                width = stringWidth(word, "LiberationSans-Bold", 7.4 if crowded else 8.3)
                widest = max(widest, min(width, 44.0) if crowded and word.isalpha() else width)
        least.append(widest + 9)
    return least


def _table(block: Block, width: float, styles: dict[str, Any]) -> Any:
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import Paragraph, Table

    # A column gets room by its longest text (square root: long texts wrap), never less than
    # its longest word.
    rows = [row + ("",) * (len(block.rows[0]) - len(row)) for row in block.rows]
    columns = list(zip(*rows, strict=True))
    crowded = False
    least = _least_widths(columns, crowded)
    if sum(least) > width:
        crowded = True
        least = _least_widths(columns, crowded)
    wish = [max(len(plain(cell)) for cell in column) ** 0.6 for column in columns]
    spare = max(width - sum(least), 0)
    widths = [low + spare * part / sum(wish) for low, part in zip(least, wish, strict=True)]
    if sum(widths) > width:
        widths = [each * width / sum(widths) for each in widths]
    small = "small " if crowded else ""
    cells = [
        [Paragraph(_xml(cell), styles[small + ("cell" if i else "head")]) for cell in row]
        for i, row in enumerate(rows)
    ]
    return Table(
        cells,
        colWidths=widths,
        repeatRows=1,
        spaceBefore=3,
        spaceAfter=10,
        style=[
            ("BACKGROUND", (0, 0), (-1, 0), HexColor("#12344d")),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 1), (-1, -1), 0.4, HexColor("#b8c4cc")),
            ("ROWBACKGROUNDS", (0, 1), (-1, -1), [HexColor("#ffffff"), HexColor("#f3f6f8")]),
            *(
                (f"{side}PADDING", (0, 0), (-1, -1), points)
                for side, points in (("LEFT", 4), ("RIGHT", 4), ("TOP", 3), ("BOTTOM", 3))
            ),
        ],
    )


def _set_pages(source: Source, layout: _Layout) -> tuple[bytes, _Layout]:
    """Set the whole document once with the room that `layout` asks for."""
    from reportlab.lib.colors import HexColor
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import (
        BaseDocTemplate,
        CondPageBreak,
        Frame,
        FrameBreak,
        KeepTogether,
        PageTemplate,
        Paragraph,
        Table,
    )

    columns = 2 if source.head.get("layout") == "two-columns" else 1
    styles = _styles(columns, source.language)
    page_width, page_height = A4
    left = 20 * mm if columns == 2 else 25 * mm
    width = page_width - 2 * left
    gutter = 7 * mm
    column = (width - gutter) / 2 if columns == 2 else width
    top, bottom = page_height - 22 * mm, 20 * mm
    # A page that once needed room for notes keeps it, so that the passes settle.
    found = _Layout(room=dict(layout.room))
    marks: dict[int, list[str]] = {}

    def notes_of(labels: Iterable[str]) -> list[Any]:
        return [
            Paragraph(
                f'<super size="5.5">{label}</super> {_xml(source.footnotes[label])}',
                styles["note"],
            )
            for label in labels
        ]

    def height_of(flowables: list[Any]) -> float:
        return float(sum(f.wrap(width, page_height)[1] + f.getSpaceAfter() for f in flowables))

    def finish_page(canvas: Any, document: Any) -> None:
        page = document.page
        canvas.saveState()
        canvas.setFillColor(HexColor("#555555"))
        canvas.setFont("LiberationSans-Regular", 8)
        if page > 1:
            canvas.drawString(left, page_height - 14 * mm, source.head["title"])
            organisation = source.head["organisation"]
            used = canvas.stringWidth(source.head["title"] + organisation) + 12
            if used < width:
                canvas.drawRightString(page_width - left, page_height - 14 * mm, organisation)
            canvas.setStrokeColor(HexColor("#b8c4cc"))
            canvas.line(left, page_height - 16 * mm, page_width - left, page_height - 16 * mm)
        canvas.drawRightString(page_width - left, 11 * mm, f"{page} ({layout.pages or 1})")
        canvas.restoreState()
        labels = layout.notes.get(page, ())
        if labels:
            y = bottom + layout.room.get(page, 0) - 8
            canvas.setStrokeColor(HexColor("#888888"))
            canvas.line(left, y, left + 45 * mm, y)
            y -= 3
            for note in notes_of(labels):
                _, height = note.wrap(width, page_height)
                note.drawOn(canvas, left, y - height)
                y -= height + note.getSpaceAfter()

    class Report(BaseDocTemplate):  # type: ignore[misc]  # reportlab ships no types
        """A report that notes on which page each heading and footnote mark lands."""

        def beforeDocument(self) -> None:
            def mark(canvas: Any, _kind: str, label: str) -> None:
                seen = marks.setdefault(canvas.getPageNumber(), [])
                if label not in seen:
                    seen.append(label)

            self.canv.setNamedCB("note", mark)

        def afterPage(self) -> None:
            self.handle_nextPageTemplate(f"p{self.page + 1}")

        def afterFlowable(self, flowable: Any) -> None:
            level = getattr(flowable, "outline", None)
            if level is not None:
                text = flowable.getPlainText()
                key = f"h{len(found.headings)}"
                found.headings += ((level, text, self.page),)
                self.canv.bookmarkPage(key)
                self.canv.addOutlineEntry(text, key, level, closed=False)

    def heading(text: str, style: str, level: int) -> Any:
        paragraph = Paragraph(_xml(text), styles[style])
        paragraph.outline = level
        paragraph.keepWithNext = True
        return paragraph

    title_block: list[Any] = []
    story: list[Any] = []
    caption = re.compile(r"(Taulukko|Tabell|Table) \d+[.:]")
    blocks = list(source.blocks)
    titled = False
    for i, block in enumerate(blocks):
        if block.kind == "sample":
            title_block.append(Paragraph(_xml(block.text), styles["sample"]))
        elif block.kind == "heading" and block.level == 1 and not titled:
            titled = True
            title_block.append(heading(block.text, "title", 0))
            title_block.append(Paragraph(_xml(source.byline), styles["byline"]))
        elif block.kind == "heading":
            level = min(block.level, 3)
            # A heading before a table moves with it, so that it isn't left alone in a column.
            tabled = any(later.kind == "table" for later in blocks[i + 1 : i + 3])
            story.append(CondPageBreak((70 if tabled else 24) * mm))
            story.append(heading(block.text, str(level), max(level - 1, 1)))
        elif block.kind == "list":
            for number, item in enumerate(block.items, 1):
                bullet = f"{number}." if block.ordered else "•"
                style = styles["item" if number < len(block.items) else "last item"]
                story.append(Paragraph(_xml(item), style, bulletText=bullet))
        elif block.kind == "table":
            table = _table(block, column, styles)
            before = blocks[i - 1]
            if before.kind == "text" and caption.match(before.text):
                table = KeepTogether([Paragraph(_xml(before.text), styles["caption"]), table])
            story.append(table)
        elif block.kind == "note":
            story.append(Paragraph(f"<i>{_xml(block.text)}</i>", styles["text"]))
        else:
            following = blocks[i + 1] if i + 1 < len(blocks) else None
            if not (following and following.kind == "table" and caption.match(block.text)):
                story.append(Paragraph(_xml(block.text), styles["text"]))
    if source.head.get("contents") == "yes":
        inside = [entry for entry in layout.headings if entry[0] == 1]
        title_block.append(Paragraph(CONTENTS[source.language], styles["3"]))
        rows = [
            [Paragraph(html.escape(text, quote=False), styles["contents"]), str(page)]
            for _, text, page in inside or [(1, "–", 1)]
        ]
        look = [
            ("FONT", (0, 0), (-1, -1), "LiberationSans-Regular", 9.8),
            ("ALIGN", (1, 0), (1, -1), "RIGHT"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.3, HexColor("#d5dde2")),
            ("TOPPADDING", (0, 0), (-1, -1), 1),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ]
        title_block.append(Table(rows, colWidths=[width - 30, 30], style=look))

    templates = []
    title_height = height_of(title_block) + 12
    for page in range(1, 61):
        room = layout.room.get(page, 0.0)
        foot = bottom + room
        above = top - title_height if page == 1 else top
        body_frames = [
            Frame(left + n * (column + gutter), foot, column, above - foot, 0, 0, 0, 0, id=f"c{n}")
            for n in range(columns)
        ]
        title_frame = Frame(left, above, width, title_height, 0, 0, 0, 0, id="title")
        templates.append(
            PageTemplate(
                id=f"p{page}",
                frames=[title_frame, *body_frames] if page == 1 else body_frames,
                onPageEnd=finish_page,
            )
        )
    buffer = io.BytesIO()
    document = Report(
        buffer,
        pagesize=A4,
        invariant=1,
        title=source.head["title"],
        author=source.head["organisation"],
        subject=source.blocks[0].text,
        keywords=source.head["themes"],
        creator="corpus/build.py",
        lang=LOCALES[source.language],
        pageTemplates=templates,
    )
    document.build([*title_block, FrameBreak(), *story])
    found.pages = document.page
    for number, seen in marks.items():
        found.notes[number] = tuple(seen)
        found.room[number] = max(height_of(notes_of(seen)) + 14, layout.room.get(number, 0.0))
    return buffer.getvalue(), found


def build_scan(source: Source) -> bytes:
    """Return a PDF of page pictures only: typed text, a little turned, with grain."""
    from PIL import Image, ImageDraw, ImageFont
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    width, height = 1240, 1754  # A4 at 150 dots an inch
    fonts = {
        weight: ImageFont.truetype(str(FONTS / f"LiberationMono-{weight}.ttf"), 21)
        for weight in ("Regular", "Bold")
    }
    lines: list[tuple[str, str]] = []
    for block in source.blocks:
        weight = "Bold" if block.kind in ("heading", "sample") else "Regular"
        if block.kind == "list":
            for number, item in enumerate(block.items, 1):
                bullet = f"{number}. " if block.ordered else "- "
                wrapped = textwrap.wrap(bullet + plain(item), 76, subsequent_indent="   ")
                lines += [(weight, line) for line in wrapped]
        elif block.kind == "table":
            sizes = [max(len(plain(c)) for c in column) for column in zip(*block.rows, strict=True)]
            for row in block.rows:
                cells = (plain(c).ljust(n) for c, n in zip(row, sizes, strict=True))
                lines.append((weight, "  ".join(cells).rstrip()))
        else:
            text = plain(block.text)
            text = text.upper() if block.kind == "heading" and block.level == 1 else text
            lines += [(weight, line) for line in textwrap.wrap(text, 76)]
        lines.append((weight, ""))
    per_page = 48
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1, lang=LOCALES[source.language])
    canvas.setTitle(source.head["title"])
    canvas.setAuthor(source.head["organisation"])
    dice = random.Random(20)  # grain of a picture, not a secret
    for number, start in enumerate(range(0, len(lines), per_page)):
        picture = Image.new("L", (width, height), 244)
        draw = ImageDraw.Draw(picture)
        for place, (face, line) in enumerate(lines[start : start + per_page]):
            draw.text((130, 130 + place * 31), line, fill=38, font=fonts[face])
        for _ in range(900):
            x, y = dice.randrange(width), dice.randrange(height)
            draw.point((x, y), fill=dice.randrange(90, 200))
        turned = picture.rotate(
            (0.7, -0.5)[number % 2], resample=Image.Resampling.BICUBIC, fillcolor=244
        )
        image = io.BytesIO()
        turned.save(image, "JPEG", quality=42)
        canvas.drawImage(ImageReader(image), 0, 0, *A4)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


# Office formats


def build_docx(source: Source) -> bytes:
    """Write a Word document; footnotes become a numbered list at the end."""
    import docx
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    document = docx.Document()
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Liberation Sans", Pt(10.5)
    languages = document.styles.element.find(".//" + qn("w:lang"))
    if languages is not None:
        languages.set(qn("w:val"), LOCALES[source.language])

    def fill(paragraph: Any, text: str) -> Any:
        for style, value, _ in runs(text):
            run = paragraph.add_run(f"[{value}]" if style == "note" else value)
            run.bold = True if style == "bold" else None
            run.italic = True if style == "italic" else None
            run.font.superscript = True if style == "note" else None
        return paragraph

    titled = False
    for block in source.blocks:
        if block.kind == "sample":
            run = document.add_paragraph().add_run(plain(block.text))
            run.bold, run.font.color.rgb = True, RGBColor(0x7A, 0x3B, 0x00)
        elif block.kind == "heading" and block.level == 1 and not titled:
            titled = True
            fill(document.add_paragraph(style="Title"), block.text)
            fill(document.add_paragraph(), source.byline)
        elif block.kind == "heading":
            fill(document.add_paragraph(style=f"Heading {max(block.level - 1, 1)}"), block.text)
        elif block.kind == "list":
            name = "List Number" if block.ordered else "List Bullet"
            for item in block.items:
                fill(document.add_paragraph(style=name), item)
        elif block.kind == "table":
            table = document.add_table(len(block.rows), len(block.rows[0]), style="Table Grid")
            for i, row in enumerate(block.rows):
                for cell, text in zip(table.rows[i].cells, row, strict=False):
                    fill(cell.paragraphs[0], f"**{text}**" if i == 0 and text else text)
            document.add_paragraph()
        else:
            fill(document.add_paragraph(), block.text)
    if source.footnotes:
        document.add_paragraph(NOTES[source.language], style="Heading 1")
        for label, text in source.footnotes.items():
            fill(document.add_paragraph(), f"[{label}] {text}")
    properties = document.core_properties
    properties.title, properties.author = source.head["title"], source.head["organisation"]
    properties.language, properties.keywords = LOCALES[source.language], source.head["themes"]
    properties.comments, properties.subject = "", source.blocks[0].text
    properties.last_modified_by, properties.revision = source.head["organisation"], 1
    buffer = io.BytesIO()
    document.save(buffer)
    return _fixed_zip(buffer.getvalue(), source.date)


def build_pptx(source: Source) -> bytes:
    """Write slides: `##` begins a slide, `> ` is what the speaker says."""
    from pptx import Presentation
    from pptx.dml.color import RGBColor
    from pptx.util import Inches, Pt

    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(13.333), Inches(7.5)
    slide: Any = None
    frame: Any = None
    sample = plain(source.blocks[0].text)

    def place(shape: Any, box: tuple[float, float, float, float]) -> None:
        shape.left, shape.top, shape.width, shape.height = (Inches(side) for side in box)

    def write(text: str, level: int = 0) -> None:
        first = not frame.paragraphs[0].runs and len(frame.paragraphs) == 1
        paragraph = frame.paragraphs[0] if first else frame.add_paragraph()
        paragraph.level = level
        for style, value, _ in runs(text):
            run = paragraph.add_run()
            run.text = f" [{value}]" if style == "note" else value
            run.font.size = Pt(22)
            run.font.bold = True if style == "bold" else None

    for block in source.blocks[1:]:
        if block.kind == "heading" and block.level == 1 and slide is None:
            slide = deck.slides.add_slide(deck.slide_layouts[0])
            slide.shapes.title.text = block.text
            place(slide.shapes.title, (1, 2.2, 11.3, 1.6))
            slide.placeholders[1].text = source.byline
            place(slide.placeholders[1], (1, 4, 11.3, 1))
            banner = slide.shapes.add_textbox(Inches(0.6), Inches(0.3), Inches(12), Inches(0.5))
            run = banner.text_frame.paragraphs[0].add_run()
            banner.text_frame.word_wrap = True
            run.text, run.font.size, run.font.bold = sample, Pt(16), True
            colour: Any = RGBColor
            run.font.color.rgb = colour(0x7A, 0x3B, 0x00)
            # First in the drawing order too, so that readers meet the sample line first.
            tree = slide.shapes._spTree
            tree.remove(banner._element)
            tree.insert(2, banner._element)
        elif block.kind == "heading":
            slide = deck.slides.add_slide(deck.slide_layouts[1])
            slide.shapes.title.text = plain(block.text)
            place(slide.shapes.title, (0.7, 0.4, 11.9, 1.1))
            slide.shapes.title.text_frame.paragraphs[0].runs[0].font.size = Pt(34)
            body = slide.placeholders[1]
            place(body, (0.7, 1.6, 11.9, 5.2))
            frame = body.text_frame
        elif block.kind == "note":
            slide.notes_slide.notes_text_frame.text = plain(block.text)
        elif block.kind == "list":
            for item in block.items:
                write(item)
        elif block.kind == "table":
            body = slide.placeholders[1]
            if not frame.text:
                body._element.getparent().remove(body._element)
            grid = slide.shapes.add_table(
                len(block.rows),
                len(block.rows[0]),
                Inches(0.7),
                Inches(1.8),
                Inches(11.9),
                Inches(0.5 * len(block.rows)),
            ).table
            for i, row in enumerate(block.rows):
                for j, text in enumerate(row):
                    cell = grid.cell(i, j)
                    cell.text = plain(text)
                    cell.text_frame.paragraphs[0].runs[0].font.size = Pt(16)
        else:
            write(block.text)
    properties = deck.core_properties
    properties.title, properties.author = source.head["title"], source.head["organisation"]
    properties.language, properties.keywords = LOCALES[source.language], source.head["themes"]
    properties.last_modified_by, properties.revision = source.head["organisation"], 1
    properties.subject = source.blocks[0].text
    buffer = io.BytesIO()
    deck.save(buffer)
    return _fixed_zip(buffer.getvalue(), source.date)


def build_xlsx(source: Source) -> bytes:
    """Write a workbook: a first sheet to read, then a sheet for each `##` with its table."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet: Any = book.active
    sheet.title = {"fi": "Lue ensin", "sv": "Läs först", "en": "Read first"}[source.language]
    sheet.column_dimensions["A"].width = 110
    for block in source.blocks:
        if block.kind == "heading" and block.level > 1:
            sheet = book.create_sheet(plain(block.text)[:31])
        elif block.kind == "table":
            for i, row in enumerate(block.rows, 1):
                sheet.append([_number(plain(cell)) for cell in row])
                for cell in sheet[i]:
                    cell.alignment = Alignment(wrap_text=True, vertical="top")
                    if i == 1:
                        cell.font = Font(bold=True, color="FFFFFF")
                        cell.fill = PatternFill("solid", fgColor="12344D")
            for j, column in enumerate(zip(*block.rows, strict=True), 1):
                longest = max(len(plain(cell)) for cell in column)
                sheet.column_dimensions[get_column_letter(j)].width = min(max(longest + 2, 9), 48)
            sheet.freeze_panes = "A2"
            sheet.auto_filter.ref = sheet.dimensions
        elif block.kind == "list":
            for item in block.items:
                sheet.append([plain(item)])
        else:
            sheet.append([plain(block.text)])
            weight = block.kind != "text"
            sheet.cell(sheet.max_row, 1).font = Font(bold=weight)
            sheet.cell(sheet.max_row, 1).alignment = Alignment(wrap_text=True, vertical="top")
    book.properties.title = source.head["title"]
    book.properties.creator = source.head["organisation"]
    book.properties.language = LOCALES[source.language]
    book.properties.keywords = source.head["themes"]
    buffer = io.BytesIO()
    book.save(buffer)
    return _fixed_zip(buffer.getvalue(), source.date)


def _number(text: str) -> str | int | float:
    if re.fullmatch(r"-?\d{1,15}", text):
        return int(text)
    if re.fullmatch(r"-?\d+,\d+", text):
        return float(text.replace(",", "."))
    return text


def _fixed_zip(data: bytes, day: datetime.date) -> bytes:
    """Return an Office file with every time stamp in it set to the document's date."""
    out = io.BytesIO()
    stamp = f"{day.isoformat()}T09:00:00Z".encode()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", stamp, content)
            entry = zipfile.ZipInfo(name, (day.year, day.month, day.day, 9, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            new.writestr(entry, content)
    return out.getvalue()


# Text formats


def build_markdown(source: Source) -> bytes:
    """Return the body as it is."""
    return source.body.encode()


def build_text(source: Source) -> bytes:
    """Return plain text in lines of 78 characters, headings underlined, tables aligned."""
    out: list[str] = []
    for block in source.blocks:
        if block.kind == "heading":
            text = plain(block.text)
            lines = textwrap.wrap(text.upper() if block.level == 1 else text, 78)
            out += [*lines, "=-"[block.level > 1] * len(lines[-1])]
        elif block.kind == "list":
            for number, item in enumerate(block.items, 1):
                bullet = f"{number}. " if block.ordered else "- "
                out += textwrap.wrap(bullet + plain(item), 78, subsequent_indent=" " * len(bullet))
        elif block.kind == "table":
            sizes = [max(len(plain(c)) for c in column) for column in zip(*block.rows, strict=True)]
            for row in block.rows:
                cells = (plain(c).ljust(n) for c, n in zip(row, sizes, strict=True))
                out.append("  ".join(cells).rstrip())
        else:
            out += textwrap.wrap(plain(block.text), 78)
        out.append("")
    for label, text in source.footnotes.items():
        out += textwrap.wrap(f"[{label}] {text}", 78, subsequent_indent="    ")
    return ("\n".join(out).strip() + "\n").encode()


def build_html(source: Source) -> bytes:
    """Return a web page with navigation and foot around the article, as sites have."""

    def inline(text: str) -> str:
        out = []
        for style, value, address in runs(text):
            escaped = html.escape(value, quote=False)
            if style == "bold":
                out.append(f"<strong>{escaped}</strong>")
            elif style == "italic":
                out.append(f"<em>{escaped}</em>")
            elif style == "note":
                out.append(f'<sup><a href="#n{escaped}">{escaped}</a></sup>')
            elif style == "link":
                out.append(f'<a href="{html.escape(address)}">{escaped}</a>')
            else:
                out.append(escaped)
        return "".join(out)

    article: list[str] = []
    titled = False
    for block in source.blocks:
        if block.kind == "sample":
            article.append(f'<p class="sample">{inline(block.text)}</p>')
        elif block.kind == "heading":
            article.append(f"<h{block.level}>{inline(block.text)}</h{block.level}>")
            if block.level == 1 and not titled:
                titled = True
                article.append(f'<p class="byline">{inline(source.byline)}</p>')
        elif block.kind == "list":
            tag = "ol" if block.ordered else "ul"
            items = "\n".join(f"<li>{inline(item)}</li>" for item in block.items)
            article.append(f"<{tag}>\n{items}\n</{tag}>")
        elif block.kind == "table":
            head = "".join(f'<th scope="col">{inline(c)}</th>' for c in block.rows[0])
            body = "\n".join(
                "<tr>" + "".join(f"<td>{inline(c)}</td>" for c in row) + "</tr>"
                for row in block.rows[1:]
            )
            article.append(
                f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
            )
        else:
            article.append(f"<p>{inline(block.text)}</p>")
    if source.footnotes:
        notes = "\n".join(
            f'<li id="n{label}" value="{label}">{inline(text)}</li>'
            for label, text in source.footnotes.items()
        )
        article.append(
            f'<section class="notes">\n<h2>{NOTES[source.language]}</h2>\n'
            f"<ol>\n{notes}\n</ol>\n</section>"
        )
    links = NAVIGATION[source.language]
    menu = "\n".join(f'<li><a href="/{i}">{name}</a></li>' for i, name in enumerate(links[:5]))
    organisation = html.escape(source.head["organisation"])
    page = f"""<!DOCTYPE html>
<html lang="{source.language}">
<head>
<meta charset="utf-8">
<title>{html.escape(source.head["title"])} | {organisation}</title>
<meta name="author" content="{organisation}">
<meta name="date" content="{source.head["date"]}">
<style>
body {{ font-family: sans-serif; max-width: 46rem; margin: auto; line-height: 1.5; }}
nav ul {{ display: flex; gap: 1rem; list-style: none; padding: 0; }}
.sample {{ background: #fff3e0; color: #7a3b00; font-weight: bold; padding: .5rem; }}
table {{ border-collapse: collapse; }}
td, th {{ border: 1px solid #b8c4cc; padding: .3rem .5rem; text-align: left; }}
</style>
</head>
<body>
<header>
<nav>
<ul>
{menu}
</ul>
</nav>
</header>
<main>
<article>
{chr(10).join(article)}
</article>
</main>
<footer>
<p>© {source.date.year} {organisation} · <a href="/cookies">{links[5]}</a></p>
</footer>
</body>
</html>
"""
    return page.encode()


# The whole corpus


BUILDERS = {
    ".pdf": build_pdf,
    ".docx": build_docx,
    ".pptx": build_pptx,
    ".xlsx": build_xlsx,
    ".html": build_html,
    ".md": build_markdown,
    ".txt": build_text,
}


def build(source: Source) -> bytes:
    """Return the document of a source in the format that its file name asks for."""
    return BUILDERS[Path(source.file).suffix](source)


def manifest(found: Iterable[Source]) -> str:
    """Return `manifest.toml`: a table for each document."""
    out = [
        "# Sample documents (CC BY 4.0), built by corpus/build.py from corpus/sources.",
        "# Edit the sources, not this file.",
    ]
    for source in found:
        out += ["", "[[document]]"]
        for key in MANIFEST_COLUMNS:
            value = source.head.get(key) or WORK_PACKAGE
            if key == "themes":
                names = [name.strip() for name in value.split(",")]
                out.append(f"themes = [{', '.join(map(_toml, names))}]")
            else:
                out.append(f"{key} = {_toml(value)}")
        out.append("sample = true")
    return "\n".join(out) + "\n"


def _toml(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def main(names: list[str]) -> int:
    """Build all documents, or those named, and the manifest."""
    found = sources()
    DOCUMENTS.mkdir(exist_ok=True)
    for source in found:
        if names and source.file not in names:
            continue
        data = build(source)
        (DOCUMENTS / source.file).write_bytes(data)
        sys.stdout.write(f"{source.file}: {len(data)} bytes\n")
    (DOCUMENTS / "manifest.toml").write_text(manifest(found), encoding="utf-8")
    if not names:
        kept = {source.file for source in found} | {"manifest.toml"}
        for path in DOCUMENTS.iterdir():
            if path.name not in kept:
                path.unlink()
                sys.stdout.write(f"removed {path.name}: no source\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
