from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import UnreadableDocument
from kb.language import sentence_spans
from kb.model import BlockKind
from tests.ingest.readers.samples import blocks, read_bytes

LONG = "Alueella myydään neljää vesilaatua, ja niiden hinnat sovitaan vuosittain. " * 5


def text(body: str) -> str:
    return read_bytes(f"<html><body>{body}</body></html>".encode(), "a.html").text


@pytest.mark.parametrize(
    "around",
    [
        "<nav>valikko</nav>",
        "<div role='navigation'>valikko</div>",
        "<header><a href='/'>valikko</a></header>",
        "<footer>valikko</footer>",
        "<aside>valikko</aside>",
        "<div class='cookie-banner'>valikko</div>",
        "<div id='murupolku'>valikko</div>",
        "<div class='site-header'>valikko</div>",
        "<p style='display:none'>valikko</p>",
        "<p hidden>valikko</p>",
        "<select><option>valikko</option></select>",
        "<ul>" + "<li><a href='/'>valikko</a></li>" * 6 + "</ul>",
        "<!-- valikko -->",
        "<noscript>valikko</noscript>",
    ],
)
def test_what_stands_around_the_text_is_left_out(around: str) -> None:
    found = text(f"{around}<div><h1>Vesi</h1><p>{LONG}</p></div>{around}")
    assert "valikko" not in found
    assert LONG.strip() in found


LINKS = [f"<li><a href='/{n}'>sivu{n}</a></li>" for n in range(9)]


@pytest.mark.parametrize(
    "body",
    [
        f"<h1>Linkit</h1><ul><li><a>ryhmä</a><ul>{''.join(LINKS)}</ul></li></ul>",
        f"<ul class='nav navbar-nav'><li><a>ryhmä</a><ul role='menu'>{''.join(LINKS)}</ul></ul>",
        f"<nav><ul>{''.join(LINKS)}</ul></nav>",
    ],
)
def test_a_page_that_is_a_list_of_links_keeps_them(body: str) -> None:
    found = text(body)
    assert all(f"sivu{n}" in found for n in range(9))


def test_a_short_page_keeps_without_its_menu() -> None:
    menu = f"<nav><ul>{''.join(LINKS)}</ul></nav>"
    assert text(f"{menu}<p>Palvelu on avoinna arkisin.</p>") == "Palvelu on avoinna arkisin."


@pytest.mark.parametrize(
    "body",
    [
        f"<nav><p>{LONG}</p></nav>",
        f"<div class='sidebar'><p>{LONG}</p></div>",
        f"<main><p>lyhyt</p></main><div><p>{LONG}</p></div>",
        f"<article><p>yksi</p></article><article><p>{LONG}</p></article>",
        f"<footer>{LONG}</footer>",
        f"<div class='toc'><h1>Otsikko</h1>{LONG}</div>",
        f"<header><h1>Otsikko</h1><p>{LONG}</p></header>",
        f"<article><header><p>{LONG}</p></header></article>",
        f"<div>{LONG}{LONG}{LONG}</div><div class='social'><p>{LONG}</p><p>{LONG}</p></div>",
        f"<p>{LONG}</p><p>Yritykset:</p><ul>{'<li><a>Yritys</a>' * 9}<li><a>{LONG}</a></ul>",
        f"<table><tr><td>Ala<td><ul>{'<li><a>x</a>' * 9}<li><a>{LONG}</a></ul></table>",
        "<p>" + "".join(f"<a href='/'>{LONG}</a> " for _ in range(6)) + "</p>",
    ],
)
def test_main_text_is_never_lost(body: str) -> None:
    assert LONG.strip() in text(body)


def test_tables_for_layout_are_no_tables() -> None:
    inner = f"<h2>Otsikko</h2><p>{LONG}</p>"
    reading = read_bytes(
        f"<table><tr><td>{inner}</td><td>sivussa</td></tr></table>".encode(), "a.html"
    )
    assert [block.kind for block in reading.blocks] == [
        *(BlockKind.HEADING, BlockKind.PARAGRAPH, BlockKind.PARAGRAPH)
    ]


def test_two_breaks_part_paragraphs_and_one_parts_lines() -> None:
    assert text("yksi<br>kaksi<br><br>kolme<br/> <br/>neljä") == "yksi\nkaksi\n\nkolme\n\nneljä"


def test_words_do_not_grow_together() -> None:
    found = text("<div>yksi</div>kaksi<script>x</script> kolme<td>neljä</td><p>viisi<p>kuusi")
    assert found.split() == ["yksi", "kaksi", "kolme", "neljä", "viisi", "kuusi"]
    assert text("<b>sa</b><i>na</i>") == "sana"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "iso-8859-15"])
