"""Which documents a newer version has replaced, and what an answer says of that."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.pipeline import ingest
from kb.assembly import open_knowledge_base
from kb.exporting import exported, links_from
from kb.given import given
from kb.messages import told
from kb.model import Confidentiality, DocumentId, Scope
from kb.settings import load_settings
from kb.versions import Titled, Version, replaced, version_of


@pytest.mark.parametrize(
    ("title", "stem", "version"),
    [
        ("Luvitus (versio 1.0)", "luvitus", (1,)),
        ("Luvitus, versio 2.10", "luvitus", (2, 10)),
        ("Luvitus v2", "luvitus", (2,)),
        ("Luvitus – v. 1.2", "luvitus", (1, 2)),
        ("Anvisning version 3", "anvisning", (3,)),
        ("Anvisning (utkast)", "anvisning", (0,)),
        ("Guide, 2nd draft", "guide 2nd", (0,)),
        ("Opas, 3. painos", "opas", (3,)),
        ("Opas (versio 0.9, luonnos)", "opas", (0, 9)),
        ("Tilinpäätös v. 2024", "tilinpäätös v 2024", None),
        ("Katsaus 2023", "katsaus 2023", None),
        ("Konversio 2 ja draftin tarina", "konversio 2 ja draftin tarina", None),
        ("Luonnosta suojellaan", "luonnosta suojellaan", None),
    ],
)
def test_titles_tell_versions(title: str, stem: str, version: Version | None) -> None:
    assert version_of(title) == (stem, version)


def _newest(*titled: tuple[str, str, str]) -> dict[str, str]:
    """Return by id the newest version's id of documents of ids, titles and days."""
    documents = [Titled(DocumentId(i), title, ("fi",), day) for i, title, day in titled]
    return {str(old): str(new.id) for old, new in replaced(documents).items()}


def test_the_newest_of_several_versions_replaces_all_others() -> None:
    assert _newest(
        ("a", "Ohje (versio 1.0)", "2023-01-01"),
        ("b", "Ohje (versio 10)", "2025-01-01"),
        ("c", "Ohje (versio 9.5)", "2024-01-01"),
        ("d", "Toinen ohje (versio 11)", "2026-01-01"),
    ) == {"a": "b", "c": "b"}


def test_what_is_finished_replaces_its_drafts_but_no_numbered_version() -> None:
    assert _newest(("a", "Ohje (luonnos)", ""), ("b", "Ohje", "")) == {"a": "b"}
    assert _newest(("a", "Ohje (versio 2)", ""), ("b", "Ohje", "")) == {}
    assert _newest(("a", "Muistio", "2023-01-01"), ("b", "Muistio", "2024-01-01")) == {}


def test_a_version_with_an_older_date_replaces_nothing() -> None:
    assert _newest(("a", "Ohje v1", "2025-01-01"), ("b", "Ohje v2", "2024-01-01")) == {}


def test_versions_of_different_organisations_are_different_documents() -> None:
    one = Titled(DocumentId("a"), "Ohje v1", ("fi", "Satama"))
    assert replaced([one, Titled(DocumentId("b"), "Ohje v2", ("fi", "Kaupunki"))]) == {}


_OLD = """# Kuiluohje (versio 1.0)

Kuilun konsultointivyöhykkeen leveys on 300 metriä rajasta.
"""
_NEW = """# Kuiluohje (versio 2.0)

Tässä on uusi luku.

Kuilun konsultointivyöhykkeen leveys on 450 metriä rajasta, kuten keväällä sovittiin.
"""
_ASKED = "Kuinka leveä kuilun konsultointivyöhyke on?"


def _filled(folder: Path, *, levels: tuple[str, str] = ("public", "public")) -> Path:
    files = folder / "files"
    files.mkdir()
    (files / "vanha.md").write_text(_OLD, encoding="utf-8")
    (files / "uusi.md").write_text(_NEW, encoding="utf-8")
    rows = [
        f'[[documents]]\nfile = "{name}"\nconfidentiality = "{level}"\n'
        for name, level in zip(("vanha.md", "uusi.md"), levels, strict=True)
    ]
    (files / "manifest.toml").write_text("\n".join(rows), encoding="utf-8")
    return files


def test_what_a_newer_version_says_is_quoted_before_what_the_old_one_said(tmp_path: Path) -> None:
    kb = open_knowledge_base(load_settings(data_dir=tmp_path / "data", sentences=False))
    try:
        ingest(kb, [_filled(tmp_path)])
        answer = kb.ask(_ASKED)
        assert "450 metriä" in answer.claims[0].text
        (old,) = (row for row in kb.documents() if "1.0" in row.metadata.title)
        assert kb.material(_ASKED).replaced == {old.id}
    finally:
        kb.catalogue.close()


@pytest.mark.parametrize("clearance", ["internal", "confidential"])
def test_a_quote_of_an_old_version_says_so_where_the_new_one_may_be_seen(
    tmp_path: Path, clearance: Confidentiality
) -> None:
    settings = load_settings(data_dir=tmp_path / "data", sentences=False, clearance=clearance)
    kb = open_knowledge_base(settings)
    try:
        ingest(kb, [_filled(tmp_path, levels=("public", "confidential"))])
        (old,) = (row for row in kb.documents() if "1.0" in row.metadata.title)
        answer = kb.ask(_ASKED, scope=Scope(documents=frozenset({old.id})))
        assert "300 metriä" in answer.claims[0].text
        said = [told(notice, "fi") for notice in answer.notices]
        taken = given(kb, answer)
        (source,) = taken.sources
        text = exported(taken, "markdown", language="fi", link=links_from("")).decode("utf-8")
        if clearance == "confidential":
            assert said == [
                "Vastaus lainaa lähdettä ”Kuiluohje (versio 1.0)”; siitä on aineistossa "
                "uudempi versio: ”Kuiluohje (versio 2.0)”."
            ]
            assert source.newer_version == "Kuiluohje (versio 2.0)"
            assert "uudempi versio: Kuiluohje (versio 2.0)" in text
        else:
            assert said == []
            assert source.newer_version is None
    finally:
        kb.catalogue.close()


def test_statements_of_many_old_versions_leave_room_for_the_new_one(tmp_path: Path) -> None:
    old = "\n\n".join(
        f"Kuilun konsultointivyöhykkeen leveys on {width} metriä {where}."
        for width, where in ((300, "rajasta"), (310, "portista"), (320, "tiestä"))
    )
    new = "Konsultointivyöhyke on nykyisin 450 metriä leveä, kuten keväällä sovittiin."
    files = tmp_path / "files"
    files.mkdir()
    for number in range(1, 5):
        (files / f"vanha{number}.md").write_text(
            f"# Kuiluohje (versio {number}.0)\n\n{old}\n", encoding="utf-8"
        )
    (files / "uusi.md").write_text(f"# Kuiluohje (versio 9.0)\n\n{new}\n", encoding="utf-8")
    kb = open_knowledge_base(load_settings(data_dir=tmp_path / "data", sentences=False))
    try:
        ingest(kb, [files])
        assert len(kb.material(_ASKED).replaced) == 4
        assert "450 metriä" in kb.ask(_ASKED).claims[0].text
    finally:
        kb.catalogue.close()
