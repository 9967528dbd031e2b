"""Word documents, slides and workbooks."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from typing import Any

from building.sources import LOCALES, NOTES, Source, plain, runs


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
