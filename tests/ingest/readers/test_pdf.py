from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from evaluation.reading import pairs, printed, score_reading
from ingest.cleaning import fold
from ingest.readers.ocr import OcrSettings
from ingest.readers.pdf import read_pdf
from ingest.readers.pdf_page import PdfLimits
from kb.errors import UnreadableDocument
from kb.model import BlockKind
from tests.ingest.readers.typeset import A4, check, lines_of, put_lines, sheet, texts

WATER = (
    "Teollisuus|alueen jäähdytys|vesi otetaan merestä ja palautetaan noin viisi astetta "
    "lämpimämpänä. Suljetussa kierrossa sama vesi käytetään useaan kertaan, jolloin tuoreen "
    "veden tarve vähenee kolman|nekseen. Yhteinen verkko on halvempi kuin yritysten omat "
    "ratkaisut, kunhan sen omistus ja huolto on sovittu ennen raken|tamista."
)
HEAT = (
    "Hukka|lämpö syntyy prosesseista, jotka käyvät ympäri vuoden. Kauko|lämpö|verkkoon siitä "
    "saadaan talteen lämpö|pumpulla. Sopimus kestää tavalli|sesti kymmenen vuotta, ja siinä "
    "sovitaan lämpö|tilasta, määrästä ja siitä, kuka maksaa katkoksen aikana käytettävän "
    "vara|voiman. Ympäristö- ja vesilupa haetaan yhdessä."
)
NO_OCR = OcrSettings(enabled=False)


def plain(text: str) -> str:
    return text.replace("|", "")


def test_two_columns_are_read_one_after_the_other_with_hyphens_healed(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "two.pdf")
    put_lines(
        canvas, ["Vesi ja lämpö teollisuusalueella: mitä yhteinen verkko vaatii"], (60, 80), size=16
    )
    put_lines(canvas, lines_of(WATER, 220), (60, 120), justify=220)
    put_lines(canvas, lines_of(HEAT, 220), (310, 120), justify=220)
    canvas.save()

    reading = read_pdf(tmp_path / "two.pdf")

    assert texts(reading) == [
        "Vesi ja lämpö teollisuusalueella: mitä yhteinen verkko vaatii",
        plain(WATER),
        plain(HEAT),
    ]
    check(reading)


def test_three_columns_under_a_full_width_heading(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "three.pdf")
    put_lines(
        canvas, ["Kolme palstaa yhden otsikon alla, joka ulottuu palstojen yli"], (50, 70), size=16
    )
    for column, text in enumerate((WATER, HEAT, WATER)):
        put_lines(canvas, lines_of(text, 150, size=9), (50 + 172 * column, 100), size=9)
    put_lines(canvas, lines_of(HEAT, 490), (50, 420))
    canvas.save()

    reading = read_pdf(tmp_path / "three.pdf")

    assert texts(reading)[1:] == [plain(WATER), plain(HEAT), plain(WATER), plain(HEAT)]
    check(reading)


def test_a_word_over_a_line_end_has_a_box_on_each_line(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "word.pdf")
    put_lines(
        canvas, ["Alueelle rakennetaan yhteinen jäähdytys-", "vesiverkko ensi vuonna."], (60, 80)
    )
    canvas.save()

    reading = read_pdf(tmp_path / "word.pdf")

    assert reading.text == "Alueelle rakennetaan yhteinen jäähdytysvesiverkko ensi vuonna."
    start = reading.text.index("jäähdytysvesiverkko")
    pieces = [box for box in reading.words if start <= box.start < start + 19]
    assert [reading.text[box.start : box.end] for box in pieces] == ["jäähdytys", "vesiverkko"]
    upper, lower = pieces
    assert upper.bottom < lower.bottom and upper.left > lower.left
    assert upper.top < 80 < upper.bottom + 1


