from __future__ import annotations

import json
import os
import threading
import time
from hashlib import sha256
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.manifests import read_manifest
from ingest.showing import shown
from ingest.snapshots import snapshot
from ingest.sources import Source, discover
from kb.errors import KnowledgeBaseError, UnreadableDocument
from kb.messages import LANGUAGES, message
from kb.model import Confidentiality, Kind, Metadata


def write(path: Path, text: str = "teksti") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def found(*paths: Path) -> tuple[list[Source], list[str]]:
    warnings: list[str] = []
    sources = list(discover(paths, warn=warnings.append))
    for warning in warnings:
        key, *params = warning.split("|")
        for language in LANGUAGES:
            assert message(key, language, **dict(param.split("=", 1) for param in params))
    return sources, warnings


def names(*paths: Path) -> list[str]:
    return [source.name for source in found(*paths)[0]]


def test_files_come_in_the_order_of_their_names_and_once(tmp_path: Path) -> None:
    for name in ("b.txt", "A.txt", "c/2.txt", "c/10.txt", "Ä.txt", "a/z.txt"):
        write(tmp_path / name)
    expected = ["a/z.txt", "A.txt", "b.txt", "c/10.txt", "c/2.txt", "Ä.txt"]
    assert names(tmp_path) == expected
    assert names(tmp_path, tmp_path / "c", tmp_path / "b.txt") == expected


def test_a_source_is_the_same_however_its_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "corpus" / "sub" / "a.txt")
    (tmp_path / "link").symlink_to(tmp_path / "corpus")
    monkeypatch.chdir(tmp_path)
    ways = ["corpus", "./corpus", "corpus/../corpus/", str(tmp_path / "corpus"), "link"]
    keys = {(s.key, s.root, s.name) for way in ways for s in found(Path(way))[0]}
    whole = (tmp_path / "corpus").resolve().as_posix()
    assert keys == {(f"{whole}/sub/a.txt", whole, "sub/a.txt")}
    (alone,), _ = found(Path("corpus/sub/a.txt"))
    assert (alone.key, alone.root, alone.name) == (f"{whole}/sub/a.txt",) * 2 + ("a.txt",)


def test_what_is_no_document_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    for name in (".hidden", ".git/x.txt", "~$muistio.docx", ".~lock.a.odt#", "x.part", "a.txt~"):
        write(tmp_path / name)
    write(tmp_path / "Thumbs.db")
    write(tmp_path / "README.md")
    os.mkfifo(tmp_path / "pipe")
    sources, warnings = found(tmp_path)
    assert [source.name for source in sources] == ["a.txt", "README.md"]
    assert warnings == [f"warning.no_file|path={tmp_path}/pipe"], "it may be missed by somebody"
    write(tmp_path / "manifest.csv", "file\na.txt\n")
    assert names(tmp_path) == ["a.txt"], "a readme beside a manifest is about the folder"


