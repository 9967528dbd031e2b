"""What both trainings do alike: steps of AdamW, batches, and files that are always whole."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

_WARMED = 0.06
_LEAST_RATE = 0.02
"""Shares of a training and of its rate: the rate rises at first, then falls to nearly nothing."""

_DECAY = 0.01
_BETAS = (0.9, 0.98)
_LONGEST_GRADIENT = 1.0
_TOLD = 50
"""Steps between two lines of loss."""

_NONE: Mapping[Any, float] = {}


def steps(
    network: Any,
    loss: Callable[[], Any],
    *,
    total: int,
    rate: float,
    quicker: Mapping[Any, float] = _NONE,
) -> Iterator[float]:
    """Train a network in place, ``total`` steps; yields the loss of each.

    AdamW (I. Loshchilov and F. Hutter, 2019). ``quicker`` weights learn at so many times the rate.
    """
    optimiser = _optimiser(network, rate, quicker)
    rates = [group["lr"] for group in optimiser.param_groups]
    network.train()
    for step in range(total):
        share = min(1.0, (step + 1) / (_WARMED * total)) * max(_LEAST_RATE, 1 - step / total)
        for group, own in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = own * share
        value = loss()
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), _LONGEST_GRADIENT)
        optimiser.step()
        yield float(value.detach())


def _optimiser(network: Any, rate: float, quicker: Mapping[Any, float]) -> Any:
    others = [one for one in network.parameters() if one not in quicker]
    return torch.optim.AdamW(
        [
            # Biases and scales aren't drawn to nothing.
            {"params": [one for one in others if one.dim() > 1], "weight_decay": _DECAY},
            {"params": [one for one in others if one.dim() < 2], "weight_decay": 0.0},
            *(
                {"params": [one], "weight_decay": _DECAY, "lr": rate * times}
                for one, times in quicker.items()
            ),
        ],
        lr=rate,
        betas=_BETAS,
    )


def in_batches(count: int, draws: random.Random, *, size: int) -> Iterator[list[int]]:
    """Yield batches without end, each epoch in an order of its own."""
    while True:
        order = list(range(count))
        draws.shuffle(order)
        for start in range(0, count, size):
            yield order[start : start + size]


def replace_file(path: Path, content: bytes) -> None:
    """Write a file; whoever reads it meanwhile gets a whole one, the old or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)


def tell(line: str) -> None:
    """Print a line at once, also where the output goes to a file."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def told(losses: Iterable[float], tell: Callable[[str], None]) -> Iterator[int]:
    """Yield the number of each step, from 1, and tell of the mean loss now and then."""
    begun = time.monotonic()
    lately: list[float] = []
    for step, loss in enumerate(losses, start=1):
        lately.append(loss)
        if step % _TOLD == 0:
            mean, seconds = sum(lately) / len(lately), time.monotonic() - begun
            tell(f"step {step}: loss {mean:.3f}, {seconds:.0f} s")
            lately.clear()
        yield step


def usual_parser(
    description: str | None, *, epochs: float, rate: float, seed: int
) -> argparse.ArgumentParser:
    """Return a parser of what both commands take, with these defaults."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--sets", type=Path, required=True, help="a folder of sets (BEIR layout)")
    parser.add_argument("--out", type=Path, required=True, help="the graph to write, .onnx")
    parser.add_argument("--epochs", type=float, default=epochs)
    parser.add_argument("--seed", type=int, default=seed)
    parser.add_argument("--rate", type=float, default=rate, help="the highest, of learning")
    return parser