def test_a_paragraph_that_goes_on_overleaf_is_one_block_and_the_page_start_is_exact(
    tmp_path: Path,
) -> None:
    canvas = sheet(tmp_path / "over.pdf")
    lines = lines_of(f"{WATER} {HEAT}", 300)
    for number, part in enumerate((lines[:6], lines[6:])):
        put_lines(canvas, ["Kokkolan suurteollisuusalue"], (60, 40), size=8)
        put_lines(canvas, part, (60, 90), justify=300)
        put_lines(canvas, [f"{number + 11}"], (290, 810), size=8)
        canvas.showPage()
    canvas.save()

    reading = read_pdf(tmp_path / "over.pdf")

    assert texts(reading) == [f"{plain(WATER)} {plain(HEAT)}"]
    second = lines[6].split()[0]
    assert reading.text[reading.page_starts[1] :].startswith(second)
    assert [box.page for box in reading.words if box.start == reading.page_starts[1]] == [2]
    check(reading)


def test_a_footnote_stands_before_the_paragraph_that_it_would_have_cut(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "note.pdf")
    lines = lines_of(WATER, 300)
    put_lines(canvas, [lines[0]], (60, 700))
    width = pdfmetrics.stringWidth(lines[0], "Helvetica", 10)
    put_lines(canvas, ["3"], (60 + width, 696), size=6)
    put_lines(canvas, lines[1:4], (60, 712))
    put_lines(canvas, ["3 Mitattu satamassa vuonna 2021."], (60, 800), size=7.5)
    canvas.showPage()
    put_lines(canvas, lines[4:], (60, 90))
    canvas.save()

    reading = read_pdf(tmp_path / "note.pdf")

    first, second = reading.blocks
    assert first.kind is BlockKind.FOOTNOTE
    assert texts(reading)[0] == "3 Mitattu satamassa vuonna 2021."
    marked = plain(WATER).replace(lines[0].rstrip("-"), lines[0].rstrip("-") + " ³", 1)
    assert texts(reading)[1].split()[:20] == marked.split()[:20]
    assert second.kind is BlockKind.PARAGRAPH
    check(reading)


def test_running_heads_and_page_numbers_go_and_what_stands_once_stays(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "heads.pdf")
    for number, letter in enumerate("ABCDEF", start=1):
        put_lines(canvas, [f"Ympäristöselvitys 2024   {number}"], (60, 40), size=8)
        put_lines(canvas, [f"Luku {number}: tulokset alueelta {letter}"], (60, 100), size=14)
        put_lines(canvas, lines_of(WATER, 400), (60, 140))
        put_lines(canvas, [f"Sivu {number} (6)"], (280, 815), size=8)
        if number == 1:
            put_lines(canvas, ["Kokkolan kaupunki, konserniyksikkö"], (60, 790), size=8)
        canvas.showPage()
    canvas.save()

    reading = read_pdf(tmp_path / "heads.pdf")

    assert "Ympäristöselvitys" not in reading.text
    assert "Sivu" not in reading.text
    assert "konserniyksikkö" in reading.text
    assert reading.text.count("tulokset alueelta") == 6
    check(reading)


def test_numbers_at_the_foot_of_a_table_are_no_page_numbers(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "rows.pdf")
    put_lines(canvas, lines_of(WATER, 400), (60, 100))
    put_lines(canvas, ["Yhteensä 4210 tonnia"], (60, 780))
    canvas.save()
    assert "4210" in read_pdf(tmp_path / "rows.pdf").text


def test_a_table_is_read_row_by_row_and_not_by_columns(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "table.pdf")
    put_lines(canvas, lines_of(WATER, 450), (60, 80))
    rows = [
        ("Yritys", "Vesi, m3/d", "Lämpö, GWh"),
        ("Sinkkitehdas", "21 000", "310"),
        ("Voimalaitos", "88 500", "1 120"),
        ("Kobolttitehdas", "9 400", "75"),
    ]
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            put_lines(canvas, [cell], (60 + 150 * column, 200 + 16 * number))
    put_lines(canvas, lines_of(HEAT, 450), (60, 290))
    canvas.save()

    reading = read_pdf(tmp_path / "table.pdf")

    assert texts(reading, BlockKind.TABLE_ROW) == [" | ".join(row) for row in rows]
    assert texts(reading, BlockKind.PARAGRAPH) == [plain(WATER), plain(HEAT)]
    check(reading)


