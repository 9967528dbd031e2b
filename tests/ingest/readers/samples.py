"""Small files of every format, made here; what they must be read as is in ``tests/golden``.

``python -m tests.ingest.readers.samples`` writes the expected readings anew: look at the
difference before it is kept.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path
from typing import Any

from ingest.limits import Limits
from ingest.readers.dispatch import READER_FINGERPRINT, read
from ingest.reading import Reading

GOLDEN = Path(__file__).resolve().parents[2] / "golden"

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
STRICT = {
    W: "http://purl.oclc.org/ooxml/wordprocessingml/main",
    R: "http://purl.oclc.org/ooxml/officeDocument/relationships",
}


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """Return an archive of parts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def relations(*links: tuple[str, str, str]) -> str:
    """Return a part of relations: (id, kind, target)."""
    inner = "".join(
        f'<Relationship Id="{identity}" Type="{R}/{kind}" Target="{target}"/>'
        for identity, kind, target in links
    )
    return f'<Relationships xmlns="{RELATIONS}">{inner}</Relationships>'


def docx(body: str, *, parts: Mapping[str, str] | None = None, strict: bool = False) -> bytes:
    """Return a Word document with a body of WordprocessingML (prefix ``w``)."""
    links = [("r1", "styles", "styles.xml"), ("r2", "numbering", "numbering.xml")]
    more = dict(parts or {})
    if "word/footnotes.xml" in more:
        links.append(("r3", "footnotes", "footnotes.xml"))
    content = {
        "[Content_Types].xml": f'<Types xmlns="{TYPES}"/>',
        "_rels/.rels": relations(("d", "officeDocument", "word/document.xml")),
        "word/document.xml": f'<w:document xmlns:w="{W}" xmlns:r="{R}" '
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
        'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
        'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
        f'xmlns:v="urn:schemas-microsoft-com:vml"><w:body>{body}</w:body></w:document>',
        "word/_rels/document.xml.rels": relations(*links),
        "word/styles.xml": STYLES,
        "word/numbering.xml": NUMBERING,
        **more,
    }
    if strict:
        for name, text in content.items():
            for old, new in STRICT.items():
                text = text.replace(old, new)
            content[name] = text
    return zipped(content)


STYLES = f"""<w:styles xmlns:w="{W}">
<w:style w:type="paragraph" w:styleId="Normaali" w:default="1"><w:name w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="Otsikko"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="Otsikko1"><w:name w:val="heading 1"/>
 <w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Otsikko2"><w:name w:val="heading 2"/>
 <w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="3"/></w:numPr></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Omaotsikko"><w:name w:val="Oma otsikko"/>
 <w:basedOn w:val="Otsikko1"/></w:style>
<w:style w:type="paragraph" w:styleId="Sis1"><w:name w:val="toc 1"/></w:style>
<w:style w:type="paragraph" w:styleId="Kuva"><w:name w:val="caption"/></w:style>
<w:style w:type="character" w:styleId="Piilo"><w:name w:val="Piilo"/>
 <w:rPr><w:vanish/></w:rPr></w:style>
</w:styles>"""
NUMBERING = f"""<w:numbering xmlns:w="{W}">
<w:abstractNum w:abstractNumId="0">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/>
<w:lvlText w:val="%1."/></w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/>
<w:lvlText w:val="%1.%2)"/></w:lvl>
<w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="decimal"/>
<w:lvlText w:val="%1.%2.%3"/></w:lvl></w:abstractNum>
<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/>
<w:lvlText w:val="·"/></w:lvl></w:abstractNum>
<w:abstractNum w:abstractNumId="2"><w:lvl w:ilvl="0"><w:start w:val="2"/><w:numFmt w:val="decimal"/>
<w:lvlText w:val="%1"/></w:lvl><w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/>
<w:lvlText w:val="%1.%2"/></w:lvl></w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>
<w:num w:numId="3"><w:abstractNumId w:val="2"/></w:num>
</w:numbering>"""


def p(content: str, style: str = "", *, properties: str = "") -> str:
    """Return a paragraph; plain text becomes a run."""
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    inner = content if content.startswith("<") else run(content)
    return f"<w:p><w:pPr>{named}{properties}</w:pPr>{inner}</w:p>"


def run(text: str, properties: str = "") -> str:
    """Return a run of text."""
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def item(text: str, *, number: int, level: int = 0) -> str:
    """Return a list item."""
    numbering = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
    return p(text, properties=numbering)


