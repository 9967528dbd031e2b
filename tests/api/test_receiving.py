from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.problems import Refused
from api.receiving import Receiver, display_name, metadata_of
from kb.errors import BadScope
from kb.model import Confidentiality, Kind, Metadata


@given(st.text(max_size=300))
def test_a_name_has_nothing_that_leads_anywhere(raw: str) -> None:
    name = display_name(raw)

    assert 0 < len(name) <= 150
    assert not set(name) & {"/", "\\"}
    assert not any(unicodedata.category(c).startswith("C") for c in name)
    assert name not in (".", "..")
    assert display_name(name) == name


def test_a_name_keeps_its_letters_and_its_suffix() -> None:
    assert display_name("Pöytäkirja (2) ä.docx") == "Pöytäkirja (2) ä.docx"
    assert display_name("ä".join("aa") + ".pdf") == "aäa.pdf"
    assert display_name("x" * 500 + ".pdf").endswith("x.pdf")


def body(*parts: bytes) -> bytes:
    return b"".join(b"--B\r\n" + part + b"\r\n" for part in parts) + b"--B--\r\n"


FILE = b'Content-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
CITY = b'Content-Disposition: form-data; name="city"\r\n\r\n'


@given(
    content=st.binary(max_size=200).filter(lambda data: b"\r\n--B" not in data),
    cuts=st.lists(st.integers(1, 40), max_size=60),
)
def test_a_body_is_the_same_however_it_is_cut(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, cuts: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("upload")
    receiver = Receiver(b"B", folder, file_limit=1000)
    whole = body(FILE + content, CITY + "Närpiö".encode())
    at = 0
    for cut in cuts:
        receiver.feed(whole[at : at + cut])
        at += cut
    receiver.feed(whole[at:])
    receiver.close()
    (file,), metadata = receiver.finish()

    assert (folder / file.stored).read_bytes() == content
    assert (file.name, file.size) == ("a.txt", len(content))
    assert metadata == Metadata(city="Närpiö")
    assert [path.name for path in folder.iterdir()] == [file.stored]


def test_the_limit_holds_while_the_file_streams(tmp_path: Path) -> None:
    receiver = Receiver(b"B", tmp_path, file_limit=10)
    receiver.feed(b"--B\r\n" + FILE + b"0123456789")
    with pytest.raises(Refused) as refused:
        receiver.feed(b"0" * 100)
    receiver.close()

    assert (refused.value.code, refused.value.status) == ("upload_too_large", 413)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 10


def test_a_form_says_what_a_file_is() -> None:
    said = metadata_of(
        {
            "title": ["  Veden\n kierto "],
            "date": ["2024-05-31"],
            "kind": ["Round-table notes"],
            "themes": ["water, energy", "water"],
            "confidentiality": ["confidential"],
            "language": ["sv"],
            "city": [""],
        }
    )

    assert said == Metadata(
        title="Veden kierto",
        date="2024-05-31",
        kind=Kind.ROUND_TABLE,
        themes=("water", "energy"),
        confidentiality=Confidentiality.CONFIDENTIAL,
        language="sv",
    )


@pytest.mark.parametrize("date", ["2024", "2024-02", "2024-02-29"])
def test_dates_may_be_short(date: str) -> None:
    assert metadata_of({"date": [date]}).date == date


@pytest.mark.parametrize("date", ["24", "2023-02-29", "2024-2", "31.5.2024", "2024-05-31T10:00"])
def test_what_isnt_a_date_is_refused(date: str) -> None:
    with pytest.raises(Refused):
        metadata_of({"date": [date]})


@pytest.mark.parametrize("field", ["kind", "themes", "confidentiality", "language"])
def test_values_outside_closed_sets_are_refused(field: str) -> None:
    with pytest.raises(BadScope):
        metadata_of({field: ["nonsense"]})
