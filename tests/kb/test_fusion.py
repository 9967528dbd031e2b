import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kb.fusion import Scores, best_of, blend_dense, fuse, top

cosine = st.floats(-1, 1, width=32)


def vectors(size: int) -> st.SearchStrategy[Scores]:
    return arrays(np.float32, size, elements=cosine)


def test_best_of_finds_the_best_score_of_each_owner() -> None:
    owners = np.array([7, 3, 7, 9])
    scores = np.array([0.1, 0.4, 0.3, 0.9], dtype=np.float32)

    best = best_of(owners, scores, np.array([3, 5, 7]))

    assert best[0] == np.float32(0.4)
    assert np.isnan(best[1])
    assert best[2] == np.float32(0.3)


@given(st.lists(st.tuples(st.integers(0, 9), cosine)), st.sets(st.integers(0, 9)))
def test_best_of_agrees_with_the_plain_way(
    scored: list[tuple[int, float]], among: set[int]
) -> None:
    owners = np.array([owner for owner, _ in scored], dtype=np.int64)
    scores = np.array([score for _, score in scored], dtype=np.float32)
    wanted = sorted(among)

    best = best_of(owners, scores, np.array(wanted, dtype=np.int64))

    for position, owner in enumerate(wanted):
        theirs = [score for o, score in scored if o == owner]
        if theirs:
            assert best[position] == np.float32(max(theirs))
        else:
            assert np.isnan(best[position])


@given(vectors(6), vectors(6), st.floats(0, 2))
def test_more_of_either_evidence_never_lowers_a_score(
    dense: Scores, lexical: Scores, weight: float
) -> None:
    before = fuse(dense, lexical, lexical_weight=weight)

    nearer = fuse(dense + np.float32(0.5), lexical, lexical_weight=weight)
    more_words = fuse(dense, lexical + np.float32(0.5), lexical_weight=weight)

    assert (nearer >= before).all()
    assert (more_words >= before).all()


def test_a_passage_without_a_vector_can_be_found_by_its_words() -> None:
    dense = np.array([0.5, 0.2, np.nan], dtype=np.float32)
    lexical = np.array([0.1, 0.1, 0.9], dtype=np.float32)

    scores = fuse(dense, lexical, lexical_weight=0.7)

    assert not np.isnan(scores).any()
    assert top(scores, 1).tolist() == [2]


def test_blending_falls_back_on_what_there_is() -> None:
    nan = np.nan
    passage = np.array([0.4, 0.4, nan, nan], dtype=np.float32)
    sentence = np.array([0.8, nan, 0.8, nan], dtype=np.float32)

    blended = blend_dense(passage, sentence, sentence_weight=0.25)

    np.testing.assert_allclose(blended, [0.5, 0.4, 0.8, nan], rtol=1e-6)


def test_ties_keep_their_order() -> None:
    assert top(np.array([1, 2, 2, 1], dtype=np.float32), 3).tolist() == [1, 2, 0]
