"""Reports as PDF: columns, tables, contents and footnotes at the foot of their page."""

from __future__ import annotations

import datetime
import html
import io
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from building.hyphens import hyphenate
from building.scan import build_scan
from building.sources import CONTENTS, FONTS, LOCALES, Block, Source, plain, runs


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
