"""Importing a vocabulary: every format, what is kept, and what is refused."""

import sqlite3
from importlib.resources import files
from pathlib import Path

import pytest

from kb.catalogue import Catalogue
from kb.database import SCHEMA, SCHEMA_VERSION
from kb.errors import BadVocabulary
from kb.translation.keys import keys
from kb.translation.lexicon import Entry
from kb.vocabulary import Vocabulary, cleaned, import_vocabulary, read_labels, rebuild_keys

RDF = """<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
         xmlns:skos="http://www.w3.org/2004/02/skos/core#">
  <skos:Concept rdf:about="http://example.org/1">
    <skos:prefLabel xml:lang="fi">jätevedet</skos:prefLabel>
    <skos:prefLabel xml:lang="en">waste waters</skos:prefLabel>
    <skos:prefLabel xml:lang="sv">avloppsvatten</skos:prefLabel>
    <skos:altLabel xml:lang="en-GB">sewage (liquid)</skos:altLabel>
    <skos:broader><skos:Concept rdf:about="http://example.org/0"/></skos:broader>
    <skos:prefLabel xml:lang="se">duolvačáhci</skos:prefLabel>
  </skos:Concept>
  <rdf:Description rdf:about="http://example.org/2">
    <skos:prefLabel xml:lang="fi">yksikielinen</skos:prefLabel>
  </rdf:Description>
</rdf:RDF>
"""
TURTLE = """@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
PREFIX : <http://example.org/>
# a comment; with . marks
:1 a skos:Concept ;
    skos:prefLabel "jätevedet"@fi, "waste waters"@en ;
    skos:prefLabel "avlopps\\u0076atten"@sv ; skos:notation 12.5, true ;
    skos:altLabel \"\"\"sewage (liquid)\"\"\"@en-GB ;
    skos:related [ skos:prefLabel "nobody's"@en ; :list ( 1 "two" [ ] ) ] .
<2> skos:prefLabel "yksikielinen"@fi ; .
"""
TRIPLES = "".join(
    f'<http://example.org/1> <http://www.w3.org/2004/02/skos/core#{name}> "{text}"@{tag} .\n'
    for name, text, tag in (
        ("prefLabel", "jätevedet", "fi"),
        ("prefLabel", "waste waters", "en"),
        ("prefLabel", "avloppsvatten", "sv"),
        ("altLabel", "sewage", "en"),
    )
)
TABLE = (
    "id\tsuomi\tprefLabel@en\tsv\np1\tjätevedet\twaste waters|sewage\tavloppsvatten\n"
    'p2\tyksikielinen\t\t\np3\t"\t"\t"\n'
)
FORMATS = {"rdf": RDF, "ttl": TURTLE, "nt": TRIPLES, "tsv": TABLE}


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(tmp_path / "data")


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_every_format_gives_the_same_vocabulary(
    kind: str, catalogue: Catalogue, tmp_path: Path
) -> None:
    path = written(tmp_path, f"vocabulary.{kind}", FORMATS[kind])

    assert import_vocabulary(catalogue, path) == 1
    found = Vocabulary(catalogue)
    [key] = keys("jätevesien", "fi")
    assert found.find(key, ("fi", "en")) == [Entry("jätevedet", ("waste waters", "sewage"))]
    assert found.find(key, ("fi", "sv")) == [Entry("jätevedet", ("avloppsvatten",))]
    [phrase] = keys("Waste water", "en")
    assert found.find(phrase, ("en", "fi")) == [Entry("waste waters", ("jätevedet",))]
    assert found.find("yksikielinen", ("fi", "en")) == []


