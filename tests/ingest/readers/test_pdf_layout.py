"""Pages as ministries' reports set them: short columns, loose lines, framed tables, labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.pdfbase.pdfmetrics import stringWidth

from ingest.readers.grids import grids
from ingest.readers.layout import Page, Word, assemble
from ingest.readers.pdf import read_pdf
from kb.model import BlockKind
from tests.ingest.readers.typeset import A4, Sheet, check, lines_of, put_lines, sheet, texts

GATE = (
    "Alueen portilla tarkastetaan kaikki kuljetukset. Kulkuluvan myöntää palveluyhtiö, joka "
    "myös kouluttaa urakoitsijat. Luvan hinta sovitaan vuosittain, ja sen maksaa se yritys, "
    "jonka työmaalle urakoitsija on tulossa. Vartiointi on ympärivuorokautista."
)
RAIL = (
    "Rata satamaan sähköistettiin kahdessa vaiheessa. Ensin rakennettiin ratapiha, sitten "
    "raiteet laitureille. Kuljetukset siirtyivät maanteiltä raiteille kolmessa vuodessa, ja "
    "liikenne keskustan läpi väheni. Kustannukset jaettiin kunnan ja valtion kesken."
)
PLACES = (50, 222, 394)
SHORT = (
    ["Meluesteet tehtiin radan varteen", "ennen kuin liikenne alkoi. Ne ovat", "puuta ja lasia."],
    ["Asukkaille kerrottiin töistä kirjeellä", "ja kolmessa tilaisuudessa, joihin", "tuli satoja."],
    ["Satama maksoi laitureille tulevat", "raiteet, ja kunta hoitaa niiden", "kunnossapidon."],
)


def _columns(canvas: Sheet, lines: Sequence[Sequence[str]], top: float) -> None:
    for left, column in zip(PLACES, lines, strict=True):
        put_lines(canvas, column, (left, top), size=9, justify=150)


LONG = [lines_of(f"{text} {text}", 150, size=9) for text in (GATE, RAIL, GATE)]


def test_a_few_lines_between_figures_keep_to_the_columns_of_the_page(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    _columns(canvas, LONG, 80)
    for number, top in ((1, 300), (2, 400)):
        caption = f"Kuva {number}. Portin ja ratapihan paikat alueella, kartta ja mittakaava."
        put_lines(canvas, [caption], (50, top))
    _columns(canvas, SHORT, 340)
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    assert [" ".join(lines) in reading.text for lines in SHORT] == [True] * 3
    check(reading)


def _across_columns(canvas: Sheet, parts: Sequence[Sequence[str]]) -> None:
    """Set two columns above a figure across the page and two below, with labels in the figure."""
    for part, place in zip(parts, ((60, 80), (310, 80), (60, 300), (310, 300)), strict=True):
        put_lines(canvas, part, place, size=9)
    for number, left in enumerate((100, 220, 350, 470)):
        put_lines(canvas, [f"1{number},{number}"], (left, 215), size=6)
        put_lines(canvas, [str(2020 + number)], (left, 250), size=6)
    caption = "Kuva 1. Kuljetusten määrä portilla ja ratapihalla vuosittain, tuhatta tonnia."
    put_lines(canvas, [caption], (60, 270), size=8)


def test_columns_run_past_a_figure_where_their_sentences_do(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    left, right = (lines_of(" ".join(5 * [text]), 225, size=9) for text in (GATE, RAIL))
    assert not left[7].endswith(".") and not right[7].endswith(".")
    _across_columns(canvas, [left[:8], right[:8], left[8:], right[8:]])
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    assert " ".join(left) in reading.text
    assert " ".join(right) in reading.text
    check(reading)


def test_a_figure_parts_the_columns_where_their_sentences_say_so(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    flow = lines_of(" ".join(5 * [GATE, RAIL]), 225, size=9)[:44]
    assert not any(flow[at].endswith(".") for at in (10, 21, 32))
    _across_columns(canvas, [flow[at : at + 11] for at in range(0, 44, 11)])
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    assert " ".join(flow[:22]) in reading.text
    assert " ".join(flow[22:]) in reading.text
    check(reading)


def test_columns_run_past_a_figure_that_breaks_a_word_off(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    left, right = (lines_of(" ".join(5 * [text]), 225, size=9)[:18] for text in (GATE, RAIL))
    left[7:9] = ["ja sen maksaa se yritys, jonka työ-", "maalle urakoitsija on tulossa."]
    right[0] = "eri vaiheissa sähköistettiin rata satamaan. Ensin rakennettiin"
    # Sentences would also go on from each column to the next above the figure.
    assert left[-1][-1].isalpha() and right[7][-1].isalpha() and right[8][0].islower()
    _across_columns(canvas, [left[:8], right[:8], left[8:], right[8:]])
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    flat = " ".join(reading.text.split())
    assert "jonka työmaalle urakoitsija" in flat
    assert " ".join(right) in flat
    check(reading)


def test_a_short_heading_across_the_page_parts_its_columns(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    gate, rail = (lines_of(" ".join(3 * [text]), 225, size=9) for text in (GATE, RAIL))
    assert gate[4][-1].isalpha() and gate[5][0].islower()
    _two_columns(canvas, gate[:5], gate[5:8], 80)
    put_lines(canvas, ["2 Rata"], (60, 160), size=16)
    _two_columns(canvas, rail[:6], rail[6:], 182)
    canvas.showPage()
    _two_columns(canvas, gate + gate, rail + rail, 80)
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    assert texts(reading, BlockKind.HEADING) == ["2 Rata"]
    flat = " ".join(reading.text.split())
    assert " ".join([*gate[:8], "2 Rata", *rail]) in flat
    check(reading)


@pytest.mark.parametrize("lines", [8, 5], ids=["text beside it", "text that goes on"])
def test_a_heading_in_a_column_parts_nothing(tmp_path: Path, lines: int) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    gate, rail = (lines_of(" ".join(5 * [text]), 225, size=9)[:25] for text in (GATE, RAIL))
    assert rail[4][-1].isalpha() and rail[5][0].islower()
    _two_columns(canvas, gate[:5], rail[:lines], 80)
    put_lines(canvas, ["2 Rata"], (60, 160), size=16)
    _two_columns(canvas, gate[5:], rail[lines:], 182)
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    flat = " ".join(reading.text.split())
    assert " ".join([*gate[:5], "2 Rata", *gate[5:], *rail]) in flat
    check(reading)


def test_a_table_across_the_page_keeps_its_cells_among_columns(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    gate, rail = (lines_of(f"{text} {text}", 225, size=9) for text in (GATE, RAIL))
    _two_columns(canvas, gate, rail, 80)
    places = (60, 170, 310, 430)
    cells = [
        ["Alue", "Hanke", "Vuosi", "Osuus"],
        ["Satama", "Raiteet laitureille", "2021", "4 %"],
    ]
    cells += [["Ratapiha", "Toinen vaihde", "2022", "7 %"], ["Portti", "Vartiointi", "2023", "9 %"]]
    for number, row in enumerate(cells):
        for left, cell in zip(places, row, strict=True):
            put_lines(canvas, [cell], (left, 300 + 20 * number), size=8)
        canvas.line(60, A4[1] - 306 - 20 * number, 535, A4[1] - 306 - 20 * number)
    put_lines(
        canvas,
        ["Taulukko 1. Hankkeet ja niiden osuudet kaikista niihin kuluneista menoista"],
        (60, 282),
        size=8,
    )
    _two_columns(canvas, rail, gate, 400)
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    rows = [" | ".join(row) for row in cells]
    assert texts(reading, BlockKind.TABLE_ROW) == rows
    assert (
        "\n\nTaulukko 1. Hankkeet ja niiden osuudet kaikista niihin kuluneista menoista\n\n"
        + rows[0]
        in reading.text
    )
    check(reading)


def test_text_flows_around_a_quote_set_over_the_gutter(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    left, right = (lines_of(" ".join(5 * [text]), 225, size=9)[:24] for text in (GATE, RAIL))
    narrow = [lines_of(" ".join(2 * [text]), 150, size=9)[:5] for text in (GATE, RAIL)]
    _two_columns(canvas, left[:14], right[:14], 80)
    put_lines(canvas, narrow[0], (60, 231.2), size=9)
    put_lines(canvas, narrow[1], (385, 231.2), size=9)
    quote = ["Rata tuli ennen", "satamaa, ja se", "kannatti."]
    put_lines(canvas, quote, (230, 235), size=13)
    _two_columns(canvas, left[14:], right[14:], 285.2)
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    flat = " ".join(reading.text.split())
    assert " ".join([*left[:14], *narrow[0], *left[14:], *right[:14], *narrow[1]]) in flat
    assert " ".join(quote) in flat
    check(reading)


def test_labels_beside_lines_of_another_pitch_are_no_table(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    labels = [["Yleiset", "tiedot"], ["Hiilen", "jälki"], ["Aineiden", "koostumus"]]
    for number, label in enumerate(labels):
        put_lines(canvas, label, (60, 83 + 34 * number), size=9)
        put_lines(canvas, [line.lower() for line in label], (170, 83 + 34 * number), size=9)
    lines = lines_of(f"{RAIL} {GATE}", 230, size=9)[:9]
    put_lines(canvas, lines, (300, 80), size=9)
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    assert not texts(reading, BlockKind.TABLE_ROW)
    assert " ".join(lines) in " ".join(reading.text.split())
    check(reading)


def test_a_loose_first_line_that_no_other_is_indented_like_stays_whole(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    words = ["pienimuotoisesta", "maa-", "ja", "kotieläintaloudesta"]
    gap = (225 - 10 - sum(stringWidth(word, "Helvetica", 9) for word in words)) / 3
    assert gap > 1.6 * 9
    left = 70.0
    for word in words:
        put_lines(canvas, [word], (left, 80), size=9)
        left += stringWidth(word, "Helvetica", 9) + gap
    put_lines(canvas, lines_of(f"{GATE} {RAIL}", 225, size=9), (60, 91), size=9, justify=225)
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    assert " ".join(words) in reading.text
    check(reading)


def _two_columns(canvas: Sheet, left: Sequence[str], right: Sequence[str], top: float) -> None:
    for lines, place in ((left, 60), (right, 310)):
        put_lines(canvas, lines, (place, top), size=9)


def test_a_footnote_number_set_right_against_its_note_is_one(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    for page, number in enumerate((9, 10)):
        top = put_lines(canvas, lines_of(f"{GATE} {RAIL} {GATE}", 480), (60, 80))
        put_lines(canvas, ["Laskutapa vaihtui."], (60, top))
        mark = 60 + stringWidth("Laskutapa vaihtui.", "Helvetica", 10)
        put_lines(canvas, [str(number)], (mark, top - 3.5), size=5.5)
        note = f"{number}Yhtiön laskelma vuodelta 202{page}, ilman veroja."
        put_lines(canvas, [note], (60, 740), size=7.5)
        put_lines(canvas, ["3Dmalli tehtiin keväällä."], (60, 752), size=7.5)
        canvas.showPage()
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    assert [text for text in texts(reading, BlockKind.FOOTNOTE) if "Yhtiön" in text] == [
        "9 Yhtiön laskelma vuodelta 2020, ilman veroja.",
        "10 Yhtiön laskelma vuodelta 2021, ilman veroja.",
    ]
    assert reading.text.count("3Dmalli") == 2
    assert reading.text.count("vaihtui.⁹") == reading.text.count("vaihtui.¹⁰") == 1
    check(reading)


def test_mirrored_margins_have_gutters_of_their_own(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    for page in range(4):
        canvas.saveState()
        canvas.translate(14 if page % 2 else 0, 0)
        _columns(canvas, LONG, 140)  # below where running heads stand
        caption = f"Taulukko {page + 1}. Koko sivun leveydelle asetettu otsikko ja sen jatko"
        put_lines(canvas, [caption], (50, 390))
        _columns(canvas, SHORT, 420)
        canvas.restoreState()
        canvas.showPage()
    canvas.save()

    text = read_pdf(tmp_path / "a.pdf").text

    assert [text.count(" ".join(lines)) for lines in SHORT] == [4, 4, 4]


def _loose(canvas: Sheet, words: list[str], at: tuple[float, float], width: float) -> None:
    """Draw words with even spaces so that they fill a line."""
    x, y = at
    used = sum(stringWidth(word, "Helvetica", 10) for word in words)
    for word in words:
        canvas.drawString(x, A4[1] - y, word)
        x += stringWidth(word, "Helvetica", 10) + (width - used) / (len(words) - 1)


def test_loose_lines_of_justified_text_are_no_rows_of_a_table(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    first, last = lines_of(GATE, 170)[:3], lines_of(RAIL, 170)
    loose = ["sopimus urakoitsijan kanssa", "toimittaja kuljettajan tilalle"]
    for number, line in enumerate([*first, *loose, *last[:-1]]):
        _loose(canvas, line.split(), (60, 100 + 12 * number), 170)
    put_lines(canvas, last[-1:], (60, 100 + 12 * (len(first) + len(loose) + len(last) - 1)))
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    assert not texts(reading, BlockKind.TABLE_ROW)
    assert " ".join(loose) in reading.text


def test_leaders_that_touch_the_words_are_left_out(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    put_lines(canvas, [f"{n}. Luku{'.' * 60}{n + 4}" for n in range(1, 6)], (60, 100))
    canvas.save()

    text = read_pdf(tmp_path / "a.pdf").text

    assert "..." not in text
    assert text.split() == [
        part for n in range(1, 6) for part in (f"{n}.", "Luku", "|", str(n + 4))
    ]


def test_framed_cells_keep_apart_however_full_they_are(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    xs, ys = (60, 144, 206, 300), (100, 118, 146, 164)
    for x in xs:
        canvas.line(x, A4[1] - ys[0], x, A4[1] - ys[-1])
    for y in ys:
        canvas.line(xs[0], A4[1] - y, xs[-1], A4[1] - y)
    cells = {
        (62, 113): "Toimija",
        (146, 113): "Vuosi",
        (208, 113): "Osuus",
        (62, 130): "Satamayhtiön tila-",
        (62, 141): "palvelut",
        (146, 130): "2019 ja 2021",
        (208, 130): "neljännes kaikesta",
        (62, 159): "Kaupunki",
        (208, 159): "puolet",
    }
    for at, text in cells.items():
        put_lines(canvas, [text], at, size=9.8)
    put_lines(canvas, lines_of(GATE, 450), (60, 200))
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    assert texts(reading, BlockKind.TABLE_ROW) == [
        "Toimija | Vuosi | Osuus",
        "Satamayhtiön tilapalvelut | 2019 ja 2021 | neljännes kaikesta",
        "Kaupunki | puolet",
    ]
    check(reading)


def test_cells_joined_downwards_and_across_are_read_once(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    for left, right, y in ((60, 360, 100), (160, 360, 120), (60, 360, 140), (60, 360, 160)):
        canvas.line(left, A4[1] - y, right, A4[1] - y)
    for top, bottom, x in ((100, 160, 60), (100, 160, 160), (120, 160, 260), (100, 160, 360)):
        canvas.line(x, A4[1] - top, x, A4[1] - bottom)
    for x, y, text in (
        (64, 124, "Alue"),
        (190, 114, "Veden käyttö vuodessa yhteensä"),
        (164, 134, "makea vesi"),
        (264, 134, "merivesi"),
        (64, 154, "Pohjoinen"),
        (164, 154, "120"),
        (264, 154, "450"),
    ):
        put_lines(canvas, [text], (x, y), size=9)
    canvas.save()

    assert texts(read_pdf(tmp_path / "a.pdf"), BlockKind.TABLE_ROW) == [
        "Alue | Veden käyttö vuodessa yhteensä",
        "makea vesi | merivesi",
        "Pohjoinen | 120 | 450",
    ]


def test_a_line_that_runs_over_the_cells_beside_its_own_leaves_the_table_whole(
    tmp_path: Path,
) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    starts = (60, 120, 230, 290, 340)
    put_lines(canvas, ["Kuljetukset"], (60, 80), font="Helvetica-Bold", size=11)
    rows = [
        ("Rivi", "Tavara", "Väline", "Päivä", "Määrä"),
        ("1", "Rikkihappo", "juna", "ma", "1 200"),
        ("2", "Sinkkirikaste", "laiva", "ti", "9 000"),
        ("3", "Lipeä", "auto", "ke", "400"),
    ]
    top = 100.0
    for number, row in enumerate(rows):
        for x, cell in zip(starts, row, strict=True):
            put_lines(canvas, [cell], (x, top), size=8)
        top += 10
        if number:
            put_lines(
                canvas,
                [f"(lupa {number} voimassa; tarkastettu ja hyväksytty keväällä)"],
                (120, top),
                size=7,
            )
            top += 12
    canvas.save()

    assert texts(read_pdf(tmp_path / "a.pdf"), BlockKind.TABLE_ROW) == [
        " | ".join(rows[0]),
        *(
            " | ".join(
                [
                    row[0],
                    f"{row[1]} (lupa {n} voimassa; tarkastettu ja hyväksytty keväällä)",
                    *row[2:],
                ]
            )
            for n, row in enumerate(rows[1:], 1)
        ),
    ]


def test_a_ruled_table_wider_than_its_words_stands_apart(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    for number, line in enumerate(("Raportin numero 2024-15", "Varasto: satama, halli kolme")):
        put_lines(canvas, [line], (60, 90 + 16 * number), size=9)
    rows = (
        ("Tuote", "Paikka", "Kirjattu", "Laskettu", "Ero", "Tila"),
        ("T-8847", "A-12", "450", "", "", ""),
        ("", "B-07", "", "289", "-23", ""),
        ("T-9201", "", "780", "778", "", "hyvä"),
        ("", "C-15", "", "", "+15", ""),
    )
    for number, row in enumerate(rows):
        canvas.line(58, A4[1] - 134 - 20 * number, 540, A4[1] - 134 - 20 * number)
        for left, cell in zip((64, 150, 222, 294, 366, 438), row, strict=True):
            put_lines(canvas, [cell], (left, 148 + 20 * number), size=9)
    canvas.line(58, A4[1] - 134 - 20 * len(rows), 540, A4[1] - 134 - 20 * len(rows))
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    assert texts(reading, BlockKind.TABLE_ROW) == [
        " | ".join(cell for cell in row if cell) for row in rows
    ]


def test_a_label_beside_the_text_takes_no_line_of_it(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    put_lines(canvas, lines_of(GATE, 450), (60, 80))
    for y, label in ((200, "Rakennetaan raide"), (216, "satamaan ja portti")):
        put_lines(canvas, [label], (60, y), size=12)
    for y, item in (
        (192, "Sovitaan kustannuksista kunnan kanssa"),
        (208, "Haetaan lupa ajoissa"),
        (224, "Kerrotaan asukkaille"),
    ):
        put_lines(canvas, ["•"], (220, y), size=12)
        put_lines(canvas, [item], (233, y), size=12)
    canvas.save()

    items = [text for text in texts(read_pdf(tmp_path / "a.pdf")) if text.startswith("•")]

    assert items == [
        "• Sovitaan kustannuksista kunnan kanssa",
        "• Haetaan lupa ajoissa",
        "• Kerrotaan asukkaille",
    ]


@pytest.mark.parametrize("sure", [True, False])
def test_large_words_recognised_with_doubts_are_no_heading(sure: bool) -> None:
    lines = [
        Word(word, 60 + 60 * at, 90 + 14 * row, 110 + 60 * at, 102 + 14 * row, 100 + 14 * row, 10)
        for row, line in enumerate(lines_of(GATE, 300))
        for at, word in enumerate(line.split())
    ]
    label = Word("Lupaehdot", 60, 40, 160, 62, 60, 22, sure=sure)

    found = assemble([Page(595, 842, [label, *lines])]).blocks[0]

    assert (found.kind is BlockKind.HEADING) is sure


@pytest.mark.parametrize("empty", [([], []), ([(0.0, 9.0, 5.0)], []), ([], [(0.0, 9.0, 5.0)])])
def test_lines_that_meet_nothing_are_no_table(
    empty: tuple[list[tuple[float, float, float]], list[tuple[float, float, float]]],
) -> None:
    assert grids(*empty) == []


@given(
    st.lists(st.integers(5, 80), min_size=2, max_size=6),
    st.lists(st.integers(5, 80), min_size=2, max_size=6),
    st.data(),
)
def test_every_point_of_a_full_grid_lies_in_the_cell_drawn_around_it(
    widths: list[int], heights: list[int], data: st.DataObject
) -> None:
    xs = [50 + sum(widths[:at]) for at in range(len(widths) + 1)]
    ys = [50 + sum(heights[:at]) for at in range(len(heights) + 1)]
    (grid,) = grids(
        [(float(xs[0]), float(xs[-1]), float(y)) for y in ys],
        [(float(ys[0]), float(ys[-1]), float(x)) for x in xs],
    )
    row = data.draw(st.integers(0, len(heights) - 1))
    column = data.draw(st.integers(0, len(widths) - 1))
    x = xs[column] + data.draw(st.floats(0.1, 0.9)) * widths[column]
    y = ys[row] + data.draw(st.floats(0.1, 0.9)) * heights[row]
    assert grid.holds(x, y)
    assert grid.cell(x, y) == (row, column)


def _laid(lines: Sequence[tuple[float, float, str]]) -> list[Word]:
    """Return the words of lines (left, baseline, text) in the order that the file has them in."""
    return [
        Word(text, left + 45 * at, base - 8, left + 45 * at + 40, base + 2, base, 10)
        for left, base, line in lines
        for at, text in enumerate(line.split())
    ]


LABELS = ("Vesi ja viemäri", "Sähkö ja kaasu", "Raide ja satama")
TOLD = ("Verkot tulevat tontin rajalle", "asti ja niiden hinnan", "kertoo alueen oma yhtiö.")


def test_what_stands_side_by_side_without_a_gutter_is_not_one_sentence() -> None:
    rows = range(100, 136, 12)
    labels = [(60.0, float(base), text) for base, text in zip(rows, LABELS, strict=True)]
    told = [(195.0, float(base), text) for base, text in zip(rows, TOLD, strict=True)]

    apart = assemble([Page(595, 842, _laid([*labels, *told]))])

    joined = " ".join(apart.text.split())
    assert " ".join(LABELS) in joined
    assert " ".join(TOLD) in joined


def test_lines_that_follow_each_other_in_the_file_stay_as_they_are() -> None:
    both = zip(range(100, 136, 12), LABELS, TOLD, strict=True)
    lines = [(60.0, float(base), f"{label} {told}") for base, label, told in both]

    found = assemble([Page(595, 842, _laid(lines))])

    assert " ".join(found.text.split()) == " ".join(text for _, _, text in lines)


def test_the_axes_of_charts_beside_each_other_are_not_one_line(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    for at, (one, other) in enumerate((("0.6", "0.40"), ("0.3", "0.20"), ("0.0", "0.00"))):
        put_lines(canvas, [one], (60, 100 + 40 * at), size=7)
        put_lines(canvas, [other], (300, 107 + 33.5 * at), size=7)
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    cells = [cell for text in texts(reading) for cell in text.split(" | ")]
    assert sorted(cells) == ["0.0", "0.00", "0.20", "0.3", "0.40", "0.6"]
    check(reading)


def test_a_number_and_its_item_may_stand_a_tab_apart(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    for at, told in enumerate(TOLD):
        put_lines(canvas, [f"{at + 1}."], (60, 100 + 30 * at))
        put_lines(canvas, [told], (130, 100 + 30 * at))
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    assert texts(reading) == [f"{at + 1}. {told}" for at, told in enumerate(TOLD)]
    check(reading)


def test_bullets_in_cells_that_no_gutter_parts_begin_items_of_their_own(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    for row, first in enumerate(("Kyllä alaviitteellä asti", "Kyllä")):
        for column, told in enumerate((first, "Ei", "Kyllä")):
            put_lines(canvas, [f"• {told}"], (60 + 45 * column, 100 + 14 * row))
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    assert "• Kyllä • Ei" not in reading.text
    assert sorted(texts(reading, BlockKind.LIST_ITEM)).count("• Kyllä") == 3
    check(reading)


def test_names_with_dots_between_them_stay_one_line(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    line = "Kokkola  •  Pietarsaari  •  Kalajoki"
    put_lines(canvas, [line], (60, 100))
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    assert " ".join(reading.text.split()) == " ".join(line.split())
    check(reading)


def test_what_stands_far_apart_in_a_row_is_no_one_cell(tmp_path: Path) -> None:
    canvas = sheet(tmp_path / "a.pdf")
    put_lines(canvas, ["Kuormitus talvella ja kesällä koko alueella"], (60, 100))
    for row, figures in enumerate((("40", "60", "80"), ("41", "61", "81"), ("42", "62", "82"))):
        for left, figure in zip((62, 240, 400), figures, strict=True):
            put_lines(canvas, [figure], (left, 114 + 14 * row))
    put_lines(canvas, ["Vesi"], (400, 100))
    canvas.save()

    reading = read_pdf(tmp_path / "a.pdf")

    assert "40 | 60 | 80" in reading.text
    check(reading)
