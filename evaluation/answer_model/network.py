"""The networks that are trained, in torch, for training alone.

Both begin with the layers of the bundled multilingual-e5-small (BERT's: J. Devlin et al., 2019).

- One reads a question and a statement together: a cross-encoder (R. Nogueira and K. Cho, Passage
  Re-ranking with BERT, 2019). Its head reads the first token, and the product of the mean
  directions of question and statement, so that before any training the model already is the
  embedder's cosine.
- The other reads questions alone, for the vectors that the embedder makes of passages: the two
  sides of a dual encoder, of which one stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from kb.embedding.answer_model import POSITIONS, ROLES, Pair
from kb.embedding.weights import Floats, Weights

_SPREAD = 0.02  # of the head's first weights; BERT's
_SLOPE, _SHIFT = 20.0, -16.0
"""The head's beginning: log-odds 20 × cosine − 16, even where the embedder's cosine is .8."""

_QKV = ("q", "k", "v")
_MATRICES = ("ao", "fi", "fo")
_NORMALISATIONS = ("aln", "oln")


class _Normalisation(nn.LayerNorm):  # type: ignore[misc, unused-ignore]  # torch is Any
    """One that returns the type it gets: in autocast it would widen bf16."""

    def forward(self, x: Any) -> Any:
        with torch.autocast("cpu", enabled=False):
            return super().forward(x)


class Layer(nn.Module):  # type: ignore[misc, unused-ignore]  # torch is Any to the type checker
    """A layer of BERT, beginning with the weights of layer ``number``."""

    def __init__(self, weights: Weights, number: int) -> None:
        super().__init__()
        size, inner = weights.dimension, weights.feed_forward
        self.heads = weights.heads
        self.qkv = nn.Linear(size, 3 * size)
        self.ao = nn.Linear(size, size)
        self.aln = _Normalisation(size, weights.epsilon)
        self.fi = nn.Linear(size, inner)
        self.fo = nn.Linear(inner, size)
        self.oln = _Normalisation(size, weights.epsilon)
        name = f"l{number}."
        _set(
            self.qkv,
            np.concatenate([weights.matrix(f"{name}{part}.w") for part in _QKV]),
            np.concatenate([weights.vector(f"{name}{part}.b") for part in _QKV]),
        )
        for part in _MATRICES:
            _set(
                getattr(self, part),
                weights.matrix(f"{name}{part}.w"),
                weights.vector(f"{name}{part}.b"),
            )
        for part in _NORMALISATIONS:
            _set(
                getattr(self, part),
                weights.vector(f"{name}{part}.w"),
                weights.vector(f"{name}{part}.b"),
            )

    def forward(self, x: Any, hidden: Any) -> Any:
        """Return x, (n, tokens, dimension), a layer on; ``hidden`` is added to attention."""
        count, length, size = x.shape
        each = size // self.heads
        query, key, value = (
            part.view(count, length, self.heads, each).transpose(1, 2)
            for part in self.qkv(x).chunk(3, -1)
        )
        attention = torch.softmax(query * each**-0.5 @ key.transpose(2, 3) + hidden, -1)
        met = (attention @ value).transpose(1, 2).reshape(count, length, size)
        x = self.aln(x + self.ao(met))
        return self.oln(x + self.fo(F.gelu(self.fi(x))))


class _Layers(nn.Module):  # type: ignore[misc, unused-ignore]  # torch is Any to the type checker
    """The first ``count`` layers (all, by default) of the bundled model."""

    def __init__(self, weights: Weights, count: int | None = None) -> None:
        super().__init__()
        self._weights = weights
        self.ln = nn.LayerNorm(weights.dimension, weights.epsilon)
        _set(self.ln, weights.vector("emb.ln.w"), weights.vector("emb.ln.b"))
        numbers = range(weights.layers if count is None else count)
        self.layers = nn.ModuleList([Layer(weights, number) for number in numbers])

    def words(self, ids: Any) -> Any:
        """Return the embeddings of tokens, (n, tokens, dimension), which stay as they are."""
        return torch.from_numpy(self._weights.words(ids.reshape(-1)).reshape(*ids.shape, -1))

    def hidden(self, x: Any, mask: Any) -> Any:
        """Return the last layer of sums of embeddings, (n, tokens, dimension); mask (n, tokens)."""
        x = self.ln(x)
        if torch.is_autocast_enabled("cpu"):
            x = x.bfloat16()  # of sums of two types every one would be widened and narrowed again
        hidden = torch.zeros(mask.shape, dtype=x.dtype).masked_fill(~mask, -1e4)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, hidden)
        return x.float()


class AnswerNetwork(_Layers):
    """The first ``layers`` layers (all, by default) of the bundled model and a head.

    The embeddings of tokens stay as they are: the product shares them with the embedder.
    """

    def __init__(self, weights: Weights, layers: int | None = None) -> None:
        super().__init__(weights, layers)
        size = weights.dimension
        self.pos = nn.Parameter(_places(weights, POSITIONS))
        self.seg = nn.Parameter(torch.zeros(ROLES, size))
        self.head = nn.Linear(2 * size, 1)
        nn.init.normal_(self.head.weight, std=_SPREAD)
        self.head.weight.data[:, size:] = _SLOPE / size**0.5
        self.head.bias.data[:] = _SHIFT

    def freeze(self, count: int) -> None:
        """Let the first ``count`` layers, and what comes before them, stay as they are.

        Steps backwards end there, so they take less time. Raises ValueError where there aren't as
        many layers.
        """
        if not 0 <= count <= len(self.layers):
            raise ValueError(f"there are {len(self.layers)} layers, not {count}")
        if count:
            for part in (self.pos, self.seg, self.ln, *self.layers[:count]):
                part.requires_grad_(False)

    def forward(self, items: Sequence[Pair]) -> Any:
        """Return the log-odds, shape (n,), that each statement answers its question."""
        ids, segments, mask = _padded(items, self._weights.padding)
        x = self.hidden(self.words(ids) + self.pos[: ids.shape[1]] + self.seg[segments], mask)
        question, statement = (
            F.normalize((x * ((segments == segment) & mask)[..., None]).sum(1), dim=-1)
            for segment in (0, 1)
        )
        product = question * statement * x.shape[-1] ** 0.5
        return self.head(torch.cat([x[:, 0], product], -1)).squeeze(-1)

    def read(self, items: Sequence[Pair], *, parts: int = 3) -> Any:
        """Return the same in their order, read in parts of like length: little is padding."""
        order = sorted(range(len(items)), key=lambda at: len(items[at]))
        size = max(1, len(items) // max(1, parts))
        scores = torch.cat(
            [
                self([items[at] for at in order[start : start + size]])
                for start in range(0, len(order), size)
            ]
        )
        return scores[torch.from_numpy(np.argsort(order))]


class QuestionNetwork(_Layers):
    """The layers of the bundled model, which learn to read questions; places and words stay."""

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self._places = _places(weights, weights.positions)

    def forward(self, texts: Sequence[Sequence[int]]) -> Any:
        """Return the mean of each text's tokens as a unit vector, shape (n, dimension)."""
        items = [Pair(tuple(text), (0,) * len(text)) for text in texts]
        ids, _, mask = _padded(items, self._weights.padding)
        x = self.hidden(self.words(ids) + self._places[: ids.shape[1]], mask)
        return F.normalize((x * mask[..., None]).sum(1), dim=-1)