def test_an_import_takes_the_place_of_the_one_before(catalogue: Catalogue, tmp_path: Path) -> None:
    import_vocabulary(catalogue, written(tmp_path, "a.tsv", TABLE))
    generation = catalogue.generation
    import_vocabulary(catalogue, written(tmp_path, "b.csv", "fi;en\nsatamat;ports\n"))

    assert Vocabulary(catalogue).find(keys("jätevesi", "fi")[0], ("fi", "en")) == []
    assert Vocabulary(catalogue).find("satama", ("fi", "en")) == [Entry("satamat", ("ports",))]
    assert catalogue.generation > generation


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("a.docx", "", "vocabulary_kind"),
        ("a.tsv", "name\tnimi\nport\tsatama\n", "vocabulary_columns"),
        ("a.csv", "", "vocabulary_columns"),
        ("a.csv", 'fi,en\nsatama,"port\n', "vocabulary_line"),
        ("a.tsv", "fi\ten\nsatama\t\n", "vocabulary_empty"),
        ("a.rdf", "<rdf>", "vocabulary_line"),
        ("a.ttl", "<a> <b>", "vocabulary_line"),
        ("a.ttl", '<a> x:label "port"@en .', "vocabulary_line"),
        ("a.ttl", '<a> <b> "port\n"@en .', "vocabulary_line"),
        ("a.nt", "<a> <b> [ <c> ( 1 .", "vocabulary_line"),
    ],
)
def test_what_cannot_be_read_is_refused_and_changes_nothing(
    name: str, text: str, code: str, catalogue: Catalogue, tmp_path: Path
) -> None:
    import_vocabulary(catalogue, written(tmp_path, "good.tsv", TABLE))

    with pytest.raises(BadVocabulary) as refused:
        import_vocabulary(catalogue, written(tmp_path, name, text))

    assert refused.value.code == code
    assert name in refused.value.text("fi")
    assert Vocabulary(catalogue).find(keys("jätevesi", "fi")[0], ("fi", "sv"))


def test_a_missing_file_and_a_wrong_encoding_are_told_apart(tmp_path: Path) -> None:
    latin = tmp_path / "latin.tsv"
    latin.write_bytes("fi\ten\nsäiliö\ttank\n".encode("latin-1"))

    with pytest.raises(BadVocabulary) as missing:
        list(read_labels(tmp_path / "none.ttl"))
    with pytest.raises(BadVocabulary) as wrong:
        list(read_labels(latin))

    assert (missing.value.code, wrong.value.code) == ("vocabulary_file", "vocabulary_encoding")


def test_the_line_of_a_fault_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "a.ttl", TURTLE + "\n:3 skos:prefLabel ; .\n")

    with pytest.raises(BadVocabulary) as refused:
        list(read_labels(path))

    assert refused.value.params["line"] == str(TURTLE.count("\n") + 2)


def test_entities_of_a_document_type_are_never_expanded(tmp_path: Path) -> None:
    secret = written(tmp_path, "secret.txt", "salaisuus")
    text = RDF.replace(
        "<rdf:RDF", f'<!DOCTYPE r [<!ENTITY x SYSTEM "{secret.as_uri()}">]>\n<rdf:RDF', 1
    ).replace("jätevedet", "jäte&x;vedet")

    labels = [label.text for label in read_labels(written(tmp_path, "a.rdf", text))]

    assert labels
    assert not any("salaisuus" in label for label in labels)


def test_a_qualifier_in_brackets_is_no_part_of_a_label() -> None:
    assert cleaned(" kuusi  (puu) ") == "kuusi"
    assert cleaned("(puu)") == "(puu)"
    assert cleaned("12") == ""


def test_labels_are_keyed_anew_when_the_analysers_change(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    import_vocabulary(catalogue, written(tmp_path, "a.tsv", TABLE))
    with catalogue.transaction() as connection:
        connection.execute("UPDATE vocabulary_label SET key = 'old ' || key")
    rebuild_keys(catalogue)
    assert Vocabulary(catalogue).find(keys("jätevesi", "fi")[0], ("fi", "en")) == []

    catalogue.set_meta("vocabulary:keys", b"another analyser")
    rebuild_keys(catalogue)

    assert Vocabulary(catalogue).find(keys("jätevesi", "fi")[0], ("fi", "en"))


def test_a_catalogue_of_the_first_version_gets_the_tables_of_the_second(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "catalogue.sqlite")
    old.executescript((files("kb") / SCHEMA[0]).read_text(encoding="utf-8"))
    old.execute("INSERT INTO meta VALUES ('kept', CAST('yes' AS BLOB))")
    old.execute("PRAGMA user_version = 1")
    old.commit()
    old.close()

    new = Catalogue(tmp_path)

    assert new.connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
    assert new.get_meta("kept") == b"yes"
    assert Vocabulary(new).find("satama", ("fi", "en")) == []


def test_yso_is_taken_in_whole(test_data: Path, catalogue: Catalogue, tmp_path: Path) -> None:
    table = (test_data / "language" / "yso_fi_en_sv.tsv").read_text(encoding="utf-8")
    part = written(tmp_path, "yso.tsv", "".join(table.splitlines(keepends=True)[:2000]))

    assert import_vocabulary(catalogue, part) == 1999