def cell(text: str, properties: str = "") -> str:
    """Return a table cell; text that is markup already is taken as it stands."""
    inner = text if text.startswith("<w:") else p(text)
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{inner}</w:tc>"


def table(*rows: str) -> str:
    """Return a table of rows, each made of cells."""
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"


FOOTNOTES = f"""<w:footnotes xmlns:w="{W}">
<w:footnote w:id="-1" w:type="separator"><w:p><w:r><w:separator/></w:r></w:p></w:footnote>
<w:footnote w:id="2"><w:p><w:r><w:footnoteRef/></w:r><w:r><w:t> Lähde: esimerkki.</w:t></w:r></w:p>
</w:footnote></w:footnotes>"""

DOCX_BODY = "".join(
    [
        p("Täydellinen teollisuusalue", "Otsikko"),
        p("Vesi", "Sis1"),
        p("1 Vesi", "Otsikko1"),
        p(
            run("Jäähdytysvettä on ")
            + "<w:ins>"
            + run("neljää")
            + "</w:ins><w:del><w:r><w:delText>kolmea</w:delText></w:r></w:del>"
            + run(" laatua")
            + '<w:r><w:footnoteReference w:id="2"/></w:r>'
            + run(".")
            + run("Piilotettu.", "<w:vanish/>")
            + run("Tyylillä piilotettu.", '<w:rStyle w:val="Piilo"/>')
        ),
        p("Jäähdytys", "Otsikko2"),
        item("ensimmäinen", number=1),
        item("alakohta", number=1, level=1),
        item("toinen", number=1),
        p("Väliteksti."),
        item("luettelo", number=2),
        item("jatkuu", number=2),
        table(
            cell("Palvelu") + cell("Hinta") + cell("Huom."),
            cell("Vesi", '<w:vMerge w:val="restart"/>')
            + cell("0,12 €/m³")
            + cell(p("eka") + p("toka")),
            cell("<w:p/>", "<w:vMerge/>") + cell("yhteinen", '<w:gridSpan w:val="2"/>'),
            cell("Sisällä") + cell(table(cell("a") + cell("b")) + p("")) + cell(""),
        ),
        table(cell(p("Yhden solun taulukko on asettelua.") + p("Toinen kappale."))),
        p("Kuva 1. Verkosto", "Kuva"),
        p(
            "<w:r><mc:AlternateContent><mc:Choice><wps:txbx><w:txbxContent>"
            + p("Tekstiruutu.")
            + "</w:txbxContent></wps:txbx></mc:Choice><mc:Fallback><v:textbox><w:txbxContent>"
            + p("Tekstiruutu.")
            + "</w:txbxContent></v:textbox></mc:Fallback></mc:AlternateContent></w:r>"
            + run("Kappale ruudun vieressä.")
        ),
        "<w:sdt><w:sdtPr/><w:sdtContent>" + p("Sisältöohjain.") + "</w:sdtContent></w:sdt>",
        "<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>"
        + p("Kirjoita tähän.")
        + "</w:sdtContent></w:sdt>",
        p(
            run("Katso ")
            + "<w:hyperlink>"
            + run("verkkosivu")
            + "</w:hyperlink>"
            + run(", sivu ")
            + '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r>'
            + "<w:instrText>PAGEREF x</w:instrText></w:r><w:r>"
            + '<w:fldChar w:fldCharType="separate"/></w:r>'
            + run("12")
            + '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
            + "<w:r><w:tab/><w:t>teolli</w:t><w:softHyphen/><w:t>suus</w:t><w:noBreakHyphen/>"
            + '<w:t>alue</w:t><w:br/><w:t>uusi rivi</w:t><w:sym w:font="Wingdings" w:char="F0E0"/>'
            + "</w:r>"
        ),
        p(
            "<m:oMath><m:r><m:t>v=</m:t></m:r><m:f><m:num><m:r><m:t>s</m:t></m:r></m:num><m:den>"
            "<m:r><m:t>t</m:t></m:r></m:den></m:f><m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup>"
            "<m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:oMath>"
        ),
        p("<w:moveFrom>" + run("Siirretty pois.") + "</w:moveFrom>"),
        p("<w:moveTo>" + run("Siirretty tänne.") + "</w:moveTo>"),
        p(run("Kappaleen loppu ") + "", properties="<w:rPr><w:del/></w:rPr>"),
        p("on poistettu."),
        p("2 Energia", "Omaotsikko"),
        p("Höyryä saa."),
    ]
)
CORE = (
    '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/'
    'core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms='
    '"http://purl.org/dc/terms/"><dc:title>Alueen palvelut</dc:title>'
    "<dcterms:created>2024-03-05T10:00:00Z</dcterms:created></cp:coreProperties>"
)