def _places(weights: Weights, count: int) -> Any:
    """Return the first positions' embeddings, (count, dimension)."""
    places = weights.vector("emb.pos").reshape(weights.positions, -1)[:count]
    # A text is of the first type throughout, so that is part of each position.
    return torch.from_numpy(places + weights.vector("emb.type")[: weights.dimension])


def resume(network: AnswerNetwork, path: Path) -> None:
    """Give a network the weights of a graph that was written, as exact as int8 kept them.

    A role that the graph doesn't know begins like its last one. Raises ValueError where the graph
    has another number of layers.
    """
    graph = _Graph(path)
    size = network.pos.shape[1]
    linears, normalisations = graph.linears(), graph.normalisations()
    each = 1 + len(_MATRICES)
    if len(linears) != each * len(network.layers):
        raise ValueError(f"{path} hasn't {len(network.layers)} layers")
    _set(network.ln, *normalisations[0])
    for number, layer in enumerate(network.layers):
        own = linears[each * number : each * (number + 1)]
        for name, (matrix, bias) in zip(("qkv", *_MATRICES), own, strict=True):
            _set(getattr(layer, name), matrix, bias)
        for name, both in zip(_NORMALISATIONS, normalisations[2 * number + 1 :], strict=False):
            _set(getattr(layer, name), *both)
    network.pos.data = torch.from_numpy(graph.constant("Slice", 0))
    roles, head = graph.constants("MatMul")
    more = np.repeat(roles[-1:], ROLES - len(roles), axis=0)
    network.seg.data = torch.from_numpy(np.concatenate([roles, more]))
    weight = head.T.copy()
    weight[:, size:] /= size**0.5
    _set(network.head, weight, graph.constants("Add")[-1])


