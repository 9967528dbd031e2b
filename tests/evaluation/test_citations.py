from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import replace
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from evaluation.citations import check, checked_one, evaluate_citations, pages_of
from evaluation.independent import Original, original, plain_markdown
from evaluation.quotes import stands_in
from kb.citing import cite
from kb.model import Block, Document, Locator, Span
from tests.evaluation.scripted import ScriptedProduct, a_document

FIRST = "Alueella on neljä vesilaatua. Jäähdytysvesi otetaan merestä."
SECOND = "Tehdaspalokunta palvelee yrityksiä. Portti on auki."
PAGED = a_document("raportti.pdf", f"{FIRST}\n\n{SECOND}", page_starts=(0, len(FIRST) + 2))


def a_pdf(path: Path) -> Path:
    canvas = Canvas(str(path), pagesize=A4)
    canvas.drawString(72, 760, "Alueella on neljä vesi-")
    canvas.drawString(72, 745, "laatua. Jäähdytysvesi otetaan merestä.")
    canvas.drawString(72, 40, "Raportti 2024")
    canvas.showPage()
    canvas.drawString(72, 760, SECOND)
    canvas.showPage()
    canvas.save()
    return path


def span_of(text: str, piece: str) -> Span:
    return Span(text.index(piece), text.index(piece) + len(piece))


def test_quotes_are_looked_up_on_the_page_they_name(tmp_path: Path) -> None:
    product = ScriptedProduct(
        [PAGED],
        cited={"Mitä?": [("raportti", "Portti on auki.")]},
        originals={"raportti": a_pdf(tmp_path / "a.pdf")},
    )
    result = evaluate_citations(product, ["raportti"], questions=["Mitä?"], sample=20, seed=1)
    assert len(result.checked) > 5
    # Some of the sampled runs cross the page break.
    assert any(len(one.citation.locator.pages) == 2 for one in result.checked)
    assert result.share == 1
    assert result.failures == []
    json.dumps(result.to_json())
    assert "raportti.pdf" in result.table("fi")
    find = pages_of(product)
    assert find("raportti", "neljä vesilaatua") == frozenset({1})
    assert find("raportti", "ei missään") is None


def test_a_wrong_page_and_a_wrong_word_are_found(tmp_path: Path) -> None:
    shifted = a_document("raportti.pdf", PAGED.text, page_starts=(0, 5))
    changed = a_document(
        "muu.pdf", PAGED.text.replace("neljä", "viisi"), page_starts=PAGED.page_starts
    )
    file = a_pdf(tmp_path / "a.pdf")
    product = ScriptedProduct([shifted, changed], originals={"raportti": file, "muu": file})
    result = evaluate_citations(product, ["raportti", "muu"], sample=12)
    findings = {(one.citation.source, one.citation.quote): one.finding for one in result.checked}
    assert findings["raportti.pdf", "Jäähdytysvesi otetaan merestä."] == "other page"
    assert findings["muu.pdf", "Alueella on viisi vesilaatua."] == "absent"
    assert result.share is not None
    assert result.share < 1
    assert len(result.to_json()["failures"]) == len(result.failures)  # type: ignore[arg-type] # a list


def test_lines_that_are_apart_on_the_page_are_told_from_lost_ones() -> None:
    document = a_document("a.txt", "Yksi kaksi.\nKolme neljä.")
    citation = cite(document, Span(0, len(document.text)))
    apart = Original(readings=("Kolme neljä. Välissä muuta. Yksi kaksi.",))
    assert check(citation, document, apart) == "in pieces"
    assert check(citation, document, Original(readings=("Yksi kaksi.",))) == "absent"
    assert check(citation, document, None) == "unchecked"


def test_a_row_written_out_is_right_by_cell() -> None:
    document = a_document("a.xlsx", "Alue: Kokkola | Vettä: 4 laatua")
    citation = cite(document, Span(0, len(document.text)))
    assert (
        check(citation, document, Original(readings=("Alue | Vettä\nKokkola | 4 laatua",)))
        == "by cell"
    )
    assert (
        check(citation, document, Original(readings=("Alue | Vettä\nKokkola | 5 laatua",)))
        == "absent"
    )


def test_blocks_are_looked_up_one_by_one() -> None:
    blocks = (Block(start=0, end=11), Block(start=13, end=25))
    document = replace(a_document("a.txt", "Yksi kaksi.\n\nKolme neljä."), blocks=blocks)
    citation = cite(document, Span(0, len(document.text)))
    assert check(citation, document, Original(readings=("Kolme neljä. 1 Yksi kaksi.",))) == "right"
    assert check(citation, document, Original(readings=("Kolme 1 neljä. Yksi kaksi.",))) == "absent"