def test_a_ruled_table_keeps_cells_of_several_lines_together(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "ruled.pdf")
    left = ["Vesi otetaan merestä ja se", "palautetaan viilennettynä", "samaan lahteen."]
    for top, height in ((100, 20), (120, 44), (164, 44)):
        canvas.rect(60, A4[1] - top - height, 180, height)
        canvas.rect(240, A4[1] - top - height, 240, height)
    put_lines(canvas, ["Toimenpide"], (64, 114))
    put_lines(canvas, ["Vastuutaho"], (244, 114))
    put_lines(canvas, left, (64, 133))
    put_lines(canvas, ["Kaupunki ja satama"], (244, 145))
    put_lines(canvas, ["Lämpö verkkoon"], (64, 189))
    put_lines(canvas, ["Energiayhtiö neuvottelee sopimuksen", "yritysten kanssa."], (244, 183))
    canvas.save()

    assert texts(read_pdf(tmp_path / "ruled.pdf"), BlockKind.TABLE_ROW) == [
        "Toimenpide | Vastuutaho",
        f"{' '.join(left)} | Kaupunki ja satama",
        "Lämpö verkkoon | Energiayhtiö neuvottelee sopimuksen yritysten kanssa.",
    ]


def test_lists_and_their_wrapped_lines(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "list.pdf")
    items = ("vettä, jota kierrätetään ja joka", "lämpöä", "raiteen satamaan")
    put_lines(canvas, ["Alue tarvitsee:"], (60, 90))
    for number, item in enumerate(items):
        put_lines(canvas, ["•"], (60, 110 + 30 * number))
        put_lines(canvas, [item], (76, 110 + 30 * number))
        if not number:
            put_lines(canvas, ["viilennetään"], (76, 122))
    canvas.save()

    reading = read_pdf(tmp_path / "list.pdf")

    assert texts(reading, BlockKind.LIST_ITEM) == [
        "• vettä, jota kierrätetään ja joka viilennetään",
        "• lämpöä",
        "• raiteen satamaan",
    ]
    check(reading)


def test_headings_make_a_path_and_the_outline_says_which_they_are(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "path.pdf")
    canvas.setTitle("Teollisuusalueen vesiselvitys")
    put_lines(canvas, ["2 Vesi"], (60, 80), size=16, font="Helvetica-Bold")
    put_lines(canvas, lines_of(HEAT, 450), (60, 110))
    put_lines(canvas, ["2.1 Jäähdytys"], (60, 200), size=12, font="Helvetica-Bold")
    put_lines(canvas, lines_of(WATER, 450), (60, 220))
    canvas.bookmarkPage("hukka")
    canvas.addOutlineEntry("Hukkalämpö verkkoon", "hukka", level=0)
    put_lines(canvas, ["Hukkalämpö verkkoon"], (60, 320))
    put_lines(canvas, lines_of(HEAT, 450), (60, 340))
    canvas.save()

    reading = read_pdf(tmp_path / "path.pdf")
    paths = [block.heading for block in reading.blocks if block.kind is BlockKind.PARAGRAPH]

    assert paths == [("2 Vesi",), ("2 Vesi", "2.1 Jäähdytys"), ("Hukkalämpö verkkoon",)]
    assert reading.metadata.title == "Teollisuusalueen vesiselvitys"
    assert reading.metadata.date is not None and len(reading.metadata.date) == 10


def test_a_title_that_a_program_made_gives_way_to_the_largest_text(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "x.pdf")
    canvas.setTitle("Microsoft Word - luonnos_v3.docx")
    put_lines(canvas, ["Hyvä teollisuusalue"], (60, 120), size=24)
    put_lines(canvas, lines_of(WATER, 450), (60, 180))
    canvas.save()
    assert read_pdf(tmp_path / "x.pdf").metadata.title == "Hyvä teollisuusalue"