def sample_docx() -> bytes:
    """Return a document with everything that a Word document has."""
    return docx(DOCX_BODY, parts={"word/footnotes.xml": FOOTNOTES, "docProps/core.xml": CORE})


def sample_strict_docx() -> bytes:
    """Return the same document in the strict form of the standard."""
    return docx(
        DOCX_BODY,
        parts={"word/footnotes.xml": FOOTNOTES, "docProps/core.xml": CORE},
        strict=True,
    )


def sample_pptx() -> bytes:
    """Return slides with a table, a chart, a group, numbered points and notes."""
    import pptx
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    deck: Any = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Palvelut alueella"
    body = slide.placeholders[1].text_frame
    body.text = "Vesi"
    body.add_paragraph().text = "Höyry"
    below = slide.shapes.add_textbox(Inches(5), Inches(6), Inches(3), Inches(1))
    below.text_frame.text = "alhaalla oikealla"
    left = slide.shapes.add_textbox(Inches(1), Inches(6), Inches(3), Inches(1))
    left.text_frame.text = "alhaalla vasemmalla"
    slide.notes_slide.notes_text_frame.text = "Puhujan muistiinpano."
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Hinnat"
    grid = slide.shapes.add_table(3, 3, Inches(1), Inches(2), Inches(6), Inches(1)).table
    for row, texts in enumerate([("Laatu", "€/m³", "Huom."), ("A", "0,12", ""), ("", "0,30", "x")]):
        for column, text in enumerate(texts):
            grid.cell(row, column).text = text
    grid.cell(1, 0).merge(grid.cell(2, 0))
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]  # it ships no types
    data.categories = ["2023", "2024"]
    data.add_series("Vesi", (12, 15.5))
    data.add_series("Höyry", (3, 4))
    slide.shapes.add_chart(
        XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(4), Inches(5), Inches(2), data
    )
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    group = slide.shapes.add_group_shape()
    for number, left_edge in enumerate((4, 1)):
        box = group.shapes.add_textbox(Inches(left_edge), Inches(1), Inches(2), Inches(1))
        box.text_frame.text = f"ryhmän osa {number}"
    slide._element.set("show", "0")
    deck.core_properties.title = "Palvelut"
    buffer = io.BytesIO()
    deck.save(buffer)
    return buffer.getvalue()


def sample_xlsx() -> bytes:
    """Return a workbook with formats, merged cells, two tables, a formula and a hidden sheet."""
    from datetime import date, datetime

    import openpyxl
    from openpyxl.styles import Font

    book = openpyxl.Workbook()
    book.properties.created = datetime(2024, 1, 2)
    sheet = book.active
    assert sheet is not None
    sheet.title = "Palvelut"
    sheet.append(["Hinnasto 2024"])
    sheet.append(["Palvelu", "Hinta", "Alkaen", "Osuus", "Huom."])
    sheet.append(["Jäähdytysvesi", 0.12, date(2024, 5, 31), 0.255, None])
    sheet.append(["Höyry", 1234.5, datetime(2024, 6, 1, 12, 30), 1, "kesällä"])
    sheet.append([None, 40, None, -0.1, True])
    for cells in sheet["A2:E2"]:
        for heading in cells:
            heading.font = Font(bold=True)
    for row in (3, 4, 5):
        sheet.cell(row, 2).number_format = '#,##0.00" €/m³"'
        sheet.cell(row, 4).number_format = "0.0%"
    sheet.merge_cells("A4:A5")
    sheet["A8"], sheet["B8"] = "Vuosi", "Käyttö"
    sheet["A9"], sheet["B9"] = 2023, 1.5
    sheet["A10"], sheet["B10"] = 2024, "=B9*2"
    hidden = book.create_sheet("Piilossa")
    hidden.append(["salainen", "luku"])
    hidden.append(["x", 7])
    hidden.sheet_state = "hidden"
    book.create_sheet("Tyhjä")
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


