"""Binary COPY from Arrow batches: the quickest way into PostgreSQL."""

from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pyarrow as pa
from pgpq import ArrowToPostgresBinaryEncoder
from pgpq.encoders import StringEncoderBuilder
from pgpq.schema import Jsonb
from psycopg import sql

from sluice.security import lake

BATCH_ROWS = 4_096  # about 1 MB: what is encoded is sent while it is in the cache


class BinaryCopy:
    """One open ``COPY ... FROM STDIN (FORMAT BINARY)``; Arrow columns named in ``types`` go to that table.

    ``types`` maps each column to its PostgreSQL type, which decides how text is sent (text, jsonb, uuid).
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        table: sql.Composable,
        types: dict[str, str],
        schema: pa.Schema,
        *,
        freeze: bool = False,
    ) -> None:
        self._names = [name for name in schema.names if name in types]
        self._uuids = [n for n in self._names if types[n] == "uuid"]
        wire = self._as_sent(schema.empty_table().select(self._names)).schema
        self._encoder = ArrowToPostgresBinaryEncoder.new_with_encoders(
            wire, {field.name: _encoder(field, types[field.name]) for field in wire}
        )
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY{})").format(
            table,
            sql.SQL(", ").join(map(sql.Identifier, self._names)),
            sql.SQL(", FREEZE" if freeze else ""),
        )
        self._cursor = connection.cursor()
        self._context = self._cursor.copy(statement)
        self._copy = self._context.__enter__()
        self._copy.write(self._encoder.write_header())

    def write(self, batch: pa.RecordBatch) -> None:
        """Send one batch. Raises psycopg errors as they come."""
        sent = self._as_sent(pa.Table.from_batches([batch]).select(self._names))
        for part in sent.to_batches(max_chunksize=BATCH_ROWS):
            self._copy.write(self._encoder.write_batch(part))

    def finish(self) -> int:
        """End the COPY; returns the rows that PostgreSQL counted. The transaction stays open."""
        self._copy.write(self._encoder.finish())
        self._context.__exit__(None, None, None)
        return self._cursor.rowcount

    def abandon(self) -> None:
        """Make the server give up the COPY, so that the connection can be used again."""
        # psycopg would send the text of our own error to the server, and it may hold values.
        reason = RuntimeError("its rows could not be read or sent")
        with suppress(psycopg.Error):
            self._context.__exit__(RuntimeError, reason, None)

    def _as_sent(self, table: pa.Table) -> pa.Table:
        for name in self._uuids:
            at = table.schema.get_field_index(name)
            table = table.set_column(at, name, _uuid_bytes(table.column(name)))
        return table


def _encoder(field: pa.Field, postgres_type: str) -> object:
    if postgres_type == "jsonb":
        return StringEncoderBuilder.new_with_output(field, Jsonb())
    return ArrowToPostgresBinaryEncoder.infer_encoder(field)


def _uuid_bytes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    packed = [
        None if v is None else bytes.fromhex(v.strip("{}").replace("-", "")) for v in column.to_pylist()
    ]
    return pa.chunked_array([pa.array(packed, pa.binary(16))])


def copy_batches(
    connection: psycopg.Connection,
    table: sql.Composable,
    types: dict[str, str],
    batches: Iterator[pa.RecordBatch],
    *,
    freeze: bool = False,
) -> int:
    """COPY all batches into ``table`` within the connection's transaction; returns the row count."""
    copy: BinaryCopy | None = None
    try:
        for batch in batches:
            copy = copy or BinaryCopy(connection, table, types, batch.schema, freeze=freeze)
            copy.write(batch)
    except BaseException:
        if copy:
            copy.abandon()
        raise
    return copy.finish() if copy else 0


def parquet_batches(path: Path, columns: list[str] | None = None) -> Generator[pa.RecordBatch, None, None]:
    """The named columns of a Parquet file (None: all), batch by batch, in order.

    No batch spans row groups: their writer has made them shorter where the rows are wide.
    """
    with lake.parquet(path, pre_buffer=False) as file:  # it would hold the whole file
        for group in range(file.num_row_groups):
            yield from file.iter_batches(8 * BATCH_ROWS, row_groups=[group], columns=columns)
