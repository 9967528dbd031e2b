"""Train the model that reads a question and a statement together.

``python -m evaluation.answer_model.train --sets FOLDER --out FILE.onnx``: the folder has the public
sets that ``questions.tsv`` names, in the BEIR layout. Prints the loss and, on passages that are
held out, how often the best of all candidates answers, and how well an answered question is told
from one that isn't. Needs torch (``make models``).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from evaluation.answer_model.lists import (
    Candidates,
    gather,
    held_out,
    make_lists,
)
from evaluation.answer_model.manner import balanced
from evaluation.answer_model.network import AnswerNetwork, Trained, resume
from evaluation.answer_model.training import (
    in_batches,
    replace_file,
    steps,
    tell,
    told,
    usual_parser,
)
from evaluation.metrics import auroc
from evaluation.product import default_cache
from kb.embedding import BUNDLED, open_embedder
from kb.embedding.answer_model import Pair, build, pair
from kb.embedding.bundled import bundled_tokenizer
from kb.embedding.weights import Weights, bundled_file

_HELD_OUT = 60
"""Passages whose questions aren't learned from; their statements may be others' wrong ones."""

_MEASURED = 500
"""Steps between two measurements."""

_HEAD = 4.0
"""The head, which begins with nothing, learns so many times as fast as the layers."""

_NOISE = 0.08
"""Deviation added to cosines when wrong statements are drawn, so that it isn't always the same."""

_BARE = 0.2
"""Share of lists that are read without what stands before, and of those without what stands above:
the product hasn't always any."""

_NEAREST_OTHERS = 8

_MANY = 20
"""A passage of more statements is a cluster: one more of them is read, and an epoch has its
questions ``_CLUSTER_TIMES``."""