HTML = """<!DOCTYPE html><html lang="fi"><head><meta charset="utf-8">
<title>Vesi teollisuusalueella | Esimerkki</title><meta property="og:site_name" content="Esimerkki">
<meta name="date" content="2024-02-03T10:00"><style>p {color: red}</style></head><body>
<a href="#main" class="skip-link">Siirry sisältöön</a>
<header><nav><ul><li><a href="/">Etusivu</a></li><li><a href="/a">Asiointi</a></li></ul></nav>
</header>
<div id="cookie-banner">Käytämme evästeitä.</div>
<div class="breadcrumb"><a href="/">Etusivu</a> &gt; Vesi</div>
<main><h1>Vesi teollisuusalueella</h1>
<p>Alueella on <b>neljä</b> veden&shy;laatua:<br>jäähdytys ja prosessi.<script>alert(1)</script></p>
<h2>Laadut</h2><ol start="3"><li>kolmas<ul><li>alla</li></ul></li><li><p>neljäs</p></li></ol>
<table><caption>Hinnat</caption><tr><th>Laatu</th><th>Hinta</th></tr>
<tr><td rowspan="2">Jäähdytys</td><td>0,12&nbsp;€</td></tr><tr><td>0,30 €</td></tr></table>
<dl><dt>KIP</dt><dd>Kokkolan suurteollisuusalue</dd></dl>
<pre>rivi 1
  rivi 2</pre><figure><img src="x.png" alt="kuva"><figcaption>Kuva 1. Putki</figcaption></figure>
<p hidden>piilossa</p><div style="display: none">piilossa</div>
irtoteksti <em>kappaleen</em> jäljessä
</main><aside>Aiheesta muualla</aside><footer>Yhteystiedot ja tietosuoja</footer></body></html>"""

MARKDOWN = """---
title: "Pyöreä pöytä 1"
date: 2023-11-22
city: Kokkola
---
# Pyöreä pöytä

Aika: 22.11.2023
Paikka: Kokkola

Ensimmäinen kappale, jossa on **lihavointia**, [linkki](https://example.org) ja
rivinvaihto.[^1]

## Puheenvuorot

Yritys A: vesi on kallista.
Yritys B: ei ole.

- kohta yksi
- kohta kaksi
  1. alakohta

> Lainattu lause.

| Laatu | Hinta |
| --- | ---: |
| A | 0,12 |

```
koodia: 1
```

<div>HTML <i>seassa</i></div>

[^1]: Alaviite.
"""

TEXT = """PYÖREÄN PÖYDÄN MUISTIO

Aika: 22.11.2023
Läsnä: yritys A, yritys B

Vesi
====

Tämä kappale on rivitetty kiinteään leveyteen, joten sen rivit kuuluvat yh-
teen ja muodostavat yhden kappaleen, jonka lopussa on piste. Rivit ovat noin
yhtä pitkiä.

1.2 Hinnat

- vesi on kallista,
  sanoi yksi
- höyry ei ole
Yritys A: tuetaan.
Yritys B: ei tueta.

Lyhyt rivi
Toinen lyhyt rivi
"""

CSV = 'Palvelu;Hinta;Huom.\r\nVesi;0,12;\r\nHöyry;3,40;"talvella; vain osa"\r\n'

RTF = (
    rb"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0 Arial;}}{\info{\title Muistio}}"
    rb"{\*\generator x;}{\header Sivu}P\'f6yt\'e4: \u228?lykk\'e4\'e4t {\b vedet}\par "
    rb"{\field{\*\fldinst{HYPERLINK x}}{\fldrslt linkki}} toinen\line rivi\par "
    rb"\trowd\cellx1\cellx2 a\cell b\cell\row c\cell d\cell\row\pard loppu\par}"
)


def sample_eml() -> bytes:
    """Return a message with a text, an HTML twin and attachments."""
    message = EmailMessage()
    message["Subject"] = "Höyryn hinta"
    message["From"] = "Aino Esimerkki <aino@example.org>"
    message["To"] = "Kalle Esimerkki <kalle@example.org>"
    message["Date"] = "Wed, 22 Nov 2023 10:00:00 +0200"
    message.set_content("Hei,\n\nhöyry maksaa 30 €/MWh.\n")
    message.add_alternative("<p>Hei, höyry maksaa 30 €/MWh.</p>", subtype="html")
    message.add_attachment(CSV.encode(), maintype="text", subtype="csv", filename="hinnat_ä.csv")
    message.add_attachment(
        b"\x00\x01\x02" * 50, maintype="application", subtype="x-y", filename="x"
    )
    return message.as_bytes()