def test_ligatures_and_accents_drawn_apart_become_letters(tmp_path: Path) -> None:
    pdfmetrics.registerFont(TTFont("Vera", "Vera.ttf"))
    canvas = sheet(tmp_path / "fi.pdf")
    put_lines(canvas, ["eﬁkti on suuri ja jä\u00adrjestys hyvä"], (60, 80), font="Vera")
    width = pdfmetrics.stringWidth("V", "Helvetica", 10)
    put_lines(canvas, ["V"], (60, 120))
    put_lines(canvas, ["a"], (60 + width, 120))
    put_lines(canvas, ["¨"], (60 + width + 1, 120))
    put_lines(canvas, ["yl"], (60 + width + pdfmetrics.stringWidth("a", "Helvetica", 10), 120))
    put_lines(canvas, ["Komento `apt` pysyy"], (60, 160))
    canvas.save()

    reading = read_pdf(tmp_path / "fi.pdf")

    assert texts(reading) == ["efikti on suuri ja järjestys hyvä", "Väyl", "Komento `apt` pysyy"]
    check(reading)


def turned(source: Path, target: Path, rotation: int, crop: tuple[float, ...] | None) -> None:
    import pypdf

    writer = pypdf.PdfWriter(clone_from=source)
    page = writer.pages[0]
    if crop is not None:
        page.cropbox = pypdf.generic.RectangleObject(crop)
    page.rotate(rotation)
    writer.write(target)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [None, (40.0, 500.0, 400.0, 800.0)])
def test_boxes_cover_the_ink_of_the_page_as_shown(
    tmp_path: Path, rotation: int, crop: tuple[float, ...] | None
) -> None:
    canvas = sheet(tmp_path / "straight.pdf")
    put_lines(canvas, ["Lämpöverkko"], (120, 130), size=14)
    put_lines(canvas, ["ja satama kuuluvat alueeseen"], (60, 200))
    canvas.save()
    turned(tmp_path / "straight.pdf", tmp_path / "turned.pdf", rotation, crop)

    reading = read_pdf(tmp_path / "turned.pdf")

    assert reading.text.split()[0] == "Lämpöverkko"
    box = reading.words[0]
    import pypdfium2

    document = pypdfium2.PdfDocument(tmp_path / "turned.pdf")
    picture = document[0].render(scale=2, grayscale=True).to_pil()
    document.close()
    ink = picture.point(lambda value: 255 if value < 128 else 0)
    margin = 2
    inside = ink.crop(
        (
            round(2 * box.left) - margin,
            round(2 * box.top) - margin,
            round(2 * box.right) + margin,
            round(2 * box.bottom) + margin,
        )
    )
    rest = ink.copy()
    for word in reading.words:
        rest.paste(
            0,
            (
                round(2 * word.left) - margin,
                round(2 * word.top) - margin,
                round(2 * word.right) + margin,
                round(2 * word.bottom) + margin,
            ),
        )
    assert inside.getbbox() is not None
    assert rest.getbbox() is None
    check(reading)


def test_a_page_set_sideways_is_read_and_its_boxes_are_on_the_page(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "side.pdf")
    canvas.translate(100, 100)
    canvas.rotate(90)
    canvas.setFont("Helvetica", 10)
    for number, line in enumerate(lines_of(WATER, 400)):
        canvas.drawString(0, -14 * number, line)
    canvas.save()

    reading = read_pdf(tmp_path / "side.pdf")

    assert texts(reading) == [plain(WATER)]
    first = reading.words[0]
    assert first.bottom - first.top > first.right - first.left
    assert 85 < first.left < 101 and 700 < first.bottom < 743
    check(reading)


def test_a_file_with_a_password_is_refused_with_its_cure(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "secret.pdf", encrypt=StandardEncryption("salasana", strength=128))
    put_lines(canvas, ["salaista"], (60, 80))
    canvas.save()
    with pytest.raises(UnreadableDocument) as refused:
        read_pdf(tmp_path / "secret.pdf")
    assert refused.value.code == "unreadable_pdf_encrypted"
    assert "salasana" in refused.value.text("fi") and refused.value.cure("sv")


