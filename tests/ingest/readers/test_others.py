from __future__ import annotations

import io
import os
import stat
import zipfile
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.limits import Limits
from ingest.outcomes import warning_text
from ingest.readers.legacy import libreoffice
from ingest.readers.ole import Ole
from ingest.readers.rtf import rtf_text, unpack_rtf
from kb.errors import UnreadableDocument
from tests.ingest.readers.samples import (
    SAMPLES,
    blocks,
    odf,
    read_bytes,
    sample_docx,
    zipped,
)
from tests.ingest.readers.test_dispatch import ole

RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def code_of(data: bytes, name: str, limits: Limits | None = None) -> str:
    with pytest.raises(UnreadableDocument) as caught:
        read_bytes(data, name, limits)
    return caught.value.code


# Slides


def slides(make: Any) -> bytes:
    import pptx  # an independent writer

    deck: Any = pptx.Presentation()
    make(deck)
    buffer = io.BytesIO()
    deck.save(buffer)
    return buffer.getvalue()


def test_shapes_are_read_line_by_line_from_the_left() -> None:
    from pptx.util import Inches  # the same

    def make(deck: Any) -> None:
        slide = deck.slides.add_slide(deck.slide_layouts[6])
        for text, left, top in (("4", 5, 5), ("2", 5, 1.1), ("3", 1, 3), ("1", 1, 1.15)):
            box = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(1), Inches(1))
            box.text_frame.text = text

    assert [text for _, text in blocks(read_bytes(slides(make), "a.pptx"))] == ["1", "2", "3", "4"]


def test_comments_on_a_slide_come_last_without_their_authors() -> None:
    from pptx.opc.package import Part  # the same
    from pptx.opc.packuri import PackURI

    main = "http://schemas.openxmlformats.org/presentationml/2006/main"
    said = (
        f'<p:cmLst xmlns:p="{main}"><p:cm authorId="7"><p:text>Onko hinta oikea?</p:text></p:cm>'
        '<p:cm authorId="8"><p:text>On, vuodelta 2024.</p:text></p:cm></p:cmLst>'
    )

    def make(deck: Any) -> None:
        for title in ("Hinnat", "Ehdot"):
            slide = deck.slides.add_slide(deck.slide_layouts[5])
            slide.shapes.title.text = title
        part = Part(
            PackURI("/ppt/comments/comment1.xml"),
            "application/vnd.openxmlformats-officedocument.presentationml.comments+xml",
            deck.part.package,
            said.encode(),
        )
        deck.slides[0].part.relate_to(part, f"{RELATION}/comments")

    reading = read_bytes(slides(make), "a.pptx")

    assert [
        (block.slide, text)
        for block, (_, text) in zip(reading.blocks, blocks(reading), strict=True)
    ] == [
        (1, "Hinnat"),
        (1, "Onko hinta oikea?"),
        (1, "On, vuodelta 2024."),
        (2, "Ehdot"),
    ]


def test_columns_of_a_layout_are_read_from_the_left() -> None:
    def make(deck: Any) -> None:
        slide = deck.slides.add_slide(deck.slide_layouts[3])
        slide.shapes.title.text = "Otsikko"
        slide.placeholders[2].text_frame.text = "oikea"
        slide.placeholders[1].text_frame.text = "vasen"

    found = [text for _, text in blocks(read_bytes(slides(make), "a.pptx"))]
    assert found == ["Otsikko", "vasen", "oikea"]


def test_slides_are_counted_with_those_that_are_empty_or_hidden() -> None:
    def make(deck: Any) -> None:
        for text in ("yksi", "", "kolme"):
            slide = deck.slides.add_slide(deck.slide_layouts[5])
            slide.shapes.title.text = text

    reading = read_bytes(slides(make), "a.pptx")
    assert [block.slide for block in reading.blocks] == [1, 3]


# Mail


def test_messages_in_messages_end_somewhere() -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "taso 0", "a@example.org", "b@example.org"
    message.set_content("pohja")
    for level in range(1, 7):
        outer = EmailMessage()
        outer["Subject"], outer["From"], outer["To"] = f"taso {level}", "a@x.org", "b@x.org"
        outer.set_content("sisältö")
        outer.add_attachment(message)
        message = outer
    reading = read_bytes(message.as_bytes(), "a.eml", Limits(depth=3))
    assert "taso 3" in reading.text and "taso 1" not in reading.text.splitlines()
    assert any(w.startswith("warning.attachment_left_out|name=taso 2") for w in reading.warnings)


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_why_an_attachment_was_left_out_is_told_in_the_users_language(language: str) -> None:
    message = EmailMessage()
    message["Subject"] = "Liite"
    message.set_content("Mukana yksi liite.")
    message.add_attachment(b"\0\1\2|x", maintype="application", subtype="x", filename="a|b.bin")
    (warning,) = read_bytes(message.as_bytes(), "viesti.eml").warnings
    told = warning_text(warning, language)
    reason = UnreadableDocument("unreadable_unknown_format", name="a_b.bin", formats="PDF")
    assert reason.text(language).partition("PDF")[0] in told
    assert "a_b.bin" in told