ODF = "urn:oasis:names:tc:opendocument:xmlns:"
ODF_NAMES = (
    f'xmlns:office="{ODF}office:1.0" xmlns:text="{ODF}text:1.0" xmlns:table="{ODF}table:1.0" '
    f'xmlns:draw="{ODF}drawing:1.0" xmlns:style="{ODF}style:1.0" xmlns:svg="{ODF}svg:1.0" '
    f'xmlns:presentation="{ODF}presentation:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    f'xmlns:meta="{ODF}meta:1.0"'
)


def odf(kind: str, body: str, *, styles: str = "") -> bytes:
    """Return an OpenDocument file of a kind (text, presentation, spreadsheet)."""
    content = (
        f"<office:document-content {ODF_NAMES}><office:automatic-styles>{styles}"
        f"</office:automatic-styles><office:body><office:{kind}>{body}</office:{kind}>"
        "</office:body></office:document-content>"
    )
    meta = (
        f"<office:document-meta {ODF_NAMES}><office:meta><dc:title>Otsake</dc:title>"
        "<meta:creation-date>2024-01-02T03:04:05</meta:creation-date></office:meta>"
        "</office:document-meta>"
    )
    return zipped(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": content,
            "meta.xml": meta,
        }
    )


def sample_odt() -> bytes:
    """Return a text document."""
    numbered = (
        '<text:list-style style:name="L1"><text:list-level-style-number text:level="1" '
        'style:num-format="1"/></text:list-style><style:style style:name="P1" '
        'style:family="paragraph" style:parent-style-name="Title"/>'
    )
    return odf(
        "text",
        "<text:tracked-changes><text:p>poistettu</text:p></text:tracked-changes>"
        '<text:p text:style-name="P1">Nimiö</text:p>'
        '<text:h text:outline-level="1">Vesi</text:h><text:p>Vettä on<text:s text:c="2"/>paljon'
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>Viite."
        "</text:p></text:note-body></text:note><text:line-break/>täällä."
        "<office:annotation><text:p>kommentti</text:p></office:annotation></text:p>"
        '<text:list text:style-name="L1"><text:list-item><text:p>eka</text:p></text:list-item>'
        "<text:list-item><text:p>toka</text:p><text:list><text:list-item><text:p>alla</text:p>"
        "</text:list-item></text:list></text:list-item></text:list>"
        "<table:table><table:table-header-rows><table:table-row><table:table-cell><text:p>A"
        "</text:p></table:table-cell><table:table-cell><text:p>B</text:p></table:table-cell>"
        "</table:table-row></table:table-header-rows><table:table-row><table:table-cell "
        'table:number-rows-spanned="2"><text:p>x</text:p></table:table-cell><table:table-cell>'
        "<text:p>1</text:p></table:table-cell></table:table-row><table:table-row>"
        "<table:covered-table-cell/><table:table-cell><text:p>2</text:p></table:table-cell>"
        "</table:table-row></table:table><text:p><draw:frame><draw:text-box><text:p>ruudussa"
        "</text:p></draw:text-box></draw:frame>loppu</text:p>",
        styles=numbered,
    )


def sample_odp() -> bytes:
    """Return a presentation."""
    return odf(
        "presentation",
        '<draw:page><draw:frame svg:y="8cm" svg:x="1cm"><draw:text-box><text:p>alempana</text:p>'
        '</draw:text-box></draw:frame><draw:frame svg:y="1cm" svg:x="1cm" '
        'presentation:class="title"><draw:text-box><text:p>Dian otsikko</text:p></draw:text-box>'
        '</draw:frame><draw:frame svg:y="4cm" svg:x="1cm"><draw:text-box><text:list>'
        "<text:list-item><text:p>kohta</text:p></text:list-item></text:list></draw:text-box>"
        '</draw:frame><presentation:notes><draw:frame presentation:class="notes"><draw:text-box>'
        "<text:p>Muistiinpano.</text:p></draw:text-box></draw:frame></presentation:notes>"
        "</draw:page>",
    )


def sample_ods() -> bytes:
    """Return a spreadsheet."""

    def row(*cells: str) -> str:
        return f"<table:table-row>{''.join(cells)}</table:table-row>"

    def valued(kind: str, text: str) -> str:
        opening = f'<table:table-cell office:value-type="{kind}">'
        return f"{opening}<text:p>{text}</text:p></table:table-cell>"

    def plain(text: str) -> str:
        return valued("string", text)

    def number(text: str) -> str:
        return valued("float", text)

    return odf(
        "spreadsheet",
        '<table:table table:name="Hinnat">'
        + row(plain("Palvelu"), plain("Hinta"), plain("Pvm"))
        + row(
            plain("Vesi"),
            number("0,12 €"),
            '<table:table-cell office:value-type="date" office:date-value="2024-05-31"><text:p>'
            "31.5.24</text:p></table:table-cell>",
        )
        + '<table:table-row table:number-rows-repeated="1048000"><table:table-cell '
        'table:number-columns-repeated="16000"/></table:table-row></table:table>',
    )