def test_a_file_that_only_forbids_printing_is_read(tmp_path: Path) -> None:
    lock = StandardEncryption("", ownerPassword="omistaja", canPrint=0, strength=128)
    canvas = sheet(tmp_path / "owner.pdf", encrypt=lock)
    put_lines(canvas, ["Avointa tekstiä kaikille."], (60, 80))
    canvas.save()
    assert read_pdf(tmp_path / "owner.pdf").text == "Avointa tekstiä kaikille."


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "unreadable_empty"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 40, "unreadable_pdf_damaged"),
        (b"<html>not a pdf</html>", "unreadable_pdf_damaged"),
    ],
)
def test_what_is_no_pdf_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "bad.pdf").write_bytes(content)
    with pytest.raises(UnreadableDocument) as refused:
        read_pdf(tmp_path / "bad.pdf")
    assert refused.value.code == code


def test_a_file_without_its_end_is_mended(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "whole.pdf", pageCompression=0)
    put_lines(canvas, lines_of(WATER, 400), (60, 80))
    canvas.save()
    content = (tmp_path / "whole.pdf").read_bytes()
    (tmp_path / "cut.pdf").write_bytes(content[: content.rindex(b"xref\n0")])
    assert texts(read_pdf(tmp_path / "cut.pdf")) == [plain(WATER)]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.95])
def test_a_file_cut_anywhere_is_read_or_refused(tmp_path: Path, share: float) -> None:
    canvas = sheet(tmp_path / "whole.pdf")
    for _ in range(3):
        put_lines(canvas, lines_of(WATER, 400), (60, 80))
        canvas.showPage()
    canvas.save()
    content = (tmp_path / "whole.pdf").read_bytes()
    (tmp_path / "cut.pdf").write_bytes(content[: int(share * len(content))])
    try:
        check(read_pdf(tmp_path / "cut.pdf"))
    except UnreadableDocument as refused:
        assert refused.cure("fi")


def test_pages_that_are_pictures_need_recognition(tmp_path: Path) -> None:
    Image.new("L", (400, 600), 200).save(tmp_path / "scan.png")
    canvas = sheet(tmp_path / "scan.pdf")
    canvas.drawImage(str(tmp_path / "scan.png"), 0, 0, *A4)
    canvas.save()
    with pytest.raises(UnreadableDocument) as refused:
        read_pdf(tmp_path / "scan.pdf", ocr=OcrSettings(program="no-such-program"))
    assert refused.value.code == "unreadable_pdf_no_text"
    assert "tesseract-ocr-fin" in refused.value.cure("en")


def test_a_picture_page_among_pages_of_text_is_named(tmp_path: Path) -> None:
    Image.new("L", (400, 600), 200).save(tmp_path / "scan.png")
    canvas = sheet(tmp_path / "mixed.pdf")
    put_lines(canvas, lines_of(WATER, 400), (60, 80))
    canvas.showPage()
    canvas.drawImage(str(tmp_path / "scan.png"), 0, 0, *A4)
    canvas.showPage()
    canvas.save()
    reading = read_pdf(tmp_path / "mixed.pdf", ocr=NO_OCR)
    assert reading.warnings == ("warning.pdf_pages_without_text|pages=2",)
    assert reading.page_starts == (0, len(reading.text))


def test_three_hundred_pages_are_read_in_seconds(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "long.pdf")
    lines = lines_of(f"{WATER} {HEAT} " * 4, 450)
    for number in range(300):
        put_lines(canvas, lines, (60, 80))
        put_lines(canvas, [str(number + 1)], (290, 815))
        canvas.showPage()
    canvas.save()
    began = time.process_time()
    reading = read_pdf(tmp_path / "long.pdf")
    assert time.process_time() - began < 15
    assert len(reading.page_starts) == 300
    assert len(set(reading.page_starts)) == 300
    with pytest.raises(UnreadableDocument) as refused:
        read_pdf(tmp_path / "long.pdf", limits=PdfLimits(pages=299))
    assert refused.value.code == "unreadable_too_many_pages"