def test_attachments_of_every_format_are_read() -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "liitteet", "a@x.org", "b@x.org"
    message.set_content("katso")
    message.add_attachment(sample_docx(), maintype="application", subtype="x", filename="m.docx")
    message.add_attachment(b"x", maintype="image", subtype="png", filename="logo.png")
    reading = read_bytes(message.as_bytes(), "a.eml")
    under = [block for block in reading.blocks if block.heading[:2] == ("liitteet", "m.docx")]
    assert len(under) == 1 + len(read_bytes(sample_docx(), "m.docx").blocks)
    assert under[-1].heading[-1] == "2 Energia"
    assert not reading.warnings


def test_html_alone_is_read_as_html() -> None:
    raw = (
        b"From: a@x.org\r\nTo: b@x.org\r\nSubject: =?iso-8859-1?Q?H=F6yry?=\r\n"
        b"Content-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: "
        b"quoted-printable\r\n\r\n<p>H=F6yry=E4</p><ul><li>kohta</ul>"
    )
    assert blocks(read_bytes(raw, "a.eml"))[-2:] == [
        ("paragraph", "Höyryä"),
        ("list item", "kohta"),
    ]
    assert read_bytes(raw, "a.eml").metadata.title == "Höyry"


# Rich text


@pytest.mark.parametrize(
    ("rtf", "text"),
    [
        (rb"{\rtf1 a\par b}", "a\n\nb"),
        (rb"{\rtf1\ansicpg1252 \'e4\'80}", "ä€"),
        (rb"{\rtf1\uc1 \u8364?x}", "€x"),
        (rb"{\rtf1\uc2 \u228??x\uc0\u228 y}", "äxäy"),
        (rb"{\rtf1\u-10179?\u-8704?}", "\U0001f600"),
        (rb"{\rtf1 a\~b\_c\-d\{e\}\\}", "a b-cd{e}\\"),
        (rb"{\rtf1{\fonttbl{\f0 Arial;}}{\*\unknown x}{\pict 0102}kept}", "kept"),
        (rb"{\rtf1{\upr{a}{\*\ud{b}}}}", "a"),
    ],
)
def test_rich_text(rtf: bytes, text: str) -> None:
    assert rtf_text(rtf) == text