def sample_epub() -> bytes:
    """Return an e-book of two chapters, the second first in the archive."""
    page = (
        '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head>'
        "<body>{}</body></html>"
    )
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:'
            'container"><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
            "OEBPS/book.opf": '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc='
            '"http://purl.org/dc/elements/1.1/"><dc:title>Kirja</dc:title><dc:language>fi'
            "</dc:language><dc:date>2020-05</dc:date></metadata><manifest>"
            '<item id="b" href="b.xhtml" media-type="application/xhtml+xml"/>'
            '<item id="a" href="a%20a.xhtml" media-type="application/xhtml+xml"/>'
            '<item id="n" href="n.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
            '</manifest><spine><itemref idref="n"/><itemref idref="a"/><itemref idref="b"/></spine>'
            "</package>",
            "OEBPS/b.xhtml": page.format('<h1>Toinen</h1><p><a id="x"/>Luku&nbsp;kaksi.</p>'),
            "OEBPS/a a.xhtml": page.format("<h1>Ensimmäinen</h1><p>Luku yksi.</p>"),
            "OEBPS/n.xhtml": page.format("<nav><ol><li>Sisällys</li></ol></nav>"),
        }
    )


SAMPLES: Mapping[str, Callable[[], bytes]] = {
    "sample.docx": sample_docx,
    "strict.docx": sample_strict_docx,
    "sample.pptx": sample_pptx,
    "sample.xlsx": sample_xlsx,
    "sample.html": lambda: HTML.encode(),
    "sample.md": lambda: MARKDOWN.encode(),
    "sample.txt": lambda: TEXT.encode("cp1252"),
    "sample.csv": lambda: CSV.encode("cp1252"),
    "sample.rtf": lambda: RTF,
    "sample.eml": sample_eml,
    "sample.odt": sample_odt,
    "sample.odp": sample_odp,
    "sample.ods": sample_ods,
    "sample.epub": sample_epub,
}


def read_bytes(data: bytes, name: str, limits: Limits | None = None) -> Reading:
    """Read bytes as a file of a name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "original"
        path.write_bytes(data)
        return read(path, name=name, limits=limits)


def blocks(reading: Reading) -> list[tuple[str, str]]:
    """Return a reading's blocks as kind and text."""
    return [(block.kind.value, reading.text[block.start : block.end]) for block in reading.blocks]


def as_json(reading: Reading) -> dict[str, object]:
    """Return a reading as the golden files hold it."""
    known = reading.metadata
    shown = {
        "title": known.title,
        "date": known.date,
        "city": known.city,
        "organisation": known.organisation,
        "kind": known.kind.value,
        "language": known.language,
    }
    places = [
        {
            "kind": block.kind.value,
            "text": reading.text[block.start : block.end],
            "start": block.start,
            **({"heading": list(block.heading)} if block.heading else {}),
            **({"slide": block.slide} if block.slide else {}),
            **({"sheet": block.sheet} if block.sheet else {}),
            **({"row": block.row} if block.row else {}),
            **({"paragraph": block.paragraph} if block.paragraph else {}),
        }
        for block in reading.blocks
    ]
    return {
        "media_type": reading.media_type,
        "metadata": {name: value for name, value in shown.items() if value},
        "warnings": list(reading.warnings),
        "blocks": places,
    }


def fingerprint() -> dict[str, str]:
    """Return the readers' fingerprint and a digest of what they are expected to read."""
    told = b"".join((GOLDEN / f"{name}.json").read_bytes() for name in SAMPLES)
    return {"readers": READER_FINGERPRINT, "readings": sha256(told).hexdigest()}


def main() -> int:
    """Write the golden files anew; refuse where they changed and the fingerprint didn't."""
    for name, make in SAMPLES.items():
        told = json.dumps(as_json(read_bytes(make(), name)), ensure_ascii=False, indent=1)
        (GOLDEN / f"{name}.json").write_text(told + "\n", encoding="utf-8")
    path = GOLDEN / "fingerprint.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    now = fingerprint()
    if before.get("readers") == now["readers"] and before != now:
        sys.stdout.write("The readings changed: raise READER_FINGERPRINT and run this again.\n")
        return 1
    path.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
