"""Fitting of the small models behind answers: numpy in, coefficients out, the same every time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_STEPS = 2000


@dataclass(frozen=True, slots=True)
class Linear:
    """Coefficients, shape (features,), and a bias."""

    weights: Floats
    bias: float

    def scores(self, features: Floats) -> Floats:
        """Return the scores of rows of features, shape (n,)."""
        return np.asarray(features @ self.weights + self.bias, dtype=np.float64)

    def lines(self, names: Sequence[str]) -> list[str]:
        """Return the lines of a TOML table: the bias, and a coefficient for each name."""
        rows = zip(names, self.weights.tolist(), strict=True)
        return [f"bias = {self.bias:.5g}", *(f"{name} = {weight:.5g}" for name, weight in rows)]


def listwise(lists: Sequence[tuple[Floats, Flags]], *, penalty: float) -> Linear:
    """Fit scores so that a softmax over each list gives the right entries what it can.

    Each list is features, (entries, features), and which entries are right. The loss is
    −log of the share of the right ones (ListNet's top-one likelihood: Z. Cao et al., Learning
    to Rank, ICML 2007; several right ones share), plus ``penalty`` × the squared coefficients of
    standardised features. Lists with none right, or all, tell nothing and are left out.
    """
    kept = [(one, right) for one, right in lists if right.any() and not right.all()]
    features = np.concatenate([one for one, _ in kept])
    mean, deviation = _standard(features)
    x = (features - mean) / deviation
    right = np.concatenate([flags for _, flags in kept]).astype(np.float64)
    sizes = np.array([len(flags) for _, flags in kept])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    owner = np.repeat(np.arange(len(kept)), sizes)

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = x @ weights
        powers = np.exp(scores - np.maximum.reduceat(scores, starts)[owner])
        every = np.add.reduceat(powers, starts)
        hit = np.add.reduceat(powers * right, starts) + 1e-300
        value = float(np.mean(np.log(every) - np.log(hit))) + penalty * float(weights @ weights)
        pull = powers / every[owner] - powers * right / hit[owner]
        return value, np.asarray(x.T @ pull / len(kept) + 2 * penalty * weights)

    weights = _minimised(loss, np.zeros(x.shape[1])) / deviation
    return Linear(weights, -float(mean @ weights))


def logistic(
    features: Floats,
    right: Flags,
    *,
    penalty: float = 0.0,
    weights: Floats | None = None,
    not_below_zero: bool = False,
) -> Linear:
    """Fit a logistic regression; ``weights`` are what each row counts, shape (n,).

    ``not_below_zero`` holds the coefficients at 0 or above, for features that can only speak for.
    """
    mean, deviation = _standard(features)
    x = np.column_stack([(features - mean) / deviation, np.ones(len(features))])
    counts = np.ones(len(x)) if weights is None else weights
    total = float(counts.sum())
    truth = right.astype(np.float64)

    def loss(beta: Floats) -> tuple[float, Floats]:
        odds = x @ beta
        value = float(counts @ (np.logaddexp(0, odds) - truth * odds)) / total
        pull = counts * (1 / (1 + np.exp(-np.clip(odds, -30, 30))) - truth) / total
        free = np.append(beta[:-1], 0.0)
        return value + penalty * float(free @ free), np.asarray(x.T @ pull + 2 * penalty * free)

    beta = _minimised(loss, np.zeros(x.shape[1]), floor=x.shape[1] - 1 if not_below_zero else 0)
    coefficients = beta[:-1] / deviation
    return Linear(coefficients, float(beta[-1]) - float(mean @ coefficients))


def _standard(features: Floats) -> tuple[Floats, Floats]:
    deviation = features.std(axis=0)
    # A feature that never changes says nothing, and mustn't be divided by nothing.
    return features.mean(axis=0), np.where(deviation > 1e-9, deviation, 1.0)


def _minimised(
    loss: Callable[[Floats], tuple[float, Floats]], start: Floats, *, floor: int = 0
) -> Floats:
    """Return where a convex loss is least, by accelerated gradient steps (Nesterov) that halve.

    The first ``floor`` coordinates are held at 0 or above.
    """
    at, before, step, pace = start, start, 1.0, 1.0
    for _ in range(_STEPS):
        momentum = (pace - 1) / (pace + 2)
        looked = at + momentum * (at - before)
        value, slope = loss(looked)
        while True:
            found = looked - step * slope
            found[:floor] = np.maximum(found[:floor], 0.0)
            moved = found - looked
            reached = loss(found)[0]
            if reached <= value + float(slope @ moved) + float(moved @ moved) / (2 * step) + 1e-15:
                break
            step /= 2
        if float(np.abs(found - at).max()) < 1e-7:
            return found
        # Going uphill: the momentum is stale.
        pace = 1.0 if loss(found)[0] > loss(at)[0] else pace + 1
        before, at = at, found
    return at