def test_compressed_rich_text_of_a_message() -> None:
    # The example of [MS-OXRTFCP] 4.1.1.
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af320"
        "68656c090020627705b06c647d0a800fa0"
    )
    assert unpack_rtf(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert unpack_rtf(packed[:20]) is not None and unpack_rtf(b"x") == b""


@given(st.binary(max_size=300))
def test_any_packed_bytes_end(data: bytes) -> None:
    assert len(unpack_rtf(b"\xff\xff\x00\x00\xff\xff\x00\x00LZFu\x00\x00\x00\x00" + data)) < 70_000


# Old Office


@given(st.binary(min_size=1, max_size=40), st.integers(0, 2000))
def test_broken_compound_files_end(noise: bytes, at: int) -> None:
    raw = bytearray(ole(["WordDocument", "1Table"]))
    raw[at : at + len(noise)] = noise
    try:
        opened = Ole(bytes(raw))
    except UnreadableDocument:
        return
    for name in opened.streams:
        opened.read(name)


def test_a_converter_is_run_and_its_result_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for LibreOffice that answers its command line, for machines without it."""
    ready = tmp_path / "ready.docx"
    ready.write_bytes(sample_docx())
    program = tmp_path / "soffice"
    program.write_text(
        '#!/bin/sh\nwhile [ "$1" != --outdir ]; do shift; done\n'
        f'/bin/mkdir -p "$2" && /bin/cp {ready} "$2/source.docx"\n',
        encoding="ascii",
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    reading = read_bytes(ole(["WordDocument"]), "a.doc")
    assert reading.media_type == "application/msword"
    assert blocks(reading) == blocks(read_bytes(sample_docx(), "a.docx"))
    program.write_text("#!/bin/sh\nexec /bin/sleep 60\n", encoding="ascii")
    assert code_of(ole(["WordDocument"]), "a.doc", Limits(seconds=0.5)) == "unreadable_timeout"
    program.write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    assert code_of(ole(["WordDocument"]), "a.doc") == "unreadable_damaged"


@pytest.mark.slow
def test_real_old_files_by_libreoffice() -> None:
    folder = os.environ.get("KB_TEST_DATA")
    if not folder:
        pytest.skip("KB_TEST_DATA isn't set: real documents are not at hand")
    if libreoffice() is None:
        pytest.skip("LibreOffice isn't installed")
    path = Path(folder) / "documents" / "unstructured_examples" / "fake.doc"
    assert "Lorem ipsum" in read_bytes(path.read_bytes(), "fake.doc").text


# Others


def test_an_e_book_with_copy_protection_says_so() -> None:
    encryption = (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><CipherReference '
        'URI="OEBPS/a.xhtml"/></encryption>'
    )
    data = zipped({"mimetype": "application/epub+zip", "META-INF/encryption.xml": encryption})
    assert code_of(data, "a.epub") == "unreadable_encrypted"


def test_flat_opendocument_is_read() -> None:
    import zipfile

    with zipfile.ZipFile(io.BytesIO(SAMPLES["sample.odt"]())) as archive:
        content = archive.read("content.xml").decode()
    flat = content.replace("office:document-content", "office:document")
    reading = read_bytes(f'<?xml version="1.0"?>{flat}'.encode(), "a.fodt")
    assert blocks(reading) == blocks(read_bytes(SAMPLES["sample.odt"](), "a.odt"))


@pytest.mark.parametrize("kind", ["text", "presentation"])
def test_the_figures_of_a_chart_in_odf_are_read(kind: str) -> None:
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "text", "table", "chart")
    )
    figures = ["|Vesi|Höyry", "2022|NaN|28", "2023|1,5|NaN", "2024|1,75|31"]
    rows = "".join(
        "<table:table-row>"
        + "".join(f"<table:table-cell><text:p>{text}</text:p></table:table-cell>" for text in row)
        + "</table:table-row>"
        for row in (line.split("|") for line in figures)
    )
    chart = (
        f"<office:document-content {names}><office:body><office:chart><chart:chart><chart:title>"
        f"<text:p>Hinnat</text:p></chart:title><table:table>{rows}</table:table></chart:chart>"
        "</office:chart></office:body></office:document-content>"
    )
    frame = (
        '<draw:frame><draw:object xmlns:xlink="http://www.w3.org/1999/xlink" '
        'xlink:href="./Object 1"/></draw:frame>'
    )
    body = f"<text:p>{frame}</text:p>" if kind == "text" else f"<draw:page>{frame}</draw:page>"
    whole = io.BytesIO(odf(kind, body))
    with zipfile.ZipFile(whole, "a") as archive:
        archive.writestr("Object 1/content.xml", chart)
    assert blocks(read_bytes(whole.getvalue(), "a.od")) == [
        ("caption", "Hinnat"),
        ("table row", "Vesi | Höyry"),
        ("table row", "2022 | | 28"),
        ("table row", "2023 | 1,5"),
        ("table row", "2024 | 1,75 | 31"),
    ]


def test_a_shape_in_an_odt_paragraph_is_a_block_and_hidden_text_stays_hidden() -> None:
    names = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for short, name in (
            *(("office", "office"), ("text", "text"), ("style", "style")),
            *(("draw", "drawing"), ("table", "table")),
        )
    )
    shape = "<draw:custom-shape><text:p>Laituri valmistui.</text:p></draw:custom-shape>"
    odt = f"""<office:document {names}><office:automatic-styles>
      <style:style style:name="T1"><style:text-properties text:display="none"/></style:style>
      <style:style style:name="T2" style:parent-style-name="T1"/>
      <style:style style:name="T3" style:parent-style-name="T1"><style:text-properties
        text:display="true"/></style:style>
      </office:automatic-styles><office:body><office:text>
      <text:p>Kuva:{shape} satama.</text:p>
      <text:p>Hinta <text:span text:style-name="T2">luonnos <text:span>2 €</text:span></text:span>on
        <text:span text:style-name="T3">3 €</text:span>.</text:p>
      <text:p text:style-name="T1">Ei kenellekään.</text:p>
      <table:table><table:table-row><table:table-cell><text:p>Satama{shape}</text:p>
      </table:table-cell><table:table-cell><text:p>x</text:p></table:table-cell></table:table-row>
      </table:table></office:text></office:body></office:document>"""
    reading = read_bytes(odt.encode(), "a.fodt")
    assert [reading.text[block.start : block.end] for block in reading.blocks] == [
        "Kuva: satama.",
        "Laituri valmistui.",
        "Hinta on 3 €.",
        "Satama Laituri valmistui. | x",
    ]
