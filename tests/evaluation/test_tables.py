from __future__ import annotations

from evaluation.tables import Table, shortened, shown

TABLE = Table(
    title="Sets & <systems>",
    columns=("set", "nDCG@10", "queries"),
    rows=(("fi-fi", 0.8674, 2000), ("sv-fi", None, 12)),
    note="n < 3",
)


def test_text_has_columns_of_equal_width() -> None:
    lines = TABLE.text().splitlines()
    assert lines[0] == "Sets & <systems>"
    assert lines[1] == "set    nDCG@10  queries"
    assert lines[3] == "fi-fi    0.867    2\u202f000"
    assert lines[4] == "sv-fi        –       12"
    assert lines[5] == "n < 3"


def test_html_is_escaped_and_scoped() -> None:
    html = TABLE.html()
    assert "<caption>Sets &amp; &lt;systems&gt;</caption>" in html
    assert '<th scope="col">nDCG@10</th>' in html
    assert '<th scope="row">fi-fi</th><td class="number">0.867</td>' in html
    assert "<script" not in html


def test_cells_and_cuts() -> None:
    assert shown(12345.678) == "12\u202f345.7"
    assert shown("a\n b") == "a b"
    assert shortened("x" * 70, 10) == "x" * 9 + "…"