class _Graph:
    """The constants of a graph that ``kb.embedding.answer_model.build`` made."""

    def __init__(self, path: Path) -> None:
        import onnx
        from onnx import numpy_helper

        graph = onnx.load(path).graph
        self._nodes = list(graph.node)
        self._values = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
        self._made_by = {name: node for node in graph.node for name in node.output}

    def constants(self, kind: str) -> list[Floats]:
        """Return the second inputs of nodes of a kind, of those that are constants."""
        nodes = [node for node in self._nodes if node.op_type == kind]
        return [
            self._values[node.input[1]].copy() for node in nodes if node.input[1] in self._values
        ]

    def constant(self, kind: str, at: int) -> Floats:
        """Return an input of the only node of a kind."""
        (node,) = (node for node in self._nodes if node.op_type == kind)
        return self._values[node.input[at]].copy()

    def linears(self) -> list[tuple[Floats, Floats]]:
        """Return each linear map, (outputs, inputs), and its bias."""
        found = []
        for node in self._nodes:
            if node.op_type == "DynamicQuantizeMatMul":
                rounded, scales, bias = (self._values[node.input[at]] for at in (1, 2, 4))
                matrix = rounded.T.astype(np.float32) * scales[:, None]
                before = self._made_by.get(node.input[0])
                if before is not None and before.op_type == "Mul":
                    matrix = matrix * self._values[before.input[1]]  # of loud columns
                found.append((matrix, bias.copy()))
        return found

    def normalisations(self) -> list[tuple[Floats, Floats]]:
        """Return scale and shift of each normalisation."""
        return [
            (self._values[node.input[1]].copy(), self._values[node.input[2]].copy())
            for node in self._nodes
            if node.op_type == "LayerNormalization"
        ]


def _set(module: Any, weight: Floats, bias: Floats) -> None:
    module.weight.data = torch.from_numpy(np.ascontiguousarray(weight))
    module.bias.data = torch.from_numpy(np.ascontiguousarray(bias))


def _padded(items: Sequence[Pair], padding: int) -> tuple[Any, Any, Any]:
    """Return numbers of tokens (numpy), segments and which are there (torch): (n, longest)."""
    shape = len(items), max(map(len, items))
    ids = np.full(shape, padding, np.int64)
    segments = np.zeros(shape, np.int64)
    mask = np.zeros(shape, np.bool_)
    for row, one in enumerate(items):
        ids[row, : len(one)] = one.tokens
        segments[row, : len(one)] = one.roles
        mask[row, : len(one)] = True
    return ids, torch.from_numpy(segments), torch.from_numpy(mask)


_NAMED = {
    "pos": "emb.pos",
    "seg": "emb.seg",
    "ln.weight": "emb.ln.w",
    "ln.bias": "emb.ln.b",
    "head.weight": "head.w",
    "head.bias": "head.b",
}


class Trained:
    """The weights of a trained network by the names of ``kb.embedding.weights``, float32.

    Beside the layers' there are ``emb.ln.w`` and ``emb.ln.b``, and of an ``AnswerNetwork``
    ``emb.pos`` (POSITIONS × dimension), ``emb.seg`` (ROLES × dimension), ``head.w`` (2 ×
    dimension) and ``head.b`` (1).
    """

    def __init__(self, state: Mapping[str, Any], *, heads: int) -> None:
        values = {name: tensor.detach().float().cpu().numpy() for name, tensor in state.items()}
        self.heads = heads
        self.layers = sum(name.endswith(".qkv.weight") for name in values)
        self._arrays: dict[str, Floats] = {
            name: values[own] for own, name in _NAMED.items() if own in values
        }
        for number in range(self.layers):
            own, name = f"layers.{number}.", f"l{number}."
            for kind, short in (("weight", "w"), ("bias", "b")):
                together = np.split(values[f"{own}qkv.{kind}"], len(_QKV))
                for part, values_of in zip(_QKV, together, strict=True):
                    self._arrays[f"{name}{part}.{short}"] = values_of
                for part in (*_MATRICES, *_NORMALISATIONS):
                    self._arrays[f"{name}{part}.{short}"] = values[f"{own}{part}.{kind}"]

    def matrix(self, name: str) -> Floats:
        """Return a matrix, shape (outputs, inputs)."""
        return self._arrays[name]

    def vector(self, name: str) -> Floats:
        """Return a flat tensor."""
        return self._arrays[name].reshape(-1)
