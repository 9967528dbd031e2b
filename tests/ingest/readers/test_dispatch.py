from __future__ import annotations

import io
import json
import os
import tomllib
import zipfile
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.limits import MEGABYTE, Limits
from ingest.readers.dispatch import read, sniff
from ingest.reading import Reading
from ingest.sandbox import ReaderPool
from kb.errors import UnreadableDocument
from tests.ingest.readers.samples import SAMPLES, docx, p, read_bytes, zipped
from tests.ingest.readers.test_builder import check


def refusal(data: bytes, name: str, limits: Limits | None = None) -> str:
    with pytest.raises(UnreadableDocument) as caught:
        read_bytes(data, name, limits)
    for language in ("fi", "sv", "en"):
        assert caught.value.text(language) and caught.value.cure(language)
    return caught.value.code


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("claimed", ["wrong.pdf", "wrong.docx", "none", ""])
def test_content_decides_over_the_name(name: str, claimed: str, tmp_path: Path) -> None:
    kind = name.rpartition(".")[2]
    path = tmp_path / "original"
    path.write_bytes(SAMPLES[name]())
    found = sniff(path, name=claimed)
    expected = {"md": "text", "txt": "text", "csv": "text"}.get(kind, kind)
    assert found == expected


def test_a_wrong_name_costs_a_warning() -> None:
    reading = read_bytes(SAMPLES["sample.docx"](), "muistio.pdf")
    assert reading.warnings == ("warning.wrong_extension|name=muistio.pdf|format=DOCX",)
    assert not read_bytes(SAMPLES["sample.docx"](), "muistio.DOCX").warnings


def test_the_name_of_a_copy_is_no_title(tmp_path: Path) -> None:
    path = tmp_path / "0123abcd"
    path.write_bytes(SAMPLES["sample.txt"]())
    assert read(path, name="kansio/Oma_muistio.txt").metadata.title == "PYÖREÄN PÖYDÄN MUISTIO"


def test_a_refusal_names_the_file_that_people_know() -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read_bytes(b"%PDF-1.7 and nothing more", "kaava.pdf")
    assert "kaava.pdf" in caught.value.text("fi")
    assert "original" not in caught.value.text("fi")


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"", "a.docx", "unreadable_empty"),
        (b"\x00\x01\x02\x03" * 100, "a.bin", "unreadable_unknown_format"),
        (b"\x7fELF" + bytes(300), "program", "unreadable_unknown_format"),
        (b"x = 1\n", "a.py", "unreadable_unknown_format"),
        (b"\x00\x01\x02\x03" * 100, "a.docx", "unreadable_damaged"),
        ("päivä".encode("utf-16-le") + bytes(400), "a.txt", "unreadable_unknown_format"),
        (b"PK\x03\x04 cut off", "a.docx", "unreadable_damaged"),
        (zipped({"a.txt": "x"}), "a.zip", "unreadable_unknown_format"),
        (zipped({"a.txt": "x"}), "a.docx", "unreadable_damaged"),
        (zipped({"word/document.xml": "<broken"}), "a.docx", "unreadable_damaged"),
        (zipped({"word/other.xml": "<a/>"}), "a.docx", "unreadable_damaged"),
        (docx(""), "a.docx", "unreadable_no_text"),
        (b"  \n \n", "a.txt", "unreadable_no_text"),
        (b"<html><body><script>x</script></body></html>", "a.html", "unreadable_no_text"),
        (b"x" * 2 * MEGABYTE, "a.txt", "unreadable_too_large"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, name: str, code: str) -> None:
    assert refusal(data, name, Limits(file_bytes=MEGABYTE)) == code


def test_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read(tmp_path / "gone.docx")
    assert caught.value.code == "unreadable_missing"


