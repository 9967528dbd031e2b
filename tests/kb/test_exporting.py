from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from kb.errors import BadEntry
from kb.exporting import escaped, exported, file_name, format_of, links_from, one_line, web_address
from kb.given import GivenAnswer, GivenClaim, Source, given, given_from
from kb.model import AnswerStatus, Citation, DocumentId, Locator, Span
from tests.kb.answers import (
    QUESTION,
    QUOTE,
    WATER,
    Open,
    answered,
    opened,
    read_docx,
    take_in,
    write,
)

LINK = links_from("http://kb.example:8000/")
HOSTILE = "![x](http://evil.example/x.png) <script>alert(1)</script> [y](javascript:1) http://evil.example"


def a_source(number: int, title: str, quote: str, *, url: str | None = None) -> Source:
    return Source(
        number=number,
        citation=Citation(
            document_id=DocumentId("d" * 16),
            title=title,
            source=f"{title}.pdf",
            locator=Locator(pages=(12,), heading=("Vesi", "Jäähdytys")),
            start=5,
            end=5 + len(quote),
            quote=quote,
            language="fi",
        ),
        date="2024-05-16",
        url=url,
        sample=number == 2,
    )


def an_answer(*texts: str, url: str | None = None) -> GivenAnswer:
    return GivenAnswer(
        question=QUESTION,
        asked_as="Entä merestä?",
        language="fi",
        status=AnswerStatus.ANSWERED if texts else AnswerStatus.NO_EVIDENCE,
        reason="" if texts else "reason.topic",
        asked="2026-11-24T08:00:00Z",
        filters=(("city", "Kokkola"),),
        claims=tuple(
            GivenClaim(
                text=text,
                language="fi",
                confidence=0.7,
                sources=(a_source(number, f"Raportti {number}", text, url=url),),
            )
            for number, text in enumerate(texts, 1)
        ),
    )


def markdown(answer: GivenAnswer) -> str:
    return exported(answer, "markdown", language="fi", link=LINK).decode()


def test_text_holds_question_date_statements_and_numbered_sources() -> None:
    told = exported(an_answer(QUOTE, "Toinen."), "text", language="fi", link=LINK).decode()

    assert told.splitlines() == [
        QUESTION,
        "Kysytty 24.11.2026",
        "Kysytty sanoilla: Entä merestä?",
        "Rajattu: Kokkola",
        "",
        f"{QUOTE} [1]",
        "",
        "Toinen. [2]",
        "",
        "Lähteet",
        "[1] Raportti 1, s. 12, Vesi › Jäähdytys, Raportti 1.pdf, päivätty 16.5.2024",
        f"    http://kb.example:8000/documents/{'d' * 16}?start=5&end=35#mark",
        "[2] Raportti 2, s. 12, Vesi › Jäähdytys, Raportti 2.pdf, päivätty 16.5.2024,"
        " esimerkkiasiakirja",
        f"    http://kb.example:8000/documents/{'d' * 16}?start=5&end=12#mark",
    ]


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_a_refusal_is_taken_along_with_its_reason(language: str) -> None:
    for form in ("markdown", "text"):
        told = exported(an_answer(), form, language=language, link=LINK).decode()  # type: ignore[arg-type]  # parametrised
        assert QUESTION in told
        assert "[1]" not in told
    docx = read_docx(exported(an_answer(), "docx", language="fi", link=LINK))
    assert any("Aineisto" in paragraph.text for paragraph in docx.paragraphs)


def test_markdown_has_links_of_ours_and_none_of_the_documents() -> None:
    told = markdown(an_answer(HOSTILE, url="javascript:alert(1)"))

    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(told)
    targets = [part.split('"')[0] for part in html.split('href="')[1:]]
    assert len(targets) == 2
    assert all(target.startswith("http://kb.example:8000/documents/") for target in targets)
    assert "<img" not in html
    assert "<script" not in html
    assert "javascript:alert(1)" not in html


def test_an_address_of_a_document_is_a_link_only_when_it_is_one() -> None:
    assert "<https://example.fi/r%3E>" in markdown(an_answer(QUOTE, url="https://example.fi/r>"))
    for bad in ("javascript:1", "data:text/html,x", "https://", "http://a b", "//x", "", None):
        assert web_address(bad) == ""


@examples(st.text(max_size=60) | st.text("-+=1.)#>`*_[]()!<:/w| ~&\\\n", max_size=25))
def test_escaped_text_is_text_and_nothing_else_in_markdown(text: str) -> None:
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for before in ("", "first\n\n", "1. **"):
        told = escaped(text) or "–"
        tokens = reader.parse(before + told + ("**" if before == "1. **" else ""))
        inline = [child for token in tokens for child in token.children or []]
        allowed = {"text", "strong_open", "strong_close", "softbreak"}
        assert {child.type for child in inline} <= allowed, (text, inline)
        assert {token.type for token in tokens} <= {
            *("paragraph_open", "paragraph_close", "inline"),
            *("ordered_list_open", "ordered_list_close", "list_item_open", "list_item_close"),
        }
    said = "".join(child.content for child in reader.parseInline(escaped(text))[0].children or [])
    assert one_line(said) == one_line(text).replace("\0", "\ufffd")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://evil.example", r"https\://evil.example"),
        ("www.evil.example", r"www\.evil.example"),
        ("a@evil.example", r"a\@evil.example"),
        ("mailto:a", r"mailto\:a"),
        ("1. luku, 5.50 €, kello 10:30", r"1\. luku, 5.50 €, kello 10:30"),
    ],
)
def test_bare_addresses_are_no_links_in_the_dialects_that_make_some(text: str, told: str) -> None:
    assert escaped(text) == told


