from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

from evaluation.beir import Scored, load, run
from evaluation.report import Section, commit, html, write_report
from kb.settings import load_settings
from tests.evaluation.beir_sets import write_set


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_report_is_one_accessible_file(tmp_path: Path) -> None:
    beir = load(write_set(tmp_path))
    result = run(beir, lambda _: [Scored("d1", 1.0)], system="<fixed>")
    section = Section(title="Haku & vastaus", results=(result,))
    settings = load_settings(data_dir=tmp_path, feedback_address="a@example.org")
    page = html([section], settings, language="fi")
    tags = _Tags()
    tags.feed(page)
    assert '<html lang="fi">' in page
    assert tags.tags.count("h1") == 1
    assert tags.tags.count("caption") == tags.tags.count("table") == 3
    assert not {"script", "link", "img"} & set(tags.tags)
    assert tags.addresses == ["#s1"]
    assert "&lt;fixed&gt;" in page
    assert commit() in page
    assert "a@example.org" not in page
    write_report(tmp_path / "out" / "report.html", [section], settings)
    beside = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert beside["sections"]["Haku & vastaus"][0]["queries"] == 3