def ole(names: list[str]) -> bytes:
    """Return a compound file of empty streams, as password-protected Office files are."""
    sector = 512
    header = bytearray(sector)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    header[24:34] = b"\x3e\x00\x03\x00\xfe\xff\x09\x00\x06\x00"
    header[44:48] = (1).to_bytes(4, "little")
    header[48:52] = (1).to_bytes(4, "little")
    header[56:60] = (4096).to_bytes(4, "little")
    header[60:64] = b"\xfe\xff\xff\xff"
    header[68:72] = b"\xfe\xff\xff\xff"
    header[76:80] = (0).to_bytes(4, "little")
    header[80:512] = b"\xff" * 432
    count = -(-(len(names) + 1) // 4)
    links = [0xFFFFFFFD, *range(2, count + 1), 0xFFFFFFFE]
    fat = b"".join(link.to_bytes(4, "little") for link in links).ljust(sector, b"\xff")
    entries = b""
    for number, name in enumerate(["Root Entry", *names]):
        raw = name.encode("utf-16-le")
        last = number == len(names)
        entry = bytearray(128)
        entry[: len(raw)] = raw
        entry[64:66] = (len(raw) + 2).to_bytes(2, "little")
        entry[66] = 2 if number else 5
        entry[68:72] = b"\xff" * 4
        entry[72:76] = b"\xff" * 4 if last or not number else (number + 1).to_bytes(4, "little")
        entry[76:80] = b"\xff" * 4 if number else (1).to_bytes(4, "little")
        entry[116:120] = b"\xfe\xff\xff\xff"
        entries += bytes(entry)
    return bytes(header) + fat + entries.ljust(count * sector, b"\x00")


def test_protected_office_files_are_known() -> None:
    locked = ole(["EncryptionInfo", "EncryptedPackage"])
    for name in ("a.docx", "a.xlsx", "a.pptx", "a"):
        assert refusal(locked, name) == "unreadable_office_encrypted"
    assert refusal(ole(["Something"]), "a.dat") == "unreadable_unknown_format"


def test_old_office_files_need_libreoffice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    for stream, name in (("WordDocument", "a.doc"), ("Workbook", "a.xls")):
        assert refusal(ole([stream]), name) == "unreadable_needs_libreoffice"


def test_an_encrypted_zip_member_is_told_of() -> None:
    data = bytearray(SAMPLES["sample.docx"]())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        found = data.find(mark)
        while found >= 0:
            data[found + at] |= 1
            found = data.find(mark, found + 4)
    assert refusal(bytes(data), "a.docx") == "unreadable_encrypted"


def bomb(size: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"<a/>")
        with archive.open("word/bomb.xml", "w") as stream:
            for _ in range(size // MEGABYTE):
                stream.write(bytes(MEGABYTE))
    return buffer.getvalue()


def test_bombs_are_refused_before_they_go_off() -> None:
    assert refusal(bomb(100 * MEGABYTE), "a.docx") == "unreadable_bomb"
    many = zipped({f"word/{number}.xml": "" for number in range(300)})
    assert refusal(many, "a.docx", Limits(members=100)) == "unreadable_bomb"
    deep = docx("<w:sdt><w:sdtContent>" * 5000 + "</w:sdtContent></w:sdt>" * 5000)
    assert refusal(deep, "a.docx") == "unreadable_bomb"


def test_entities_are_not_expanded_and_files_not_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("salaisuus", encoding="utf-8")
    laughs = "".join(f'<!ENTITY l{n} "{("&l" + str(n - 1) + ";") * 10}">' for n in range(1, 10))
    for inside in (f'<!ENTITY x SYSTEM "{secret.as_uri()}">', f'<!ENTITY l0 "ha">{laughs}'):
        name = "x" if "SYSTEM" in inside else "l9"
        part = (
            f"<!DOCTYPE d [{inside}]>"
            '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
            f"<w:body><w:p><w:r><w:t>alku &{name}; loppu</w:t></w:r></w:p></w:body></w:document>"
        )
        data = zipped({"word/document.xml": part})
        try:
            text = read_bytes(data, "a.docx").text
        except UnreadableDocument as error:
            assert error.code in ("unreadable_damaged", "unreadable_bomb")
        else:
            assert "salaisuus" not in text and len(text) < 100


def test_a_lying_member_size_is_found_out() -> None:
    data = bytearray(zipped({"word/document.xml": "<a>" + "x" * 5000 + "</a>"}))
    directory = data.find(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = (10).to_bytes(4, "little")
    local = data.find(b"PK\x03\x04")
    data[local + 22 : local + 26] = (10).to_bytes(4, "little")
    assert refusal(bytes(data), "a.docx") in ("unreadable_damaged", "unreadable_bomb")


@cache
def made(name: str) -> bytes:
    """Return a sample, the same bytes each time: archives hold the time they were made at."""
    return SAMPLES[name]()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_damaged_files_are_refused_or_read_but_never_more(name: str, data: st.DataObject) -> None:
    raw = bytearray(made(name))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(raw)))
    try:
        reading = read_bytes(bytes(raw[:cut]), name)
    except UnreadableDocument as error:
        assert error.text("fi") and error.cure("fi")
    else:
        check(reading)


@settings(max_examples=100, deadline=None)
@example(name="a.txt", data=b"MM\x00*")  # a picture by its first bytes
@given(st.sampled_from(["a.txt", "a.md", "a.html", "a.csv", "a.eml", "a.rtf"]), st.binary())
def test_any_bytes_at_all(name: str, data: bytes) -> None:
    prefix = b"{\\rtf1 " if name == "a.rtf" else b""
    try:
        reading = read_bytes(prefix + data, name)
    except UnreadableDocument as error:
        assert error.text("sv")
    else:
        check(reading)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["a.txt", "a.md", "a.html", "a.csv"]), st.text(min_size=1, max_size=300))
