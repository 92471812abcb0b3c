"""Incoming tables: where a stage's rows wait, in the warehouse, for the publish."""

from collections.abc import Callable, Iterator

import psycopg
import pyarrow as pa
from psycopg import sql

from sluice.warehouse.copy import BinaryCopy, copy_batches


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
        with self._connection:  # which commits
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


def exists(connection: psycopg.Connection, table: sql.Identifier) -> bool:
    """Whether there is such a table."""
    row = connection.execute("SELECT to_regclass(%s)", [table.as_string(connection)]).fetchone()
    return row is not None and row[0] is not None


def fill(
    connection: psycopg.Connection,
    table: sql.Identifier,
    target: sql.Identifier,
    types: dict[str, str],
    batches: Iterator[pa.RecordBatch],
) -> None:
    """Make the incoming table within the caller's transaction, from rows that were staged without one."""
    create_like(connection, table, target)
    copy_batches(connection, table, types, batches, freeze=True)
