import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers  # noqa: TID253

from kb.embedding.unigram import Unigram
from kb.embedding.weights import Weights, bundled_file
from tests.kb.embedding.texts import ENGLISH, FINNISH, ODD, SWEDISH, paragraphs

WEIGHTS = Weights(bundled_file())
UNIGRAM = Unigram(WEIGHTS)


def independent() -> Tokenizer:
    """Return the vocabulary in the tokenizers library, normalised by its own rules."""
    vocabulary = list(zip(WEIGHTS.pieces(), WEIGHTS.scores(), strict=True))
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=WEIGHTS.unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


INDEPENDENT = independent()


@pytest.mark.parametrize(
    "text", [text for text in (*FINNISH, *SWEDISH, *ENGLISH, *ODD) if text and "<unk>" not in text]
)
def test_pieces_are_those_of_the_tokenizers_library(text: str) -> None:
    assert UNIGRAM.content(text) == INDEPENDENT.encode(text).ids


def test_pieces_of_paragraphs_are_those_of_the_tokenizers_library() -> None:
    for text in paragraphs(100):
        assert UNIGRAM.content(text) == INDEPENDENT.encode(text).ids


@settings(max_examples=300)
@given(st.text(alphabet="aeioukstnväöåÄÅ .,-()1234567890\n", min_size=1, max_size=60))
def test_pieces_are_as_probable_as_those_of_the_tokenizers_library(text: str) -> None:
    # Not the same: two ways to cut may be equally probable.
    scores = WEIGHTS.scores()

    ours = sum(scores[number] for number in UNIGRAM.content(text))
    theirs = sum(scores[number] for number in INDEPENDENT.encode(text).ids)

    assert ours == pytest.approx(theirs, abs=1e-3)


def test_a_run_of_unknown_characters_is_one_piece() -> None:
    assert UNIGRAM.content("x 𐍈𐍈𐍈").count(WEIGHTS.unknown) == 1


def test_an_empty_text_has_no_pieces() -> None:
    assert UNIGRAM.content("") == []
    assert UNIGRAM.tokens("", 9) == [WEIGHTS.begin, WEIGHTS.end]


def test_the_limit_counts_begin_and_end() -> None:
    text = " ".join(FINNISH)

    cut = UNIGRAM.tokens(text, 10)

    assert len(cut) == 10
    assert (cut[0], cut[-1]) == (WEIGHTS.begin, WEIGHTS.end)
    assert cut[1:-1] == UNIGRAM.content(text)[:8]


def test_remembered_words_give_the_same_pieces() -> None:
    first = UNIGRAM.content(FINNISH[1])

    assert UNIGRAM.content(FINNISH[1]) == first == Unigram(WEIGHTS).content(FINNISH[1])
