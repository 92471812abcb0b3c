"""Binary COPY from Arrow batches: the quickest way into PostgreSQL."""

from collections.abc import Callable, Iterator, Sequence

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from pgpq import ArrowToPostgresBinaryEncoder
from pgpq.encoders import StringEncoderBuilder
from pgpq.schema import Jsonb
from psycopg import sql

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
) -> int:
    """COPY all batches into ``table`` within the connection's transaction; returns the row count."""
    copy: BinaryCopy | None = None
    for batch in batches:
        copy = copy or BinaryCopy(connection, table, types, batch.schema)
        copy.write(batch)
    return copy.finish() if copy else 0


def parquet_batches(paths: Sequence[object], columns: list[str]) -> Iterator[pa.RecordBatch]:
    """The named columns of Parquet files, batch by batch, in order."""
    for path in paths:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(BATCH_ROWS, columns=columns)


class IncomingTable:
    """A heap table without keys that takes a stage's rows while they are read (a ``Sink``).

    It is made and filled in one transaction, so that COPY may write frozen rows and, where ``wal_level`` is
    minimal, skip the log. Committed at ``finish``; nobody reads it before the publish. Columns that are equal in
    all rows come from ``constants`` as defaults, which is cheaper than sending them.
    """

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        name: str,
        target: sql.Identifier,
        types: dict[str, str],
        constants: dict[str, int],
    ) -> None:
        self.table = sql.Identifier("sluice", name)
        self._connect = connect
        self._target = target
        self._types = {column: kind for column, kind in types.items() if column not in constants}
        self._constants = constants
        self._connection: psycopg.Connection | None = None
        self._copy: BinaryCopy | None = None

    def start(self, schema: pa.Schema) -> None:
        """Make the table anew and open the COPY."""
        self.abort()
        self._connection = self._connect()
        create_like(self._connection, self.table, self._target)
        self._alter_constants("SET DEFAULT {value}")
        self._copy = BinaryCopy(self._connection, self.table, self._types, schema, freeze=True)

    def write(self, batch: pa.RecordBatch) -> None:
        """Send one batch."""
        assert self._copy is not None
        self._copy.write(batch)

    def finish(self) -> None:
        """Commit the filled table."""
        assert self._copy is not None
        assert self._connection is not None
        self._copy.finish()
        self._alter_constants("DROP DEFAULT")
        self._connection.commit()
        self._connection.close()
        self._connection = None

    def abort(self) -> None:
        """Throw away what was sent. Safe to call at any time."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _alter_constants(self, action: str) -> None:
        assert self._connection is not None
        changes = [
            sql.SQL("ALTER {name} " + action).format(name=sql.Identifier(name), value=sql.Literal(value))
            for name, value in self._constants.items()
        ]
        self._connection.execute(sql.SQL("ALTER TABLE {} {}").format(self.table, sql.SQL(", ").join(changes)))


def create_like(connection: psycopg.Connection, table: sql.Identifier, target: sql.Identifier) -> None:
    """Make ``table`` with the columns of ``target``, without keys and with every column nullable."""
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
    connection.execute(
        sql.SQL(
            "CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION"
            " INCLUDING GENERATED INCLUDING COMMENTS)"
        ).format(table, target)
    )
    required = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnotnull AND attnum > 0",
        [table.as_string(connection)],
    ).fetchall()
    if required:
        drops = [sql.SQL("ALTER {} DROP NOT NULL").format(sql.Identifier(name)) for (name,) in required]
        connection.execute(sql.SQL("ALTER TABLE {} {}").format(table, sql.SQL(", ").join(drops)))