def test_quotes_are_found_in_what_another_reader_gets_from_the_page(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "quote.pdf")
    put_lines(canvas, lines_of(WATER, 220), (60, 120), justify=220)
    put_lines(canvas, lines_of(HEAT, 220), (310, 120), justify=220)
    canvas.save()
    import pypdf

    reading = read_pdf(tmp_path / "quote.pdf")
    page = fold(pypdf.PdfReader(tmp_path / "quote.pdf").pages[0].extract_text())
    for block in texts(reading):
        for sentence in block.split(". "):
            assert fold(sentence) in page
    assert fold("Hukkalämpö syntyy prosesseista, jotka käyvät ympäri vuoren") not in page


words = st.text(alphabet="aeiouyäöklmnprstvjhd", min_size=1, max_size=14)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    columns=st.lists(
        st.lists(st.lists(words, min_size=1, max_size=60), min_size=1, max_size=3),
        min_size=1,
        max_size=2,
    )
)
def test_no_word_is_lost_or_moved_out_of_its_column(
    tmp_path: Path, columns: list[list[list[str]]]
) -> None:
    canvas = sheet(tmp_path / "any.pdf")
    for number, paragraphs in enumerate(columns):
        top = 100.0
        for paragraph in paragraphs:
            text = " ".join(paragraph).capitalize() + "."
            top = put_lines(canvas, lines_of(text, 220), (60 + 260 * number, top)) + 8
    canvas.save()

    reading = read_pdf(tmp_path / "any.pdf")

    check(reading)
    got = reading.text.replace("|", " ").casefold().replace(".", "").split()
    wanted = [word for column in columns for paragraph in column for word in paragraph]
    assert sorted(got) == sorted(wanted)
    long = [column for column in columns if sum(len(words) for words in column) > 40]
    if len(long) == len(columns):
        assert got == wanted


def shared(path: str) -> Path:
    folder = os.environ.get("KB_TEST_DATA")
    if not folder:
        pytest.skip("KB_TEST_DATA isn't set: real documents are read only where they are")
    return Path(folder) / "documents" / path


@pytest.mark.parametrize(
    "name",
    [
        "docling_tests/pdf__sources__multi_page.pdf",
        "docling_tests/pdf__sources__amt_handbook_sample.pdf",
        "docling_tests/data__pdf__bookmark_sample.pdf",
        "battery_pass_en/BatteryPass_ProjectFlyer.pdf",
        "battery_pass_en/2024_BatteryPassport_Value_Assessment_LMT.pdf",
        "unstructured_examples/rotated-page-90.pdf",
        "unstructured_examples/fake-bold-sample.pdf",
        "markitdown_tests/movie-theater-booking-2024.pdf",
    ],
)
def test_real_files_keep_every_promise(name: str) -> None:
    check(read_pdf(shared(name), ocr=NO_OCR))


def test_a_page_without_anything_has_no_text(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "blank.pdf")
    canvas.showPage()
    canvas.save()
    with pytest.raises(UnreadableDocument) as refused:
        read_pdf(tmp_path / "blank.pdf")
    assert refused.value.code == "unreadable_no_text"


def test_a_page_tree_that_bites_its_tail_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ring.pdf").write_bytes(
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Count 900000000/Kids[2 0 R 2 0 R]>>endobj\n"
        b"trailer<</Root 1 0 R>>\nstartxref\n0\n%%EOF"
    )
    with pytest.raises(UnreadableDocument):
        read_pdf(tmp_path / "ring.pdf")


def test_notes_and_code_at_one_height_are_no_running_heads(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "alike.pdf")
    for number, law in enumerate(("12/2020", "#34/2021", "56 #/2019", "7/2024"), start=1):
        put_lines(canvas, [f"# apt install {number}"], (60, 60))
        put_lines(canvas, lines_of(WATER, 400), (60, 200))
        put_lines(canvas, [f"HE {law} vp."], (60, 800), size=8)
        canvas.showPage()
    canvas.save()
    text = read_pdf(tmp_path / "alike.pdf").text
    assert all(law in text for law in ("HE 12/2020 vp.", "HE #34/2021", "56 #/2019", "HE 7/2024"))


