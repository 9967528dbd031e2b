from __future__ import annotations

import json

import pytest

from tests.ingest.readers.samples import GOLDEN, SAMPLES, as_json, blocks, fingerprint, read_bytes


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_read_as_it_always_was(name: str) -> None:
    expected = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    assert as_json(read_bytes(SAMPLES[name](), name)) == expected


def test_strict_and_transitional_word_documents_read_alike() -> None:
    strict = read_bytes(SAMPLES["strict.docx"](), "a.docx")
    assert blocks(strict) == blocks(read_bytes(SAMPLES["sample.docx"](), "a.docx"))


def test_readers_that_read_otherwise_have_another_fingerprint() -> None:
    """A document is read anew only when the fingerprint says that readers changed."""
    kept = json.loads((GOLDEN / "fingerprint.json").read_text(encoding="utf-8"))
    assert fingerprint() == kept, "run python -m tests.ingest.readers.samples"