def test_a_docx_has_headings_title_language_and_named_links() -> None:
    from docx.oxml.ns import qn

    docx = read_docx(exported(an_answer(QUOTE, "Two."), "docx", language="sv", link=LINK))

    headings = [(p.style.name, p.text) for p in docx.paragraphs if p.style.name != "Normal"]
    assert headings[:3] == [
        ("Heading 1", QUESTION),
        ("Heading 2", "Svar"),
        ("Heading 2", "Källor"),
    ]
    assert docx.core_properties.title == QUESTION
    assert docx.core_properties.language == "sv-FI"
    defaults = docx.styles.element.find(qn("w:docDefaults"))
    assert defaults.find(f".//{qn('w:lang')}").get(qn("w:val")) == "sv-FI"
    claim = next(p for p in docx.paragraphs if p.text.startswith(QUOTE))
    assert claim.runs[0]._r.rPr.find(qn("w:lang")).get(qn("w:val")) == "fi-FI"
    links = [link for p in docx.paragraphs for link in p.hyperlinks]
    assert [link.text for link in links] == ["[1]", "[2]", "Öppna stället", "Öppna stället"]
    assert links[0].url == f"http://kb.example:8000/documents/{'d' * 16}?start=5&end=35#mark"
    assert any("daterat 16 maj 2024. Öppna stället" in p.text for p in docx.paragraphs)
    assert links[0]._hyperlink.get(qn("w:tooltip")) == "Öppna stället för källa 1"


def test_a_docx_takes_any_characters() -> None:
    nasty = "a\x00b\x08c\ufffe<w:p>&amp; \u202e\U0001f4a7"

    docx = read_docx(exported(an_answer(nasty), "docx", language="en", link=LINK))

    assert any("abc<w:p>&amp; \U0001f4a7" in paragraph.text for paragraph in docx.paragraphs)


def test_a_quote_is_shown_where_the_statement_is_in_other_words() -> None:
    answer = an_answer(QUOTE)
    (claim,) = answer.claims
    written = replace(answer, claims=(replace(claim, text="The sea cools it."),), by_model=True)

    assert f"> {QUOTE}" not in markdown(answer)
    assert f"> {QUOTE}" in markdown(written)
    assert "Kielimalli" in markdown(written)


def with_best(text: str, part: str) -> GivenAnswer:
    answer = an_answer(text)
    start = 5 + text.index(part)
    (claim,) = answer.claims
    return replace(answer, claims=(replace(claim, best=Span(start, start + len(part))),))


def test_what_answers_is_in_bold() -> None:
    answer = with_best(f"Ennen. {QUOTE} Ja jälkeen.", QUOTE)

    assert f"Ennen. **{escaped(QUOTE)}** Ja jälkeen. [" in markdown(answer)
    docx = read_docx(exported(answer, "docx", language="fi", link=LINK))
    paragraph = next(p for p in docx.paragraphs if QUOTE in p.text)
    assert paragraph.text.startswith(f"Ennen. {QUOTE} Ja jälkeen.")
    assert [run.text for run in paragraph.runs if run.bold] == [QUOTE]
    assert QUOTE in exported(answer, "text", language="fi", link=LINK).decode()


def test_stars_stand_only_where_markdown_takes_them() -> None:
    assert "**" not in markdown(with_best("Vesi.¹ Meri.² Joki.", "Meri.")).split("## Lähteet")[0]
    html = MarkdownIt("commonmark").render(markdown(with_best("A [b](http://x.example) c.", "[b]")))
    assert 'href="http://x.example' not in html


def test_formats_have_short_names_and_files_speak_the_language() -> None:
    assert [format_of(name) for name in ("md", "TXT", "docx")] == ["markdown", "text", "docx"]
    assert file_name(an_answer(QUOTE), "docx", "fi") == "vastaus-2026-11-24.docx"
    with pytest.raises(BadEntry, match="markdown"):
        format_of("pdf")


def test_what_is_written_down_is_read_back(open_at: Open, tmp_path: Path) -> None:
    import json

    kb = opened(open_at, tmp_path)
    write(tmp_path / "aineisto", vesi=WATER)
    take_in(kb, tmp_path / "aineisto")
    told = given(kb, answered(kb, QUESTION, QUOTE, QUOTE), filters=(("year", "2019-2024"),))

    back = given_from(json.dumps(told.to_json(stored=True)))

    marked = replace(told, claims=tuple(replace(one, best=Span(1, 3)) for one in told.claims))
    assert given_from(json.dumps(marked.to_json(stored=True))) == marked
    old = told.to_json(stored=True)
    for claim in old["claims"]:  # type: ignore[attr-defined]  # JSON
        del claim["best"]  # as answers were saved before
    assert given_from(json.dumps(old)) == told
    assert back == told
    assert back.fingerprint == told.fingerprint
    assert [source.number for source in told.sources] == [1]
    assert told.sources[0].keys
    assert "keys" not in str(told.to_json())
