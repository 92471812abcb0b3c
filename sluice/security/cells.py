"""Seals the protected cells of rows, batch by batch, and opens them again.

Of a row, all protected values stand together in ``_sealed``: a kind, which key, a nonce, and AES-256-GCM of their
names and texts; authenticated with it are the organization and the dataset. The columns themselves keep a mark: a
keyed blind index where rows are found or referred to by the value, else nothing but that there is one.

The values of the row's plain keys are sealed along, so a sealed cell that was put into another row is found out. In a
dataset with a key the nonce is made from the content: a row that comes again unchanged is sealed to the same bytes,
and so stays as it is. Whoever reads the table sees from that whether a record's protected values have changed, and
nothing across records, for each has a key of its own in it. Without a key nonces are random.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sluice.errors import SetupError
from sluice.security.beside import Beside
from sluice.security.lock import NONCE, lock
from sluice.security.ring import Ring

SEALED, EXTRA = "_sealed", "_extra"
MASK = "***"
ERASED = "(erased)"
EXTRA_MASK = json.dumps(MASK)
TOKEN = 16  # bytes
SOME = 30_000  # rows after which a process beside this one seals
_BY_DATA_KEY, _BY_SUBJECT = b"\x01", b"\x02"
_HEAD = {_BY_DATA_KEY: 5, _BY_SUBJECT: 1 + TOKEN}  # bytes before the nonce
_ARROW = {
    "SMALLINT": pa.int16(), "INTEGER": pa.int32(), "BIGINT": pa.int64(), "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(), "BOOLEAN": pa.bool_(), "DATE": pa.date32(), "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMPTZ": pa.timestamp("us", "UTC"),
}  # fmt: skip
Keys = Callable[[Sequence[bytes]], Mapping[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Shape:
    """What is sealed of a dataset's rows. ``types``: the sealed columns, each with its type in DuckDB or ``JSON``.

    ``domains``: those whose mark is a blind index, each with the name that its values share it under.
    ``bound``: the plain key columns. ``subject``: the column that says which person a row is about, '' for none.
    """

    dataset: str
    types: Mapping[str, str]
    domains: Mapping[str, str] = field(default_factory=dict)
    bound: tuple[str, ...] = ()
    subject: str = ""
    subject_domain: str = ""
    keyed: bool = True


def token(ring: Ring, domain: str, text: str) -> bytes:
    """The blind index of a value: equal for equal values of the domain, and telling nothing without the key."""
    return _index(ring, domain)(text)


def _index(ring: Ring, domain: str) -> Callable[[str], bytes]:
    # Keyed BLAKE2b is a MAC as HMAC-SHA256 is, at a third of its cost here, and there is one for each cell.
    key = hashlib.blake2b(domain.encode(), key=ring.blind, digest_size=32).digest()
    blake = hashlib.blake2b
    return lambda text: blake(text.encode(), key=key, digest_size=TOKEN).digest()


def texts(column: Any) -> Any:
    """The values as the texts that are sealed and indexed."""
    return column if pa.types.is_string(column.type) else pc.cast(column, pa.string())


def marks(ring: Ring, domain: str, column: Any) -> pa.Array:
    """The blind indexes of a column's values."""
    packed = texts(column)
    packed = packed.combine_chunks() if isinstance(packed, pa.ChunkedArray) else packed
    different = packed.dictionary_encode()
    index = _index(ring, domain)
    made = pa.array(map(index, different.dictionary.to_pylist()), pa.binary())
    return made.take(different.indices)