def test_links_are_not_followed_and_loops_end(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    write(inside / "a.txt")
    write(outside / "secret.txt")
    (inside / "away").symlink_to(outside)
    (inside / "b.txt").symlink_to(outside / "secret.txt")
    (inside / "loop").symlink_to(inside)
    (inside / "same.txt").symlink_to(inside / "a.txt")
    (inside / "self").symlink_to(inside / "self")
    sources, warnings = found(inside)
    assert [source.name for source in sources] == ["a.txt"]
    assert sorted(w.rsplit("/", 1)[1] for w in warnings) == ["away", "b.txt", "self"]
    assert all(w.startswith("warning.link_out_of_folder|path=") for w in warnings)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_cannot_be_opened_is_told_of(tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    write(tmp_path / "shut" / "b.txt")
    (tmp_path / "shut").chmod(0)
    try:
        sources, warnings = found(tmp_path)
    finally:
        (tmp_path / "shut").chmod(0o700)
    assert [source.name for source in sources] == ["a.txt"]
    assert warnings[0].startswith("warning.folder_unreadable")


def test_a_path_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeBaseError) as caught:
        discover([tmp_path / "nowhere"])
    assert caught.value.code == "no_such_path"
    assert "nowhere" in caught.value.text("fi")


def test_names_that_are_not_utf8_can_be_stored(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/p\xe4iv\xe4.txt"
    Path(os.fsdecode(raw)).write_text("teksti", encoding="utf-8")
    (source,), _ = found(tmp_path)
    source.key.encode("utf-8")
    assert source.name == "p\\xe4iv\\xe4.txt"
    assert source.path.read_text(encoding="utf-8") == "teksti"


def test_a_name_can_not_steer_a_terminal_or_forge_a_line(tmp_path: Path) -> None:
    folder = tmp_path / "a\x1b[31m"
    for name in ("b\nTiedosto otettiin.txt", "gpj\u202etxt.exe.txt", "ö\u00a0ä.txt"):
        write(folder / name)
    os.mkfifo(folder / "p\u2028q")
    sources, warnings = found(folder)
    assert [source.name for source in sources] == [
        "b\\nTiedosto otettiin.txt",
        "gpj\\u202etxt.exe.txt",
        "ö\u00a0ä.txt",
    ]
    assert all(source.key == f"{source.root}/{source.name}" for source in sources)
    assert sources[0].root.endswith("/a\\x1b[31m")
    assert warnings[0].endswith("/p\\u2028q")


def test_deep_folders_are_walked(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(300):
        deep = deep / "d"
    write(deep / "a.txt")
    assert len(names(tmp_path)) == 1


FULL = Metadata(
    title="Jäähdytysveden kierto",
    date="2024-05-16",
    city="Kokkola",
    organisation="Kokkolan kaupunki",
    kind=Kind.ROUND_TABLE,
    work_package="Teolliset palvelukonseptit",
    themes=("water", "circularity"),
    confidentiality=Confidentiality.CONFIDENTIAL,
    language="fi",
    collection="Pyöreät pöydät",
    sample=True,
    url="https://example.org/vesi",
    project="Akkukemia",
)
COLUMNS = "file title date city organisation kind work_package themes confidentiality language"
VALUES = [
    *("vesi.docx", "Jäähdytysveden kierto", "2024-05-16", "Kokkola", "Kokkolan kaupunki"),
    *("round-table notes", "Teolliset palvelukonseptit", "water, circularity", "confidential"),
    *("fi", "Pyöreät pöydät", "true", "https://example.org/vesi", "Akkukemia"),
]
ENGLISH = [*COLUMNS.split(), "collection", "sample", "url", "project"]
FINNISH = [
    *("Tiedosto", "Otsikko", "Päivä", "Kaupunki", "Organisaatio", "Laji", "Työpaketti", "Teemat"),
    *("Luottamuksellisuus", "Kieli", "Kokoelma", "Esimerkki", "Osoite", "Hanke"),
]
SWEDISH = [
    *("Fil", "Rubrik", "Datum", "Stad", "Organisation", "Typ", "Arbetspaket", "Teman"),
    *("Sekretess", "Språk", "Samling", "Exempel", "Länk", "Projekt"),
]
IN_FINNISH = {
    "2024-05-16": "16.5.2024",
    "round-table notes": "pyöreän pöydän muistiinpanot",
    "confidential": "luottamuksellinen",
    "fi": "suomi",
    "true": "kyllä",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("headings", [ENGLISH, FINNISH, SWEDISH])
def test_a_table_manifest_of_any_kind(
    tmp_path: Path, headings: list[str], delimiter: str, encoding: str
) -> None:
    values = list(VALUES)
    if headings is FINNISH:
        values = [IN_FINNISH.get(value, value) for value in values]
    rows = [headings, values]
    text = "\r\n".join(delimiter.join(f'"{value}"' for value in row) for row in rows)
    (tmp_path / "manifest.csv").write_bytes(text.encode(encoding))
    write(tmp_path / "vesi.docx")
    (source,), warnings = found(tmp_path)
    assert source.metadata == FULL
    assert not warnings


def test_toml_and_jsonl_manifests(tmp_path: Path) -> None:
    row = dict(zip(ENGLISH, VALUES, strict=True))
    typed = {**row, "themes": ["water", "circularity"], "sample": True}
    write(tmp_path / "json" / "manifest.jsonl", json.dumps(typed) + "\n\n")
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in typed.items()]
    lines = ["date = 2024-05-16" if line.startswith("date") else line for line in lines]
    write(tmp_path / "toml" / "manifest.toml", "\n".join(["[[document]]", *lines]))
    for folder in ("json", "toml"):
        write(tmp_path / folder / "vesi.docx")
        (source,), _ = found(tmp_path / folder)
        assert source.metadata == FULL


def test_the_nearest_manifest_that_names_a_file_counts(tmp_path: Path) -> None:
    write(tmp_path / "all" / "manifest.csv", "file;kind\nsub/a.txt;report\nsub/b.txt;slides\n")
    write(tmp_path / "all" / "sub" / "manifest.csv", "file;kind\na.txt;web page\n")
    for name in ("a.txt", "b.txt", "c.txt"):
        write(tmp_path / "all" / "sub" / name)
    kinds = {s.name: s.metadata and s.metadata.kind for s in found(tmp_path / "all")[0]}
    assert kinds == {"sub/a.txt": Kind.WEB_PAGE, "sub/b.txt": Kind.SLIDES, "sub/c.txt": None}


def test_a_part_of_a_folder_keeps_what_the_manifest_above_says(tmp_path: Path) -> None:
    write(tmp_path / "all" / "manifest.csv", "file;confidentiality\nsub/*;confidential\n")
    write(tmp_path / "all" / "sub" / "a.txt")
    for path in (tmp_path / "all", tmp_path / "all" / "sub", tmp_path / "all" / "sub" / "a.txt"):
        (source,), _ = found(path)
        assert source.metadata is not None
        assert source.metadata.confidentiality is Confidentiality.CONFIDENTIAL
    write(tmp_path / "manifest.csv", "somebody;else's\n1;2\n")
    assert found(tmp_path / "all")[0], "a file of that name above is somebody else's"


def test_a_manifest_counts_whatever_the_case_of_its_name(tmp_path: Path) -> None:
    write(tmp_path / "Manifest.CSV", "file;confidentiality\na.txt;confidential\n")
    write(tmp_path / "manifest.toml", '[[document]]\nfile = "b.txt"\nkind = "report"\n')
    write(tmp_path / "a.txt")
    write(tmp_path / "b.txt")
    first, second = (source.metadata for source in found(tmp_path)[0])
    assert first is not None and first.confidentiality is Confidentiality.CONFIDENTIAL
    assert second is not None and second.kind is Kind.REPORT
    write(tmp_path / "manifest.toml", '[[document]]\nfile = "a.txt"\n')
    with pytest.raises(KnowledgeBaseError) as caught:
        found(tmp_path)
    assert caught.value.code == "manifest_twice"


def test_patterns_stand_behind_names(tmp_path: Path) -> None:
    write(tmp_path / "manifest.csv", "file;kind\n*.txt;report\na.txt;slides\n*;other\n")
    for name in ("a.txt", "sub/b.txt", "c.md"):
        write(tmp_path / name)
    kinds = {s.name: s.metadata and s.metadata.kind for s in found(tmp_path)[0]}
    assert kinds == {"a.txt": Kind.SLIDES, "sub/b.txt": Kind.REPORT, "c.md": Kind.OTHER}


def test_names_match_across_unicode_forms_case_and_slashes(tmp_path: Path) -> None:
    write(tmp_path / "Pa\u0308iva\u0308.TXT")
    write(tmp_path / "sub" / "b.txt")
    write(tmp_path / "manifest.csv", "file;kind\npäivä.txt;report\n.\\sub\\b.txt;report\n")
    sources, warnings = found(tmp_path)
    assert [s.metadata is not None for s in sources] == [True, True]
    assert not warnings


def test_rows_without_their_file_are_told_of(tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    write(tmp_path / "manifest.csv", "file\na.txt\ngone.txt\n../outside.txt\n")
    _, warnings = found(tmp_path)
    assert [w.split("|")[1] for w in warnings] == ["line=3", "line=4"]
    assert warnings[0].endswith("file=gone.txt")


@pytest.mark.parametrize(
    ("name", "text", "code", "line"),
    [
        ("manifest.csv", "file;colour\na.txt;red\n", "manifest_unknown_column", "2"),
        ("manifest.csv", "file;kind\n\na.txt;report\nb.txt;poem\n", "manifest_bad_value", "4"),
        ("manifest.csv", "file;date\na.txt;31.2.2024\n", "manifest_bad_value", "2"),
        ("manifest.csv", "file;date\na.txt;3/4/2024\n", "manifest_bad_value", "2"),
        ("manifest.csv", "file;themes\na.txt;water,gold\n", "manifest_bad_value", "2"),
        ("manifest.csv", "file;confidentiality\na.txt;maybe\n", "manifest_bad_value", "2"),
        ("manifest.csv", "file;language\na.txt;de\n", "manifest_bad_value", "2"),
        ("manifest.csv", "file;sample\na.txt;perhaps\n", "manifest_bad_value", "2"),
        ("manifest.csv", "file;kind\n;report\n", "manifest_no_file", "2"),
        ("manifest.csv", "file;kind\na.txt;report\nA.txt;report\n", "manifest_twice", "3"),
        ("manifest.csv", "file;kind\na.txt;report;x;y\n", "manifest_too_many_values", "2"),
        ("manifest.toml", '[[document]]\nfile = "a.txt"\n\nkind = \n', "manifest_syntax", "4"),
        (
            "manifest.toml",
            '[[document]]\nfile = "a"\n\n[[document]]\nfile = "b"\nkind = "poem"\n',
            "manifest_bad_value",
            "4",
        ),
        ("manifest.toml", 'title = "x"\n', "manifest_unknown_column", "1"),
        ("manifest.jsonl", '{"file": "a"}\n[1]\n', "manifest_syntax", "2"),
        ("manifest.jsonl", '{"file": "a"}\n{"file": ', "manifest_syntax", "2"),
    ],
)
def test_a_manifest_that_cannot_be_used_names_the_line(
    tmp_path: Path, name: str, text: str, code: str, line: str
) -> None:
    path = write(tmp_path / name, text)
    with pytest.raises(KnowledgeBaseError) as caught:
        list(discover([tmp_path]))
    assert (caught.value.code, caught.value.params["line"]) == (code, line)
    for language in LANGUAGES:
        assert str(path) in caught.value.text(language)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2024", "2024"),
        ("2024-05", "2024-05"),
        ("5/2024", "2024-05"),
        ("05.2024", "2024-05"),
        ("2024-05-31", "2024-05-31"),
        ("31.5.2024", "2024-05-31"),
        ("2024-05-31T10:00:00", "2024-05-31"),
    ],
)
def test_dates_of_any_precision(tmp_path: Path, given: str, expected: str) -> None:
    manifest = read_manifest(write(tmp_path / "manifest.csv", f"file;date\na.txt;{given}\n"))
    metadata = manifest.of(tmp_path / "a.txt")
    assert metadata is not None and metadata.date == expected


def test_themes_may_be_called_by_their_names(tmp_path: Path) -> None:
    from kb.themes import themes

    lines = [f'a{n}.txt;"{theme.fi}"' for n, theme in enumerate(themes())]
    manifest = read_manifest(write(tmp_path / "manifest.csv", "\n".join(["file;themes", *lines])))
    for number, theme in enumerate(themes()):
        metadata = manifest.of(tmp_path / f"a{number}.txt")
        assert metadata is not None and metadata.themes == (theme.id,)


@given(st.binary(min_size=1, max_size=5000))
def test_a_snapshot_holds_the_bytes_under_their_digest(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a").write_bytes(data)
        digest, size = snapshot(folder / "a", folder / "into", limit=5000)
        assert (digest, size) == (sha256(data).hexdigest(), len(data))
        assert (folder / "into" / digest).read_bytes() == data
        snapshot(folder / "a", folder / "into", limit=5000)
        assert len(list((folder / "into").iterdir())) == 1


def test_a_snapshot_refuses_what_it_cannot_copy(tmp_path: Path) -> None:
    cases = {"empty": b"", "large": b"x" * 101}
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
    os.mkfifo(tmp_path / "pipe")
    codes = {}
    for name in ("empty", "large", "pipe", "nowhere"):
        with pytest.raises(UnreadableDocument) as caught:
            snapshot(tmp_path / name, tmp_path / "into", limit=100)
        codes[name] = caught.value.code
    assert codes == {
        "empty": "unreadable_empty",
        "large": "unreadable_too_large",
        "pipe": "unreadable_missing",
        "nowhere": "unreadable_missing",
    }
    assert not list((tmp_path / "into").iterdir()), "nothing half is left behind"


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux")
def test_a_file_that_breaks_off_while_it_is_read_is_refused(tmp_path: Path) -> None:
    # A file that opens and then fails as one on a bad disk does.
    with pytest.raises(UnreadableDocument) as caught:
        snapshot(Path("/proc/self/mem"), tmp_path / "into", limit=100)
    assert caught.value.code == "unreadable_broken_off"
    for language in LANGUAGES:
        assert caught.value.params["why"] in message(
            "error.unreadable_broken_off", language, **caught.value.params
        )
    assert not list((tmp_path / "into").iterdir())


def test_a_file_that_keeps_changing_is_refused_and_one_that_settles_is_copied(
    tmp_path: Path,
) -> None:
    path = tmp_path / "growing"
    path.write_bytes(b"x" * 4_000_000)
    stop = threading.Event()

    def grow() -> None:
        while not stop.is_set():
            with path.open("ab") as stream:
                stream.write(b"y")
            time.sleep(0.001)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        with pytest.raises(UnreadableDocument) as caught:
            snapshot(path, tmp_path / "into", limit=1 << 30)
        assert caught.value.code == "unreadable_changing"
    finally:
        stop.set()
        writer.join()
    digest, _ = snapshot(path, tmp_path / "into", limit=1 << 30)
    assert digest == sha256(path.read_bytes()).hexdigest()


def test_what_an_ignore_file_names_is_passed_over(tmp_path: Path) -> None:
    for name in ("a.md", "b.md", "luonnos-1.md", "osa/c.md", "osa/luonnos-2.md", "vanha/d.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / ".kbignore").write_text("# luonnokset\nluonnos-*\n\nvanha/\n", encoding="utf-8")

    names = [source.name for source in discover([tmp_path])]

    assert names == ["a.md", "b.md", "osa/c.md", "osa/luonnos-2.md"]


def test_a_table_made_for_something_else_is_told_and_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "Vesi virtaa.")
    write(tmp_path / "MANIFEST.tsv", "path\tbytes\tsha256\tnote\na.txt\t12\tff\tx\n")
    write(tmp_path / "manifest.csv", "file;city\na.txt;Kokkola\n")

    sources, warnings = found(tmp_path)

    assert [source.metadata and source.metadata.city for source in sources] == ["Kokkola"]
    assert [warning.split("|")[0] for warning in warnings] == ["warning.manifest_foreign"]


def test_a_table_that_speaks_of_confidentiality_is_never_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "Vesi virtaa.")
    write(tmp_path / "manifest.csv", "file;a;b;c;confidentiality\na.txt;1;2;3;public\n")

    with pytest.raises(KnowledgeBaseError, match="unknown heading"):
        found(tmp_path)


_PIECES = (b"\\", b"\\x1b", b"\\n", b"x1b", b"\x1b", b"\n", b"\xe4", b"\\xe4", b"\xc3\xa4")


def test_no_two_paths_are_shown_alike() -> None:
    names = {b"".join(pieces) for count in (1, 2, 3) for pieces in product(_PIECES, repeat=count)}
    paths = [Path(os.fsdecode(b"/" + name)) for name in names]
    assert len({shown(path) for path in paths}) == len(paths) > 500
    assert all(shown(path).isprintable() for path in paths)
    assert all(shown(path / "a.txt") == f"{shown(path)}/a.txt" for path in paths)
