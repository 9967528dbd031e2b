from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.readers.encoding import decode
from tests.ingest.readers.samples import blocks, read_bytes

FINNISH = "Pyöreän pöydän äänestys: höyryä Ähtäristä, Åbo och Öja. "
LETTERS = "aäboöåe ÄÖÅ.,\n"


def parts(text: str) -> list[tuple[str, str]]:
    return blocks(read_bytes(text.encode(), "a.txt"))


@pytest.mark.parametrize(
    "encoding",
    [
        *("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"),
        *("iso-8859-1", "iso-8859-15", "cp850", "mac_roman"),
    ],
)
def test_finnish_letters_in_any_encoding(encoding: str) -> None:
    assert decode((FINNISH * 3).encode(encoding)) == FINNISH * 3
    assert read_bytes((FINNISH * 3).encode(encoding), "a.txt").text == (FINNISH * 3).strip()


@given(st.text(LETTERS, min_size=1))
def test_windows_text_is_read_right(text: str) -> None:
    assert decode(text.encode("cp1252")) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.binary(max_size=3))
def test_utf8_is_utf8_whatever_is_declared(text: str, _noise: bytes) -> None:
    if "\x00" not in text and not text.startswith("\ufeff"):
        assert decode(text.encode(), declared="iso-8859-1") == text


@given(st.binary(max_size=400), st.sampled_from(["", "utf-8", "nonsense", "utf-16", "koi8-r"]))
def test_any_bytes_are_some_text(data: bytes, declared: str) -> None:
    assert isinstance(decode(data, declared=declared), str)


def test_a_character_cut_at_the_end_does_not_change_the_encoding() -> None:
    assert decode("pitkä päivä".encode()[:-1]).startswith("pitkä päiv")


def test_declared_encodings_count_where_utf8_fails() -> None:
    assert decode("Ελλάδα".encode("iso-8859-7"), declared="iso-8859-7") == "Ελλάδα"


def test_wrapped_lines_are_joined_and_hyphens_healed() -> None:
    text = (
        "Teollisuusalueen jäähdytysvesi kiertää suljetussa piirissä, ja sen lämpö-\n"
        "tila pidetään alle kahdenkymmenen asteen. Ympäristö- ja vesilupa on haettu\n"
        "viime vuonna. Natura-alue on lähellä.\n"
    )
    ((kind, found),) = parts(text)
    assert kind == "paragraph"
    assert "lämpötila pidetään" in found and "Ympäristö- ja" in found and "Natura-alue" in found
    assert "\n" not in found


def test_short_lines_stay_lines() -> None:
    assert parts("Kokkolan kaupunki\nKauppatori 5\n67100 Kokkola\n") == [
        ("paragraph", "Kokkolan kaupunki\nKauppatori 5\n67100 Kokkola")
    ]


@pytest.mark.parametrize(
    "line",
    [
        "1 Johdanto",
        "2.1 Vesihuolto",
        "3. Energia",
        "VESIHUOLTO",
        "## Vesihuolto",
        "Vesihuolto\n----------",
        "Vesihuolto\n==========",
    ],
)
def test_headings_are_found(line: str) -> None:
    found = parts(f"Alkusanat ovat tässä kappaleessa.\n\n{line}\n\nTekstiä.\n")
    assert [kind for kind, _ in found] == ["paragraph", "heading", "paragraph"]


@pytest.mark.parametrize(
    "line",
    [
        "Tämä on tavallinen lause.",
        "1. Tämä on luettelon kohta, joka päättyy pisteeseen.",
        "2024",
        "Sisällysluettelo ........ 5",
        "Nimi: lausuma",
        "- viiva",
        "*****",
    ],
)
def test_other_lines_are_no_headings(line: str) -> None:
    found = parts(f"Alkusanat ovat tässä kappaleessa.\n\n{line}\n\nTekstiä.\n")
    assert "heading" not in [kind for kind, _ in found]


def test_statements_of_a_round_table_stay_apart() -> None:
    notes = (
        "Yritys A: vesi on kallista, ja\nhinta nousee.\nYritys B: ei ole.\n"
        "– päätetään kysyä\n• ja palata asiaan\n1) ensin\n2) sitten\n"
    )
    assert parts(notes) == [
        ("list item", "Yritys A: vesi on kallista, ja hinta nousee."),
        ("list item", "Yritys B: ei ole."),
        ("list item", "päätetään kysyä"),
        ("list item", "ja palata asiaan"),
        ("list item", "1) ensin"),
        ("list item", "2) sitten"),
    ]


def test_tables_drawn_in_text_are_rows() -> None:
    spaced = "Tehtävä        Kuka        Milloin\n-------  ----  ---\nLaskelma   alueyhtiö   1.2.\n"
    assert parts(spaced) == [
        ("table row", "Tehtävä | Kuka | Milloin"),
        ("table row", "Laskelma | alueyhtiö | 1.2."),
    ]
    barred = "| Laatu | Hinta |\n+-------+-------+\n| A | 0,12 |\n"
    assert parts(barred) == [("table row", "Laatu | Hinta"), ("table row", "A | 0,12")]


def test_spaces_that_fill_a_line_make_no_table() -> None:
    justified = "Tämä  teksti on tasattu  molempiin\nreunoihin   niin,  että   välejä on\nusein.\n"
    assert [kind for kind, _ in parts(justified)] == ["paragraph"]


words = st.lists(st.text("abcäö", min_size=1, max_size=8), min_size=1, max_size=30)


@given(st.lists(words, min_size=1, max_size=5), st.integers(20, 70))
def test_no_word_is_lost_when_text_is_wrapped(paragraphs: list[list[str]], width: int) -> None:
    import textwrap

    text = "\n\n".join(textwrap.fill(" ".join(words), width) for words in paragraphs)
    found = read_bytes(text.encode(), "a.txt").text
    assert found.split() == text.split()


def test_markdown_loses_nothing_that_it_has_no_notion_of() -> None:
    text = (
        "Väite.[^1] Toinen [linkki][l].\n\n[Pekka]: sanoi\n\n[^1]: Lähde.\n\n"
        "[l]: https://example.org/sivu\n"
    )
    assert blocks(read_bytes(text.encode(), "a.md")) == [
        ("paragraph", "Väite. Toinen linkki."),
        ("paragraph", "[Pekka]: sanoi"),
        ("footnote", "[^1]: Lähde."),
    ]


def test_front_matter_is_metadata_and_not_text() -> None:
    text = "---\notsikko: 'Vesi'\npäivä: 2024-05\nkieli: suomi fi\ntags: [a]\n---\nTeksti.\n"
    reading = read_bytes(text.encode(), "a.md")
    assert reading.text == "Teksti."
    assert (reading.metadata.title, reading.metadata.date) == ("Vesi", "2024-05")
    assert read_bytes(b"---\n\nviiva ei ole alku\n", "a.md").text == "viiva ei ole alku"