def test_a_drop_capital_joins_its_word(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "drop.pdf")
    put_lines(canvas, ["T"], (60, 122), size=30)
    put_lines(canvas, ["eollisuusalue tarvitsee vettä,", "lämpöä ja raiteen satamaan"], (80, 104))
    put_lines(canvas, ["ennen kuin ensimmäinen yritys tulee."], (60, 134))
    canvas.save()
    assert texts(read_pdf(tmp_path / "drop.pdf"))[0].startswith("Teollisuusalue tarvitsee vettä, ")


def test_a_watermark_goes_and_labels_aslant_follow_the_text(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "mark.pdf")
    put_lines(canvas, lines_of(WATER, 400), (60, 80))
    canvas.saveState()
    canvas.translate(200, 300)
    canvas.rotate(45)
    canvas.setFont("Helvetica", 60)
    canvas.drawString(0, 0, "LUONNOS")
    canvas.setFont("Helvetica", 8)
    canvas.drawString(0, -100, "Satama")
    canvas.restoreState()
    canvas.save()

    reading = read_pdf(tmp_path / "mark.pdf")

    assert texts(reading) == [plain(WATER), "Satama"]
    check(reading)


def _drawn_on(path: Path, pages: Sequence[Sequence[tuple[float, float, float, str]]]) -> Path:
    """Draw words at (left, height, size) on A4 pages."""
    canvas = Canvas(str(path), pagesize=(595, 842))
    for page in pages:
        for left, height, size, text in page:
            canvas.setFont("Helvetica", size)
            canvas.drawString(left, height, text)
        canvas.showPage()
    canvas.save()
    return path


def test_a_number_set_digit_by_digit_stays_whole(tmp_path: Path) -> None:
    from pypdfium2 import PdfDocument

    canvas = sheet(tmp_path / "a.pdf")
    for top, start, end, amount in ((80, "Kunta 10", "", "10 500"), (100, "Kunta 1", "1", "9 500")):
        put_lines(canvas, [start], (60, top), font="Times-Roman")
        width = stringWidth(start, "Times-Roman", 10)
        put_lines(canvas, [end], (60 + width, top), font="Times-Roman")
        put_lines(canvas, [amount], (260, top), font="Times-Roman")
    canvas.save()
    # pdfium begins a line between the two digits of the second row
    with closing(PdfDocument(tmp_path / "a.pdf")) as document:
        assert "1\r\n1" in document[0].get_textpage().get_text_range()
    assert texts(read_pdf(tmp_path / "a.pdf")) == ["Kunta 10 | 10 500", "Kunta 11 | 9 500"]


def test_a_raised_mark_stays_on_its_line(tmp_path: Path) -> None:
    width = stringWidth("Satama laajeni.", "Helvetica", 10.3)
    lines = [
        (57, 700, 10.3, "Satama laajeni."),
        (57 + width, 705.1, 6.5, "4"),
        (57 + width + 8, 700, 10.3, "Rata valmistui"),
        (57, 685, 10.3, "vuonna 2021 ja portti vuotta myöhemmin."),
    ]
    reading = read_pdf(_drawn_on(tmp_path / "a.pdf", [lines]))
    assert reading.text == (
        "Satama laajeni.4 Rata valmistui vuonna 2021 ja portti vuotta myöhemmin."
    )


def test_a_title_repeated_small_overleaf_is_a_running_head(tmp_path: Path) -> None:
    body = [
        (57.0, 700.0 - 14 * row, 10.0, f"Rivi {row} kertoo alueen vedestä ja energiasta.")
        for row in range(8)
    ]
    first = [(57, 780, 20, "Vesi ja energia alueella"), *body]
    second = [(57, 800, 8, "Vesi ja energia alueella"), *body]
    reading = read_pdf(_drawn_on(tmp_path / "a.pdf", [first, second]))
    assert reading.text.count("Vesi ja energia alueella") == 1


