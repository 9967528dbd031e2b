from __future__ import annotations

import numpy as np
import pytest

from evaluation.fitting import listwise, logistic


def lists(seed: int, *, flip: float = 0.0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return lists whose right entry has the greatest first feature; the second is noise."""
    draw = np.random.default_rng(seed)
    made = []
    for _ in range(60):
        features = draw.normal(size=(6, 2))
        right = np.zeros(6, dtype=bool)
        right[int(np.argmax(features[:, 0]))] = True
        made.append((features, right if draw.random() >= flip else ~right))
    return made


def test_a_list_is_ordered_by_what_tells() -> None:
    fitted = listwise(lists(1), penalty=0.001)
    assert fitted.weights[0] > 10 * abs(fitted.weights[1])
    hits = [right[int(np.argmax(fitted.scores(x)))] for x, right in lists(2)]
    assert np.mean(hits) > 0.95


def test_lists_that_tell_nothing_are_left_out() -> None:
    told = lists(3)
    nothing = [(x, np.zeros(len(x), dtype=bool)) for x, _ in lists(4)]
    assert listwise([*told, *nothing], penalty=0.01).weights == pytest.approx(
        listwise(told, penalty=0.01).weights
    )


def test_frequencies_are_probabilities() -> None:
    # Three of four are right where the feature is 1, one of four where it is 0.
    x = np.repeat([0.0, 1.0], 400)[:, None]
    right = np.concatenate([np.arange(400) % 4 == 0, np.arange(400) % 4 != 0])
    fitted = logistic(x, right)
    assert 1 / (1 + np.exp(-fitted.scores(np.array([[0.0], [1.0]])))) == pytest.approx(
        [0.25, 0.75], abs=1e-4
    )


def test_weights_count_as_repetition_does() -> None:
    draw = np.random.default_rng(5)
    x, right = draw.normal(size=(80, 3)), draw.random(80) < 0.4
    times = draw.integers(1, 4, size=80)
    weighed = logistic(x, right, weights=times.astype(np.float64))
    repeated = logistic(np.repeat(x, times, axis=0), np.repeat(right, times))
    assert weighed.scores(x) == pytest.approx(repeated.scores(x), abs=1e-3)


def test_evidence_for_is_never_counted_against() -> None:
    draw = np.random.default_rng(6)
    x = draw.normal(size=(300, 2))
    right = x[:, 0] - x[:, 1] > 0
    free = logistic(x, right, penalty=0.01)
    held = logistic(x, right, penalty=0.01, not_below_zero=True)
    assert free.weights[1] < 0
    assert held.weights[1] == 0
    assert held.weights[0] > 0


def test_a_feature_that_never_changes_is_no_error() -> None:
    x = np.column_stack([np.ones(20), np.arange(20.0)])
    fitted = logistic(x, np.arange(20) > 9, penalty=0.01)
    assert np.isfinite(fitted.weights).all()
    assert fitted.weights[1] > 0