_CLUSTER_TIMES = 3
_SINGLE = 0.5
_NOTHING = 0.7
"""What the parts of the loss count beside that of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How it is trained: ``lists`` questions a step, each with some wrong statements.

    ``own`` wrong ones are of the passage itself, ``others`` of other passages. ``lacking`` is the
    share of the answered questions that are read without what answers them, as unanswerable ones:
    the same question then is met in both ways.
    """

    epochs: float = 1.6
    rate: float = 1.3e-4
    lists: int = 12
    own: int = 3
    others: int = 1
    lacking: float = 0.25
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Drawn:
    """A list of a step: where the question is answered, the first statement is what answers."""

    items: list[Pair]
    answered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the model does on questions that it hasn't seen; NaN where there are none.

    ``top1`` is how often the best of all candidates answers, ``crossing`` the same of questions
    in another language than their passage, ``cosine`` the same by cosines alone; ``auroc`` is
    how well the best statement of the passage tells whether the passage answers.
    """

    top1: float
    crossing: float
    cosine: float
    auroc: float

    def __str__(self) -> str:
        return (
            f"held out: top-1 {self.top1:.3f} (crossing {self.crossing:.3f}, by cosine "
            f"{self.cosine:.3f}), AUROC {self.auroc:.3f}"
        )


def read_as(
    one: Candidates, at: int, *, weights: Weights, before: bool = True, above: bool = True
) -> Pair:
    """Return a candidate as it is read, with what stands before and above it or without."""
    return pair(
        one.question,
        one.statements[at],
        one.before[at] if before else (),
        one.above[at] if above else (),
        begin=weights.begin,
        end=weights.end,
    )


def draw(one: Candidates, draws: random.Random, *, course: Course, weights: Weights) -> Drawn:
    """Draw what a step reads of a list: one right statement, and wrong ones that are near."""
    right = [at for at in range(one.own) if one.right[at]]
    wrong = [at for at in range(one.own) if not one.right[at]]
    if wrong and draws.random() < course.lacking:
        right = []
    wrong.sort(key=lambda at: draws.gauss(0, _NOISE) - float(one.cosines[at]))
    others = range(one.own, len(one.statements))[:_NEAREST_OTHERS]
    members = [
        *([draws.choice(right)] if right else []),
        # One more where nothing answers, so that lists are about as long.
        *wrong[: course.own + (one.own > _MANY) + (not right)],
        *draws.sample(others, min(course.others, len(others))),
    ]
    before, above = draws.random() >= _BARE, draws.random() >= _BARE
    items = [read_as(one, at, weights=weights, before=before, above=above) for at in members]
    return Drawn(items, bool(right))


def loss_of(network: AnswerNetwork, lists: Sequence[Drawn]) -> Any:
    """Return the mean loss of some lists.

    Where something answers: −log of its share in the softmax of the list (Z. Cao et al., Learning
    to Rank, ICML 2007) and, so that scores mean the same from question to question, half of each
    one's own logistic loss, the wrong ones together counting as the right one. Where nothing does:
    the logistic loss of the statements that look most like answers.
    """
    with torch.autocast("cpu", torch.bfloat16):
        scores = network.read([item for one in lists for item in one.items])
    total = torch.zeros(())
    start = 0
    for one in lists:
        own = scores[start : start + len(one.items)]
        start += len(one.items)
        if one.answered:
            total = total - torch.log_softmax(own, 0)[0]
            single = F.softplus(-own[0])
            if len(own) > 1:
                single = single + F.softplus(own[1:]).mean()
            total = total + _SINGLE * single
        else:
            likely = torch.softmax(own.detach(), 0)
            total = total + _NOTHING * (likely * F.softplus(own)).sum()
    return total / len(lists)


def measure(network: AnswerNetwork, lists: Sequence[Candidates], *, weights: Weights) -> Measured:
    """Return how the model does on lists."""
    hits, crossing, cosine, best, answered = [], [], [], [], []
    for one in lists:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            scores = network.read(
                [read_as(one, at, weights=weights) for at in range(len(one.statements))]
            )
        values = scores.float().numpy()
        best.append(float(values[: one.own].max()))
        answered.append(one.answered)
        if one.answered:
            hits.append(bool(one.right[int(np.argmax(values))]))
            cosine.append(bool(one.right[int(np.argmax(one.cosines))]))
            crossing += hits[-1:] if one.crossing else []
    told = auroc(best, answered)
    return Measured(
        top1=_mean(hits),
        crossing=_mean(crossing),
        cosine=_mean(cosine),
        auroc=math.nan if told is None else told,
    )


def _mean(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else math.nan


def train(
    network: AnswerNetwork, lists: Sequence[Candidates], *, course: Course, weights: Weights
) -> Iterator[float]:
    """Train the network in place; yields the loss of each step.

    AdamW (I. Loshchilov and F. Hutter, 2019), the rate rising at first and then falling to
    nothing.
    """
    draws = random.Random(course.seed)
    total = round(math.ceil(len(lists) / course.lists) * course.epochs)
    batches = in_batches(len(lists), draws, size=course.lists)

    def loss() -> Any:
        drawn = [draw(lists[at], draws, course=course, weights=weights) for at in next(batches)]
        return loss_of(network, drawn)

    yield from steps(
        network, loss, total=total, rate=course.rate, quicker={network.head.weight: _HEAD}
    )


def write(path: Path, network: AnswerNetwork, *, weights: Weights) -> None:
    """Write the network as the int8 graph that the product runs."""
    trained = Trained(network.state_dict(), heads=weights.heads)
    replace_file(path, build(trained, epsilon=weights.epsilon))


def run(
    network: AnswerNetwork,
    lists: Sequence[Candidates],
    *,
    course: Course,
    weights: Weights,
    out: Path,
    tell: Callable[[str], None],
) -> Measured:
    """Train on all but the passages that are held out, measure on those, and write the weights.

    They are also written whenever it is measured, so a run that is stopped leaves something.
    """
    kept = held_out(lists, _HELD_OUT, seed=course.seed)
    learned = [
        one
        for one in lists
        if one.passage not in kept
        for _ in range(_CLUSTER_TIMES if one.own > _MANY else 1)
    ]
    unseen = [one for one in lists if one.passage in kept]
    tell(f"{len(learned)} questions to learn from, {len(unseen)} held out")
    made = train(network, learned, course=course, weights=weights)
    for step in told(made, tell):
        if step % _MEASURED == 0:
            write(out, network, weights=weights)
            tell(str(measure(network, unseen, weights=weights)))
    write(out, network, weights=weights)
    result = measure(network, unseen, weights=weights)
    tell(str(result))
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the lists, train and write."""
    usual = Course()
    parser = usual_parser(__doc__, epochs=usual.epochs, rate=usual.rate, seed=usual.seed)
    parser.add_argument("--layers", type=int, help="of the embedder's, all by default")
    parser.add_argument("--resume", type=Path, help="a graph to begin with, not the embedder")
    parser.add_argument(
        "--frozen", type=int, default=0, help="of the layers, which stay as they are"
    )
    parser.add_argument("--threads", type=int, help="processor cores, all by default")
    chosen = parser.parse_args(arguments)
    torch.manual_seed(chosen.seed)
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    weights = Weights(bundled_file())
    network = AnswerNetwork(weights, chosen.layers)
    if chosen.resume is not None:
        resume(network, chosen.resume)
    network.freeze(chosen.frozen)
    passages, questions = gather(chosen.sets)
    questions = balanced(questions, random.Random(chosen.seed))
    embedder = open_embedder(
        BUNDLED, cache_folder=default_cache() / "models", threads=chosen.threads
    )
    lists = make_lists(passages, questions, embedder=embedder, tokenizer=bundled_tokenizer())

    run(
        network,
        lists,
        course=Course(epochs=chosen.epochs, rate=chosen.rate, seed=chosen.seed),
        weights=weights,
        out=chosen.out,
        tell=tell,
    )


if __name__ == "__main__":
    main()
