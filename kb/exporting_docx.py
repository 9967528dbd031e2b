"""An answer as a DOCX that assistive technology reads well.

Headings are styles, the numbered places are links with words of their own, the file has a title
and a language, and a statement in another language says so. Texts are only ever runs of text.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from kb.exporting import LinkOf, Told, one_line, quotes_apart, title_of, web_address
from kb.given import GivenAnswer, GivenClaim, Source
from kb.model import Language

_LOCALES: dict[Language, str] = {"fi": "fi-FI", "sv": "sv-FI", "en": "en-GB"}
_INK, _LINK = "1B2326", "0B5563"
"""Colours of headings and links: 15:1 and 8:1 on white."""

_TITLE_MOST = 250
"""Characters of the title in the file's properties."""


def as_docx(given: GivenAnswer, *, language: Language, link: LinkOf) -> bytes:
    """Return an answer as a DOCX file."""
    from docx import Document

    told = Told(language, given)
    document = Document()
    _describe(document, given, language)
    document.add_heading(_xml(given.question), level=1)
    for line in told.about:
        document.add_paragraph(_xml(line))
    document.add_heading(told.say("answer"), level=2)
    if told.refusal:
        document.add_paragraph(_xml(told.refusal))
    for group, claims in given.sections:
        if group is not None:
            document.add_heading(_xml(told.group(group)), level=3)
        for claim in claims:
            _add_claim(document, told, claim, link=link)
    _add_figures(document, told, link=link)
    if given.sources:
        document.add_heading(told.say("sources"), level=2)
    apart = quotes_apart(given)
    for source in given.sources:
        _add_source(document, told, source, link=link, quote=source.number in apart)
    if given.claims:
        document.add_paragraph(told.note)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _add_claim(document: Any, told: Told, claim: GivenClaim, *, link: LinkOf) -> None:
    paragraph = document.add_paragraph()
    for at, line in enumerate(claim.marked_lines):
        if at:
            paragraph.add_run().add_break()
        for part, text in enumerate(line):
            if not text:
                continue
            spaces = (" " * text[:1].isspace(), " " * text[-1:].isspace())
            run = paragraph.add_run(f"{spaces[0]}{_xml(text)}{spaces[1]}")
            run.bold = part == 1 or None  # what answers most likely
            if claim.language != told.language:
                _spoken(run, claim.language)
    for source in claim.sources:
        paragraph.add_run(" ")
        _link(
            paragraph,
            link(source),
            f"[{source.number}]",
            told.say("open_numbered", number=source.number),
        )


def _add_figures(document: Any, told: Told, *, link: LinkOf) -> None:
    """Add figures side by side as a table whose first row is its header."""
    figures = told.given.figures
    if not figures:
        return
    document.add_heading(told.any("figures.title"), level=2)
    document.add_paragraph(told.any("figures.note"))
    table = _table(document, [told.any(f"figures.{one}") for one in ("date", "figure", "source")])
    for figure in figures:
        source = told.given.source(figure.number)
        when, text = told.figure_parts(figure)
        cells = table.add_row().cells
        cells[0].text = _xml(when)
        run = cells[1].paragraphs[0].add_run(_xml(text))
        if source.citation.language != told.language:
            _spoken(run, source.citation.language)
        _link(
            cells[2].paragraphs[0],
            link(source),
            f"[{figure.number}]",
            told.say("open_numbered", number=figure.number),
        )


def _table(document: Any, columns: list[str]) -> Any:
    """Return a table with its header row, which is repeated on every page it goes on to."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    table = document.add_table(rows=1, cols=len(columns), style="Table Grid")
    for cell, text in zip(table.rows[0].cells, columns, strict=True):
        cell.paragraphs[0].add_run(_xml(text)).bold = True
    repeated = OxmlElement("w:tblHeader")
    repeated.set(qn("w:val"), "true")
    table.rows[0]._tr.get_or_add_trPr().append(repeated)
    return table


def _add_source(document: Any, told: Told, source: Source, *, link: LinkOf, quote: bool) -> None:
    paragraph = document.add_paragraph()
    paragraph.add_run(f"[{source.number}] ")
    title = paragraph.add_run(_xml(title_of(source)))
    title.bold = True
    _spoken(title, source.citation.language)
    rest = "".join(f", {part}" for part in told.source_parts(source))
    paragraph.add_run(_xml(rest) + ". ")
    _link(
        paragraph, link(source), told.say("open"), told.say("open_numbered", number=source.number)
    )
    if quote:
        quoted = document.add_paragraph(style="Quote")
        _spoken(quoted.add_run(_xml(one_line(source.citation.quote))), source.citation.language)
    origin = web_address(source.url)
    if origin:
        before, _, after = told.say("origin", url="\0").partition("\0")
        published = document.add_paragraph(before)
        _link(published, origin, origin, "")
        published.add_run(after)


def _describe(document: Any, given: GivenAnswer, language: Language) -> None:
    """Set title, dates and language; the default template's are somebody else's."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    properties = document.core_properties
    properties.title = _xml(given.question)[:_TITLE_MOST]
    properties.author = ""
    properties.comments = ""
    properties.language = _LOCALES[language]
    properties.created = properties.modified = datetime.now(UTC).replace(tzinfo=None)
    for level in (1, 2, 3):  # the template's blue has too little contrast
        document.styles[f"Heading {level}"].font.color.rgb = _colour(_INK)
    defaults = document.styles.element.find(qn("w:docDefaults"))
    run = defaults.find(qn("w:rPrDefault")).find(qn("w:rPr"))
    spoken = run.find(qn("w:lang"))
    if spoken is None:
        spoken = OxmlElement("w:lang")
        run.append(spoken)
    spoken.set(qn("w:val"), _LOCALES[language])


def _spoken(run: Any, language: Language) -> None:
    """Say the language of a run, so that it is read aloud in it."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    spoken = OxmlElement("w:lang")
    spoken.set(qn("w:val"), _LOCALES[language])
    run._r.get_or_add_rPr().append(spoken)


def _link(paragraph: Any, address: str, text: str, spoken: str) -> None:
    """Add a link; ``spoken`` is what is said of it on pointing."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.text.run import Run

    target = paragraph.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), target)
    if spoken:
        link.set(qn("w:tooltip"), spoken)
    element: Any = OxmlElement("w:r")
    link.append(element)
    paragraph._p.append(link)
    run = Run(element, paragraph)
    run.text = text
    run.underline = True
    run.font.color.rgb = _colour(_LINK)


def _colour(hexadecimal: str) -> Any:
    from docx.shared import RGBColor

    return RGBColor.from_string(hexadecimal)


def _xml(text: str) -> str:
    """Return a text without the characters that XML can't hold."""
    return "".join(
        character
        for character in one_line(text)
        if character >= " " and character not in "\ufffe\uffff"
    )