def test_the_head_of_a_table_that_goes_on_is_kept_on_every_page(tmp_path: Path) -> None:
    def page(number: int) -> list[tuple[float, float, float, str]]:
        return [
            (left, 780.0 - 14 * row, 10.0, f"{name}{number}{row}" if row else name)
            for row in range(9)
            for left, name in ((57.0, "Tontti"), (220.0, "Pinta-ala"), (400.0, "Aste"))
        ]

    reading = read_pdf(_drawn_on(tmp_path / "a.pdf", [page(number) for number in range(3)]))
    assert reading.text.count("Tontti | Pinta-ala | Aste") == 3


def test_leaders_of_a_contents_list_are_left_out(tmp_path: Path) -> None:
    lines = [
        (57.0, 700.0 - 14 * row, 10.0, f"{row + 1} Luku {'. ' * 40}{row + 3}") for row in range(5)
    ]
    text = read_pdf(_drawn_on(tmp_path / "a.pdf", [lines])).text
    assert ". ." not in text
    assert "1 Luku" in text


CORPUS = Path(__file__).resolve().parents[3] / "corpus"


@pytest.mark.parametrize(
    "name",
    [
        "satama-ja-rata.pdf",
        "akkupassi-ja-tietoalusta.pdf",
        "miljoovervakning.pdf",
        "maankaytto-ja-tonttivaranto.pdf",
        "what-is-a-perfect-industrial-area.pdf",
    ],
)
def test_samples_are_read_as_they_were_written(name: str) -> None:
    truth = next(truth for truth, file in pairs(CORPUS) if file and file.name == name)
    reading = read_pdf(CORPUS / "documents" / name)
    score = score_reading(name, printed(truth.read_text(encoding="utf-8")), reading)
    assert score.words is not None and score.words > 0.995
    assert score.fives is not None and score.fives > 0.98
    assert score.headings == 1
    assert score.rows is not None and score.rows > 0.8


def test_a_table_ruled_above_and_below_only_is_read_row_by_row(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    for y in (718, 702, 630, 600):
        canvas.line(70, y, 420, y)
    for y, cells in (
        (706, ("Palvelu", "Tunteja", "Hinta")),
        (690, ("Vesi", "2", "150")),
        (676, ("Höyry ja", "1,5", "-")),
        (662, ("lämpö",)),
        (648, ("Jätevesi", "-", "60")),
        (616, ("Yhteensä", "", "210")),
    ):
        for x, cell in zip((72, 250, 350), cells, strict=False):
            canvas.drawString(x, y, cell)
    canvas.save()
    assert texts(read_pdf(tmp_path / "a.pdf"), BlockKind.TABLE_ROW) == [
        "Palvelu | Tunteja | Hinta",
        "Vesi | 2 | 150",
        "Höyry ja lämpö | 1,5 | -",
        "Jätevesi | - | 60",
        "Yhteensä | 210",
    ]


def test_figures_set_to_the_right_under_heads_set_to_the_left_make_a_table(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    canvas.setFont("Helvetica", 10)
    canvas.drawString(282, 790, "Taul1")
    canvas.drawString(122, 760, "Veden käyttö alueella vuosittain yhteensä")
    canvas.drawString(122, 734, "Vuosi")
    canvas.drawString(186, 734, "Jäähdytysvesi, m3")
    rows = [(str(2019 + at), str(120 + 15 * at)) for at in range(6)]
    for at, (year, amount) in enumerate(rows):
        canvas.drawRightString(184, 721 - 13 * at, year)
        canvas.drawRightString(274, 721 - 13 * at, amount)
    canvas.drawString(282, 60, "Sivu 1")
    canvas.save()
    found = texts(read_pdf(tmp_path / "a.pdf"), BlockKind.TABLE_ROW)
    assert found == ["Vuosi | Jäähdytysvesi, m3", *(" | ".join(row) for row in rows)]