def test_what_it_took_is_told() -> None:
    text = "Yksi kaksi.\n\nKolme neljä."
    blocks = (Block(start=0, end=11), Block(start=13, end=25))
    document = replace(a_document("a.txt", text), blocks=blocks)
    paged = replace(document, page_starts=(0, 13))
    numbered = a_document("b.txt", "1. Yksi kaksi.")

    def rule(document: Document, *pages: str) -> str:
        read = Original(pages=tuple((page,) for page in pages))
        if not document.page_starts:
            read = Original(readings=pages)
        return checked_one(cite(document, Span(0, len(document.text))), document, read).rule

    assert rule(document, "Yksi kaksi.\nKolme neljä.") == "whole"
    assert rule(document, "Kolme neljä. 1 Yksi kaksi.") == "blocks"
    assert rule(paged, "Yksi kaksi. 1", "Raportti\nKolme neljä.") == "pages"
    assert rule(numbered, "Yksi kaksi.") == "list number"
    assert rule(document, "Yksi kolme.") == "none"
    one = checked_one(cite(document, Span(0, 11)), document, Original(readings=(text,)))
    assert one.sentence


def test_names_of_glyphs_are_letters_and_leaders_are_nothing(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    canvas.drawString(72, 760, "1 ba/t_t.ligaery . . . . . . . . 12")
    canvas.save()
    read = original(tmp_path / "a.pdf")
    assert read is not None
    assert any(stands_in(text, "1 battery 12") for text in read.texts(1))


def test_a_page_that_is_a_picture_is_unchecked() -> None:
    document = a_document("a.pdf", "Yksi kaksi.", page_starts=(0,))
    citation = cite(document, Span(0, 11))
    assert check(citation, document, Original(pages=((" ", ""),))) == "unchecked"


def test_a_locator_that_is_not_the_spans_own_is_wrong() -> None:
    document = a_document("a.pdf", "Yksi kaksi. Kolme.", page_starts=(0, 12))
    citation = replace(cite(document, Span(0, 11)), locator=Locator(pages=(2,)))
    pages = Original(pages=(("Yksi kaksi.",), ("Kolme. Yksi kaksi.",)))
    assert check(citation, document, pages) == "other page"


def test_originals_are_read_by_other_means(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Vesi", "määrä"])
    sheet.append(["raaka", 120])
    book.save(tmp_path / "a.xlsx")
    body = (
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        "<w:body><w:p><w:r><w:t>Putki</w:t></w:r><w:r><w:t>silta</w:t></w:r></w:p></w:body></w:document>"
    )
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("word/document.xml", body)
    (tmp_path / "digest").write_bytes(packed.getvalue())
    (tmp_path / "a.html").write_text(
        "<style>p{}</style><p>S&auml;hk&ouml; ja <b>l&auml;mp&ouml;</b><script>x()</script>",
        encoding="utf-8",
    )
    mail = EmailMessage()
    mail["Subject"] = "Portti"
    mail.set_content("Portti avautuu kuudelta.")
    (tmp_path / "a.eml").write_bytes(mail.as_bytes())
    (tmp_path / "a.txt").write_bytes("Väylä".encode("cp1252"))

    def texts(name: str, called: str = "") -> str:
        read = original(tmp_path / name, name=called)
        assert read is not None
        return "\n".join(read.texts(None))

    assert "raaka | 120" in texts("a.xlsx")
    assert "Putkisilta" in texts("digest", "muistio.docx")
    assert texts("a.html") == "Sähkö ja lämpö"
    assert "Portti avautuu kuudelta." in texts("a.eml")
    assert texts("a.txt") == "Väylä"
    assert original(tmp_path / "digest", name="kuva.png") is None


_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_MATH = "http://schemas.openxmlformats.org/officeDocument/2006/math"


def test_text_boxes_and_formulas_of_an_office_file_are_read_in_their_order(tmp_path: Path) -> None:
    box = "<w:txbxContent><w:p><w:r><w:t>Laatikko</w:t></w:r></w:p></w:txbxContent>"
    formula = (
        "<m:oMath><m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr><m:sub><m:r><m:t>0</m:t></m:r>"
        "</m:sub><m:sup><m:r><m:t>n</m:t></m:r></m:sup><m:e><m:r><m:t>2x</m:t></m:r></m:e>"
        "</m:nary></m:oMath>"
    )
    body = (
        f"<w:document xmlns:w='{_WORD}' xmlns:m='{_MATH}'><w:body><w:p><w:r><w:t>Ennen</w:t>{box}"
        f"<w:t> jälkeen</w:t></w:r></w:p><w:p>{formula}</w:p></w:body></w:document>"
    )
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as archive:
        archive.writestr("word/document.xml", body)
    read = original(tmp_path / "a.docx")
    assert read is not None

    def finding(text: str) -> str:
        document = a_document("a.docx", text)
        return check(cite(document, Span(0, len(text))), document, read)

    assert finding("Ennen jälkeen") == "right"
    assert finding("∑_0^n 2x") == "right"
    assert finding("∑_0^n 3x") == "absent"


@pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice")
def test_numbers_that_an_office_program_draws_are_checked(tmp_path: Path) -> None:
    from docx import Document as WordDocument

    file = WordDocument()
    for item in ("Vesi", "Höyry"):
        file.add_paragraph(item, style="List Number")
    file.save(str(tmp_path / "a.docx"))
    read = original(tmp_path / "a.docx")
    assert read is not None

    def finding(text: str) -> str:
        document = a_document("a.docx", text)
        return check(cite(document, Span(0, len(text))), document, read)

    assert finding("2. Höyry") == "right"
    assert finding("3. Höyry") == "absent"
    # Without a reading that has numbers, they are granted.
    document = a_document("a.docx", "3. Höyry")
    unnumbered = Original(readings=("VesiHöyry",))
    assert check(cite(document, Span(0, 8)), document, unnumbered) == "right"


def test_hidden_alternatives_charts_and_attachments_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        "<p>Paina <b hidden>Command</b><b hidden id='default1'>Ctrl</b>.<i style='display: none'>x"
        "<br></i> Nyt.</p>"
    )
    with zipfile.ZipFile(tmp_path / "a.pptx", "w") as archive:
        archive.writestr("ppt/charts/chart1.xml", "<c xmlns='urn:c'><v>2019</v><v>120</v></c>")
    mail = EmailMessage()
    mail.set_content("Liitteenä.")
    mail.add_attachment("Portti.", filename="liite.txt")
    (tmp_path / "a.eml").write_bytes(mail.as_bytes())

    def texts(name: str) -> tuple[str, ...]:
        read = original(tmp_path / name)
        assert read is not None
        return tuple(read.texts(None))

    assert "Paina Ctrl. Nyt." in texts("a.html")
    assert texts("a.pptx") == ("2019120",)
    assert "liite.txt" in texts("a.eml")[0]


def test_headings_of_a_sheet_may_be_made_of_several_cells() -> None:
    read = Original(
        readings=("Vesi | raaka | puhdas\n1 | -",), cells=frozenset({"Vesi", "raaka", "puhdas"})
    )

    def finding(text: str) -> str:
        document = a_document("a.xlsx", text)
        return check(cite(document, Span(0, len(text))), document, read)

    assert finding("Vesi raaka: 1 | Vesi puhdas: -") == "by cell"
    assert finding("Vesi puhdas: 1") == "by cell"
    assert finding("Vesi musta: 1") == "absent"
    assert finding("Vesi raaka: 2") == "absent"


def test_marks_of_markdown_are_left_out_and_letters_kept() -> None:
    assert plain_markdown("*a* kpl_vuosi_1 \\_b\\_ _c_ [[ 5 ]](#n) [d](/e_(f)).") == (
        "a kpl_vuosi_1 _b_ c [ 5 ] d."
    )


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="needs Tesseract")
def test_what_stands_in_a_picture_is_told_apart(tmp_path: Path) -> None:
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("L", (900, 120), 255)
    font = ImageFont.load_default(48)
    ImageDraw.Draw(picture).text((20, 30), "Four grades of water", font=font, fill=0)
    picture.save(tmp_path / "a.png")
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    canvas.drawString(72, 760, "Otsikko")
    canvas.drawImage(str(tmp_path / "a.png"), 72, 600, 450, 60)
    canvas.save()
    read = original(tmp_path / "a.pdf")

    def finding(text: str) -> str:
        document = a_document("a.pdf", text, page_starts=(0,))
        return check(cite(document, Span(0, len(text))), document, read)

    assert finding("Otsikko") == "right"
    assert finding("Four grades of water") == "recognised"
    assert finding("Five tons of steam") == "absent"


def test_pages_outside_the_file_have_no_text(tmp_path: Path) -> None:
    read = original(a_pdf(tmp_path / "a.pdf"))
    assert read is not None
    assert len(read.pages) == 2
    assert read.texts(3) == ()
    assert read.texts(0) == ()


@pytest.mark.parametrize("sample", [0, 1])
def test_small_samples(sample: int) -> None:
    product = ScriptedProduct([a_document("a.png", FIRST)], originals={"a": Path("a.png")})
    result = evaluate_citations(product, ["a"], sample=sample)
    assert [one.finding for one in result.checked] == ["unchecked"] * sample
    assert result.share is None
    assert result.unread == ("a.png",)