def test_encodings(encoding: str) -> None:
    page = (
        f"<html><head><meta charset='{encoding}'></head><body><p>Älykäs €-höyry</p></body></html>"
    )
    assert read_bytes(page.encode(encoding), "a.html").text == "Älykäs €-höyry"


def test_headings_nest() -> None:
    page = "<h1>A</h1><h3>B</h3><p>x</p><h2>C</h2><p>y</p>"
    reading = read_bytes(page.encode(), "a.html")
    assert [block.heading for block in reading.blocks][2::2] == [("A", "B"), ("A", "C")]


def test_rowspans_and_colspans() -> None:
    page = (
        "<table><tr><th>A</th><th colspan=2>B</th></tr><tr><td rowspan=3>1</td><td>2</td><td>3</td>"
        "</tr><tr><td>4</td><td rowspan=2>5</td></tr><tr><td>6</td></tr></table>"
    )
    rows = [row for _, row in blocks(read_bytes(page.encode(), "a.html"))]
    assert rows == ["A | B", "1 | 2 | 3", "1 | 4 | 5", "1 | 6 | 5"]


tags = st.sampled_from(
    [
        "p",
        "div",
        "ul",
        "li",
        "table",
        "tr",
        "td",
        "h1",
        "h2",
        "b",
        "a",
        "br",
        "nav",
        "pre",
        "span",
        "section",
    ]
)
pages = st.lists(
    st.one_of(
        st.builds("<{}>".format, tags),
        st.builds("</{}>".format, tags),
        st.sampled_from(["sana", " ", "&nbsp;", "&lt;", "< ", "ä"]),
    ),
    max_size=40,
).map("".join)


@given(pages)
def test_no_word_is_lost_or_made_up(page: str) -> None:
    """A word is lost only with what it stands in: here, text in a menu beside other text."""
    data = f"<html><body>alku{page}</body></html>".encode()
    found = read_bytes(data, "a.html").text
    assert found.count("sana") <= page.count("sana")
    if "nav" not in page and page.count("<a>") < 5:
        assert "alku" in found
        assert found.count("sana") == page.count("sana")


def test_hostile_pages_end_in_time() -> None:
    begun = time.monotonic()
    for page in (
        "<!-- -->" * 2000 + "x",
        "<div>" * 1500 + "x",
        "<br>" * 20_000 + "x",
        "<p>" + " " * 500_000 + "x",
        "<table>" * 500 + "x",
    ):
        assert read_bytes(f"<html><body>{page}".encode(), "a.html").text == "x"
    with pytest.raises(UnreadableDocument) as caught:
        read_bytes(f"<html><body>{'<div>' * 20_000}x".encode(), "a.html")
    assert caught.value.code == "unreadable_bomb"
    assert time.monotonic() - begun < 20


def test_control_characters_beside_what_is_taken_out() -> None:
    page = b"<html><body><p>a\x01<script>x</script>&#2;b\x0b</p><style>y</style>&#1;c</body></html>"
    assert read_bytes(page, "a.html").text.split() == ["ab", "c"]


def test_the_marks_of_notes_stay_and_end_their_sentence() -> None:
    mark = "<sup class='reference'><a href='#n'>[1]</a></sup>"
    found = text(f"<p>Vettä on neljää laatua.{mark}{mark} Jätevesi{mark} puhdistetaan.</p>")
    assert found == "Vettä on neljää laatua.[1][1] Jätevesi[1] puhdistetaan."
    assert [found[s.start : s.end] for s in sentence_spans(found, "fi")] == [
        "Vettä on neljää laatua.[1][1]",
        "Jätevesi[1] puhdistetaan.",
    ]


def test_of_hidden_alternatives_the_default_is_read() -> None:
    switch = (
        "<span><span hidden='true' id='MACa' class='MAC'>Command</span>"
        "<span hidden='true' id='defaulta'>Ctrl</span></span>"
    )
    assert text(f"<p>Pidä {switch} painettuna.</p>") == "Pidä Ctrl painettuna."
    # What is hidden beside shown text stays so, whatever it is called.
    assert text("<p>Vesi <b hidden id='defaulta'>piilo</b> virtaa.</p>") == "Vesi virtaa."


def test_what_stands_in_a_sentence_stays_though_it_isnt_printed() -> None:
    mark = "<sup class='noprint Inline-Template'>[epäilyttävä]</sup>"
    assert text(f"<p>Vesi on{mark} puhdasta.</p>") == "Vesi on[epäilyttävä] puhdasta."
    age = "<span class='noprint'>; 48 vuotta sitten</span>"
    assert text(f"<p>Yhtiö syntyi 1975{age} Porissa.</p>") == (
        "Yhtiö syntyi 1975; 48 vuotta sitten Porissa."
    )
    assert text("<p>Vesi virtaa.</p><div class='noprint'><a href='#'>Tulosta</a></div>") == (
        "Vesi virtaa."
    )