@dataclass(slots=True)
class Sealer:
    """Seals batches of one dataset; ``subject_keys`` gives persons' keys by their tokens, made where they lack."""

    ring: Ring
    shape: Shape
    subject_keys: Keys
    rows: int = 0
    beside: Beside | None = field(default=None, repr=False)

    def schema(self, given: pa.Schema) -> pa.Schema:
        """What ``seal`` makes of batches of this schema."""
        return self.seal(pa.RecordBatch.from_pylist([], schema=given)).schema

    def seal(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with marks in place of the values, and ``_sealed``."""
        names = [name for name in (*self.shape.types, EXTRA) if name in batch.schema.names]
        columns = {name: batch.column(name) for name in batch.schema.names}
        columns[SEALED] = self._sealed(batch, names)
        for name in names:
            columns[name] = self._mark(name, batch.column(name))
        return pa.RecordBatch.from_pydict(columns)

    def referring(self, names: Sequence[str], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Batches of the values of these columns, as ``v0``, ``v1``, ..., with marks in place of those sealed."""
        for batch in batches:
            columns = {name: batch.column(name) for name in batch.schema.names}
            for number, name in enumerate(names):
                if name in self.shape.types:
                    columns[f"v{number}"] = self._mark(name, columns[f"v{number}"])
            yield pa.RecordBatch.from_pydict(columns)

    def _mark(self, name: str, column: pa.Array) -> pa.Array:
        if name in self.shape.domains:
            return marks(self.ring, self.shape.domains[name], column)
        there, mark = pc.is_valid(column), EXTRA_MASK if name == EXTRA else b""
        kind = pa.string() if name == EXTRA else pa.binary()
        return pc.if_else(there, pa.scalar(mark, kind), pa.scalar(None, kind))

    def _sealed(self, batch: pa.RecordBatch, names: Sequence[str]) -> pa.Array:
        if not names or not batch.num_rows:
            return pa.nulls(batch.num_rows, pa.binary())
        parts: list[Any] = []
        for name in names:
            parts += [name, _cell(batch.column(name))]
        for name in self.shape.bound:
            parts += [f"={name}", _cell(batch.column(name))]
        contents = pc.binary_join_element_wise(*parts, "\0")
        valid = pc.is_valid(batch.column(names[0]))
        for name in names[1:]:
            valid = pc.or_(valid, pc.is_valid(batch.column(name)))
        self.rows += batch.num_rows
        if self.rows > SOME and self.shape.keyed and not self.shape.subject:
            return self._sealed_beside(pc.if_else(valid, contents, "").cast(pa.binary()), valid)
        given = pc.if_else(valid, contents, None).cast(pa.binary()).to_pylist()
        if self.shape.subject:
            return pa.array(self._of_persons(batch, given), pa.binary())
        seal = lock(self._data_head, self.ring.seal(self.ring.current), self._about, keyed=self.shape.keyed)
        return pa.array([None if content is None else seal(content) for content in given], pa.binary())

    def _sealed_beside(self, contents: pa.BinaryArray, valid: pa.BooleanArray) -> pa.Array:
        self.beside = self.beside or Beside()
        key = self.ring.seal(self.ring.current)
        sealed = self.beside.seal(self._data_head, key, self._about, contents)
        return pc.if_else(valid, sealed, None)

    def _of_persons(self, batch: pa.RecordBatch, contents: Sequence[bytes | None]) -> list[bytes | None]:
        persons = marks(self.ring, self.shape.subject_domain, batch.column(self.shape.subject)).to_pylist()
        keys = self.subject_keys([person for person in persons if person is not None])
        general = lock(
            self._data_head, self.ring.seal(self.ring.current), self._about, keyed=self.shape.keyed
        )
        found: list[bytes | None] = []
        for person, content in zip(persons, contents, strict=True):
            if content is None:
                found.append(None)
            elif person is None:
                found.append(general(content))
            else:
                seal = lock(_BY_SUBJECT + person, keys[person], self._about, keyed=self.shape.keyed)
                found.append(seal(content))
        return found

    @property
    def _data_head(self) -> bytes:
        return _BY_DATA_KEY + self.ring.current.to_bytes(4, "big")

    @property
    def _about(self) -> bytes:
        return about(self.ring, self.shape.dataset)


def about(ring: Ring, dataset: str) -> bytes:
    """What is authenticated along."""
    return f"{ring.organization_id}|{dataset}".encode()


def _cell(column: pa.Array) -> pa.Array:
    """Each value's text behind ``=``, and nothing for none; no text holds a NUL, which parts them."""
    return pc.fill_null(pc.binary_join_element_wise("=", texts(column), ""), "")


def seal_text(ring: Ring, dataset: str, text: str) -> bytes:
    """One text sealed by itself, with a random nonce."""
    head = _BY_DATA_KEY + ring.current.to_bytes(4, "big")
    return lock(head, ring.seal(ring.current), about(ring, dataset), keyed=False)(text.encode())


def open_text(ring: Ring, dataset: str, sealed: bytes) -> str:
    """The text that ``seal_text`` sealed. Raises SetupError."""
    return (_unlock(ring, dataset, sealed, {}) or b"").decode()


@dataclass(slots=True)
class Opener:
    """Opens the rows of one dataset; ``subject_keys`` gives the keys of persons that are still there."""

    ring: Ring
    shape: Shape
    subject_keys: Keys

    def open(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows with their values in place of the marks, without ``_sealed``.

        Those of a person whose key is gone read ``(erased)``. Raises SetupError where a row was tampered with.
        """
        persons = {bytes(row[SEALED])[1 : 1 + TOKEN] for row in rows if _is_of_person(row.get(SEALED))}
        keys = self.subject_keys(list(persons)) if persons else {}
        cells = [self._cells(row, keys) for row in rows]
        opened = [{name: value for name, value in row.items() if name != SEALED} for row in rows]
        for name, kind in {**self.shape.types, EXTRA: "JSON"}.items():
            if rows and name in rows[0]:
                for row, value in zip(opened, typed([one.get(name) for one in cells], kind), strict=True):
                    row[name] = value
        return opened

    def _cells(self, row: Mapping[str, Any], keys: Mapping[bytes, bytes]) -> dict[str, str | None]:
        names = [name for name in (*self.shape.types, EXTRA) if name in row]
        if row.get(SEALED) is None:
            if any(row[name] is not None for name in names):
                raise _tampered(self.shape.dataset)
            return {}
        content = _unlock(self.ring, self.shape.dataset, bytes(row[SEALED]), keys)
        if content is None:
            return {name: ERASED for name in names if row[name] is not None}
        parts = content.decode().split("\0")
        cells = {name: text[1:] if text else None for name, text in zip(parts[::2], parts[1::2], strict=True)}
        self._check(row, cells)
        return cells

    def _check(self, row: Mapping[str, Any], cells: Mapping[str, str | None]) -> None:
        """The marks and the plain keys of the row are those that it was sealed with."""
        for name in self.shape.types:
            if name not in row or name not in cells:
                continue
            text, mark = cells[name], row[name]
            fits = (text is None) == (mark is None)
            if fits and text is not None and mark and name in self.shape.domains:
                fits = hmac.compare_digest(token(self.ring, self.shape.domains[name], text), bytes(mark))
            if not fits:
                raise _tampered(self.shape.dataset)
        for name in self.shape.bound:
            sealed, plain = cells.get(f"={name}"), row.get(name)
            if name in row and f"={name}" in cells and not _same(sealed, plain):
                raise _tampered(self.shape.dataset)


def _same(sealed: str | None, plain: Any) -> bool:
    """Whether a value of the warehouse is the one whose text was sealed."""
    if sealed is None or plain is None:
        return sealed is None and plain is None
    return str(plain) == sealed or pa.scalar(plain).cast(pa.string()).as_py() == sealed


def _is_of_person(sealed: Any) -> bool:
    return sealed is not None and bytes(sealed)[:1] == _BY_SUBJECT


def _unlock(ring: Ring, dataset: str, sealed: bytes, subjects: Mapping[bytes, bytes]) -> bytes | None:
    """The content; None of a person whose key is gone."""
    size = _HEAD.get(sealed[:1])
    if size is None or len(sealed) < size + NONCE:
        raise _tampered(dataset)
    head, nonce, rest = sealed[:size], sealed[size : size + NONCE], sealed[size + NONCE :]
    if head[:1] == _BY_SUBJECT:
        key = subjects.get(head[1:])
        if key is None:
            return None
    else:
        key = ring.seal(int.from_bytes(head[1:], "big"))
    try:
        return AESGCM(key).decrypt(nonce, rest, head + about(ring, dataset))
    except InvalidTag:
        raise _tampered(dataset) from None


def _tampered(dataset: str) -> SetupError:
    return SetupError(
        f"{dataset}: a row's encrypted values were changed in the warehouse, or moved there from another row.",
        hint="Load the record again, or restore the table from a backup; `sluice audit` may tell who it was.",
        dataset=dataset,
    )


def typed(values: Iterable[str | None], kind: str) -> list[Any]:
    """The values of the texts; the texts themselves where they are not of that type any more."""
    given = list(values)
    try:
        if kind == "JSON":
            return [None if text is None else json.loads(text) for text in given]
        if kind == "TIME":
            return [None if text is None else time.fromisoformat(text) for text in given]
        arrow = _ARROW.get(kind) or _decimal(kind)
        return pa.array(given, pa.string()).cast(arrow).to_pylist() if arrow else given
    except (pa.ArrowException, ValueError):
        return given


def canonical(text: str, kind: str) -> str:
    """A value that somebody has written, as the text that is indexed; as it is where it is not of that type."""
    try:
        arrow = _ARROW.get(kind) or _decimal(kind)
        return str(texts(pa.array([text]).cast(arrow))[0].as_py()) if arrow else text
    except pa.ArrowException:
        return text


def _decimal(kind: str) -> pa.DataType | None:
    if not kind.startswith("DECIMAL("):
        return None
    precision, scale = kind.removeprefix("DECIMAL(").rstrip(")").split(",")
    return pa.decimal128(int(precision), int(scale))