def test_text_formats_keep_every_word(name: str, text: str) -> None:
    try:
        reading = read_bytes(text.encode("utf-8", errors="replace"), name)
    except UnreadableDocument:
        return
    check(reading)


def test_every_refusal_has_a_cure_in_three_languages() -> None:
    table = tomllib.loads((files("kb.messages") / "reading.toml").read_text(encoding="utf-8"))
    codes = {code for code in table["error"] if code.startswith("unreadable_")}
    assert codes == set(table["cure"])
    for texts in (*table["error"].values(), *table["cure"].values(), *table["warning"].values()):
        assert set(texts) == {"fi", "sv", "en"}


def data_folder() -> Path:
    folder = os.environ.get("KB_TEST_DATA")
    if not folder:
        pytest.skip("KB_TEST_DATA isn't set: real documents are not at hand")
    return Path(folder) / "documents"


@pytest.mark.slow
def test_real_documents_are_read_or_refused_with_a_reason() -> None:
    found = sorted((data_folder() / "docling_tests").iterdir())
    documents = [path for path in found if path.suffix not in (".pdf", ".doc", ".ppt")]
    refused: dict[str, str] = {}
    with ReaderPool(2) as pool:
        for (path, _), outcome in pool.read_all((path, path.name) for path in documents):
            if isinstance(outcome, Reading):
                check(outcome)
            else:
                refused[path.name] = outcome.code
    assert refused == {}
    assert len(documents) > 75


@pytest.mark.slow
def test_real_documents_keep_their_words() -> None:
    """Words of the expected Markdown that are found, for formats that say things once."""
    import re
    from collections import Counter

    word = re.compile(r"\w+")
    folder = data_folder()
    shares: dict[str, float] = {}
    for expected in sorted((folder / "docling_groundtruth_md").glob("*.md")):
        kind, _, name = expected.stem.partition("__groundtruth__")
        path = folder / "docling_tests" / f"{kind}__sources__{name}"
        if kind not in ("docx", "html", "odf", "epub") or not path.exists():
            continue
        if name.startswith(("hyperlink_02", "hyperlink_03", "equations", "table_with_eq")):
            continue  # a menu alone, a picture alone, and formulas in LaTeX
        told = re.sub(
            r"<!--.*?-->|!\[[^\]]*\]\([^)]*\)|(?<=\])\([^)]*\)|&\w+;",
            " ",
            expected.read_text(encoding="utf-8"),
            flags=re.DOTALL,
        )
        wanted = Counter(word.findall(told.replace("\\_", "_").casefold()))
        got = Counter(word.findall(read(path).text.casefold()))
        shares[path.name] = (wanted & got).total() / max(1, wanted.total())
    assert sum(shares.values()) / len(shares) > 0.95, json.dumps(shares, indent=1)
    assert min(shares.values()) > 0.8, json.dumps(shares, indent=1)


def test_a_paragraph_of_docx_that_is_long_is_no_heading() -> None:
    reading = read_bytes(docx(p("sana " * 100, "Otsikko1")), "a.docx")
    assert reading.blocks[0].heading == ()
