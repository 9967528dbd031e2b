"""Vectors in the catalogue: what is embedded, what waits, and what the index must be told.

A vector is kept under the digest of its text and the model's number, as float16 (the cosine of
two of them differs from float32's by less than .0005), so the same sentence in two documents,
or a document that comes back, is embedded once. Each change leaves an entry in the outbox,
which the vector index carries out; the two can't drift apart for longer than one flush.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kb.catalogue import ITEM_KINDS, Catalogue, ItemKind, embedded_text
from kb.model import Span
from kb.passages import chunks
from kb.protocols import Matrix

HalfMatrix = npt.NDArray[np.float16]
"""Unit vectors as they are kept, shape (n, dimension)."""

_COMPARED_AT_ONCE = 10_000
_WRITTEN = "vectors-written"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Something that still has to be embedded."""

    row: int
    digest: bytes
    text: str


class Embeddings:
    """The vectors of one model over one catalogue.

    CROSS JOIN keeps the order of the tables: the few items asked for first, then the vector of
    each. Left to choose, SQLite walks all vectors of the model (600 ms instead of 4).
    """

    def __init__(self, catalogue: Catalogue, *, fingerprint: str) -> None:
        self._catalogue = catalogue
        self.fingerprint = fingerprint
        self.model = _model_number(catalogue, fingerprint)

    def pending(self, kind: ItemKind, *, after: int, limit: int) -> list[Pending]:
        """Return what of a kind has no vector of this model yet, in order of rows above ``after``.

        Texts come from the spans, so what is embedded is what is quoted; a passage's text
        carries its context (see ``embedded_text``). The same text is returned once.
        """
        owner = (
            "passage" if kind == "passage" else "sentence JOIN passage ON passage.row = passage_row"
        )
        with self._catalogue.snapshot():
            rows = self._catalogue.connection.execute(
                f"SELECT {kind}.row, {kind}.digest, {kind}.start, {kind}.end, heading, document_id "
                f"FROM {owner} LEFT JOIN embedding ON embedding.digest = {kind}.digest "
                f"AND model = ? WHERE embedding.row IS NULL AND {kind}.row > ? "
                f"ORDER BY {kind}.row LIMIT ?",
                (self.model, after, limit),
            ).fetchall()
            # Cut here: SQLite would read a document's whole text for each of its sentences.
            whole = self._catalogue.document_texts({row["document_id"] for row in rows})
        texts = []
        for row in rows:
            words = whole[row["document_id"]][row["start"] : row["end"]]
            heading = tuple(json.loads(row["heading"])) if kind == "passage" else ()
            texts.append(embedded_text(words, heading))
        waiting: dict[bytes, Pending] = {}
        for row, text in zip(rows, texts, strict=True):
            digest = bytes(row["digest"])
            waiting.setdefault(digest, Pending(row=row["row"], digest=digest, text=text))
        return list(waiting.values())

    def pending_count(self, kind: ItemKind) -> int:
        """Return how many items of a kind have no vector of this model yet."""
        count: int = self._catalogue.connection.execute(
            f"SELECT count(*) FROM {kind} WHERE NOT EXISTS (SELECT 1 FROM embedding "
            f"WHERE embedding.model = ? AND embedding.digest = {kind}.digest)",
            (self.model,),
        ).fetchone()[0]
        return count

    def put_embeddings(self, *, digests: Sequence[bytes], vectors: Matrix) -> None:
        """Keep vectors, shape (len(digests), dimension), and tell the outbox of their items.

        A text can be a passage here and a sentence there, so both kinds are told.
        """
        with self._catalogue.transaction() as connection:
            for digest, vector in zip(digests, vectors, strict=True):
                connection.execute(
                    "INSERT OR REPLACE INTO embedding (model, digest, vector) VALUES (?, ?, ?)",
                    (self.model, digest, vector.astype("<f2").tobytes()),
                )
                for kind in ITEM_KINDS:
                    connection.execute(
                        f"INSERT INTO outbox (collection, item, action) SELECT '{kind}', row, "
                        f"'put' FROM {kind} WHERE digest = ?",
                        (digest,),
                    )
            self._catalogue.raise_generation()

    def post_known(self, kind: ItemKind, passage_rows: Sequence[int]) -> None:
        """Tell the outbox of new passages' items whose vectors are already kept."""
        owner = "passage.row" if kind == "passage" else "sentence.passage_row"
        with self._catalogue.transaction() as connection:
            for chunk in chunks(passage_rows, 500):
                connection.execute(
                    f"INSERT INTO outbox (collection, item, action) SELECT '{kind}', {kind}.row, "
                    f"'put' FROM {kind} CROSS JOIN embedding ON embedding.digest = {kind}.digest "
                    f"AND model = ? WHERE {owner} IN ({','.join('?' * len(chunk))})",
                    (self.model, *chunk),
                )

    def post_all(self) -> None:
        """Tell the outbox of every item that has a vector: the vector index is built anew."""
        with self._catalogue.transaction() as connection:
            connection.execute("DELETE FROM outbox")
            for kind in ITEM_KINDS:
                connection.execute(
                    f"INSERT INTO outbox (collection, item, action) SELECT '{kind}', {kind}.row, "
                    f"'put' FROM {kind} CROSS JOIN embedding ON embedding.digest = {kind}.digest "
                    "AND model = ?",
                    (self.model,),
                )

    def outbox(self, limit: int) -> list[tuple[int, ItemKind, int, str]]:
        """Return the oldest entries: number, collection, item's row, 'put' or 'remove'."""
        return [
            (row[0], row[1], row[2], row[3])
            for row in self._catalogue.connection.execute(
                "SELECT number, collection, item, action FROM outbox ORDER BY number LIMIT ?",
                (limit,),
            )
        ]

    def clear_outbox(self, up_to: int) -> None:
        """Forget the entries that the vector index has carried out, and tell the readers."""
        with self._catalogue.transaction() as connection:
            connection.execute("DELETE FROM outbox WHERE number <= ?", (up_to,))
            self._catalogue.set_meta(_WRITTEN, str(self.written + 1).encode())
            self._catalogue.raise_generation()

    @property
    def written(self) -> int:
        """A number that rises whenever the vector index was changed, by any process."""
        return int(self._catalogue.get_meta(_WRITTEN) or b"0")

    def expected(self) -> dict[ItemKind, tuple[int, int]]:
        """Return of each kind how many items have a vector and how many the outbox names.

        Both as of one instant: documents may be coming in meanwhile.
        """
        with self._catalogue.snapshot():
            posted = self.posted()
            return {kind: (self.item_count(kind), posted[kind]) for kind in ITEM_KINDS}

    def vectors(
        self, kind: ItemKind, rows: Sequence[int] | None = None
    ) -> tuple[npt.NDArray[np.int64], Matrix]:
        """Return vectors of items: their rows, shape (n,), and a matrix (n, dimension).

        ``rows`` limits them to some items' rows; items without a vector are left out.
        """
        return _matrix(list(self._kept(kind, rows)))

    def _kept(self, kind: ItemKind, rows: Sequence[int] | None) -> Iterator[tuple[int, bytes]]:
        """Yield items' rows and vectors as they are kept, of all items where no rows are given."""
        connection = self._catalogue.connection
        select = (
            f"SELECT {kind}.row, vector FROM {kind} CROSS JOIN embedding "
            f"ON embedding.digest = {kind}.digest AND model = ?"
        )
        if rows is None:
            yield from connection.execute(select, (self.model,))
            return
        for chunk in chunks(rows, 500):
            yield from connection.execute(
                f"{select} WHERE {kind}.row IN ({','.join('?' * len(chunk))})",
                (self.model, *chunk),
            )

    def nearest(
        self, kind: ItemKind, query: npt.NDArray[np.float32], *, k: int
    ) -> npt.NDArray[np.int64]:
        """Return the rows of the k items of largest inner product with ``query`` (dimension,).

        Every vector is compared, a part at a time, so memory doesn't grow with the collection;
        some 2 s for 100,000 items.
        """
        cursor = self._catalogue.connection.execute(
            f"SELECT {kind}.row, vector FROM {kind} CROSS JOIN embedding "
            f"ON embedding.digest = {kind}.digest AND model = ?",
            (self.model,),
        )
        best_rows, best_scores = np.empty(0, np.int64), np.empty(0, np.float32)
        while part := cursor.fetchmany(_COMPARED_AT_ONCE):
            rows, matrix = _matrix([(row[0], row[1]) for row in part])
            rows = np.concatenate([best_rows, rows])
            scores = np.concatenate([best_scores, matrix @ query])
            best = np.argsort(-scores, kind="stable")[:k]
            best_rows, best_scores = rows[best], scores[best]
        return best_rows

    def posted(self) -> dict[ItemKind, int]:
        """Return how many items of each kind the outbox names."""
        found = dict(
            self._catalogue.connection.execute(
                "SELECT collection, count(DISTINCT item) FROM outbox GROUP BY collection"
            ).fetchall()
        )
        return {kind: found.get(kind, 0) for kind in ITEM_KINDS}

    def passage_vectors(self, passage_rows: Sequence[int]) -> dict[int, HalfMatrix]:
        """Return the vectors of passages as they are kept, each (1, dimension), by row."""
        return {
            row: np.frombuffer(vector, dtype="<f2")[np.newaxis]
            for row, vector in self._kept("passage", passage_rows)
        }

    def sentence_vectors(
        self, passage_rows: Sequence[int]
    ) -> dict[int, tuple[tuple[Span, ...], HalfMatrix]]:
        """Return the spans and the kept vectors (spans, dimension) of passages' sentences."""
        spans: dict[int, list[Span]] = {}
        vectors: dict[int, list[bytes]] = {}
        for chunk in chunks(passage_rows, 500):
            for row, start, end, vector in self._catalogue.connection.execute(
                "SELECT passage_row, start, end, vector FROM sentence CROSS JOIN embedding "
                "ON embedding.digest = sentence.digest AND model = ? "
                f"WHERE passage_row IN ({','.join('?' * len(chunk))}) ORDER BY sentence.row",
                (self.model, *chunk),
            ):
                spans.setdefault(row, []).append(Span(start, end))
                vectors.setdefault(row, []).append(vector)
        return {
            row: (
                tuple(spans[row]),
                np.frombuffer(b"".join(parts), dtype="<f2").reshape(len(parts), -1),
            )
            for row, parts in vectors.items()
        }

    def sentence_owners(self, rows: Sequence[int]) -> dict[int, int]:
        """Return the passage row of each sentence row that is there."""
        owners: dict[int, int] = {}
        for chunk in chunks(rows, 500):
            owners.update(
                (r[0], r[1])
                for r in self._catalogue.connection.execute(
                    "SELECT row, passage_row FROM sentence "
                    f"WHERE row IN ({','.join('?' * len(chunk))})",
                    chunk,
                )
            )
        return owners

    def sample_vectors(self, *, limit: int) -> tuple[list[str], Matrix]:
        """Return a steady sample of passage vectors with their languages.

        Ordered by digest, which is as good as random and doesn't depend on when a passage came.
        """
        found = self._catalogue.connection.execute(
            "SELECT language, vector FROM passage CROSS JOIN embedding "
            "ON embedding.digest = passage.digest AND model = ? ORDER BY passage.digest LIMIT ?",
            (self.model, limit),
        ).fetchall()
        _, matrix = _matrix([(0, row[1]) for row in found])
        return [row[0] for row in found], matrix

    def item_rows(self, kind: ItemKind) -> npt.NDArray[np.int64]:
        """Return the rows of all items of a kind that have a vector, ascending."""
        rows = self._catalogue.connection.execute(
            f"SELECT {kind}.row FROM {kind} CROSS JOIN embedding "
            f"ON embedding.digest = {kind}.digest AND model = ? ORDER BY {kind}.row",
            (self.model,),
        ).fetchall()
        return np.array([row[0] for row in rows], dtype=np.int64)

    def item_count(self, kind: ItemKind) -> int:
        """Return how many items of a kind have a vector."""
        count: int = self._catalogue.connection.execute(
            f"SELECT count(*) FROM {kind} CROSS JOIN embedding "
            f"ON embedding.digest = {kind}.digest AND model = ?",
            (self.model,),
        ).fetchone()[0]
        return count


def _model_number(catalogue: Catalogue, fingerprint: str) -> int:
    """Return the number under which a model's vectors are kept; a new model gets the next."""
    key = f"model:{fingerprint}"
    found = catalogue.get_meta(key)
    if found is not None:
        return int(found)
    with catalogue.transaction() as connection:
        found = catalogue.get_meta(key)  # another process may have been quicker
        if found is not None:
            return int(found)
        models: int = connection.execute(
            "SELECT count(*) FROM meta WHERE key LIKE 'model:%'"
        ).fetchone()[0]
        catalogue.set_meta(key, str(models + 1).encode())
        return models + 1


def _matrix(found: Sequence[tuple[int, bytes]]) -> tuple[npt.NDArray[np.int64], Matrix]:
    if not found:
        return np.empty(0, np.int64), np.empty((0, 0), np.float32)
    rows = np.array([row for row, _ in found], dtype=np.int64)
    matrix = np.frombuffer(b"".join(vector for _, vector in found), dtype="<f2")
    return rows, matrix.reshape(len(found), -1).astype(np.float32)
