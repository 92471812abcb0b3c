"""A dataset table as it stands: read from PostgreSQL's catalog."""

import json
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from sluice.warehouse.columns import Field, Key, Reference
from sluice.warehouse.connection import Connection

_FIELDS = """
SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_KEYS = """
SELECT conname, contype = 'p', ARRAY(
    SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY place)
FROM pg_constraint WHERE conrelid = %s AND contype IN ('p', 'u') ORDER BY conname
"""
# Only foreign keys of our own shape: the organization and one column.
_REFERENCES = """
SELECT conname, here.attname, nspname, relname, there.attname FROM pg_constraint
JOIN pg_class ON pg_class.oid = confrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
JOIN pg_attribute here ON here.attrelid = conrelid AND here.attnum = conkey[2]
JOIN pg_attribute there ON there.attrelid = confrelid AND there.attnum = confkey[2]
WHERE conrelid = %s AND contype = 'f' AND cardinality(conkey) = 2 ORDER BY conname
"""


@dataclass(frozen=True, slots=True)
class Live:
    """A table of the warehouse."""

    fields: dict[str, Field]
    keys: tuple[Key, ...]
    references: tuple[Reference, ...]
    empty: bool


def read(connection: Connection, schema: str, table: str) -> Live | None:
    """The table as it stands, or None if there is none."""
    oid = _oid(connection, schema, table)
    if oid is None:
        return None
    columns = connection.execute(_FIELDS, [oid]).fetchall()
    return Live(
        fields={row[0]: Field(*row) for row in columns},
        keys=live_keys(connection, oid),
        references=tuple(Reference(*row) for row in connection.execute(_REFERENCES, [oid]).fetchall()),
        empty=_is_empty(connection, schema, table),
    )


def live_keys(connection: Connection, oid: int) -> tuple[Key, ...]:
    """Primary key and unique constraints of a table."""
    rows = connection.execute(_KEYS, [oid]).fetchall()
    return tuple(Key(name, tuple(columns), primary) for name, primary, columns in rows)


def has_key(connection: Connection, schema: str, table: str, columns: set[str]) -> bool:
    """Whether the table exists with a key of exactly these columns: a foreign key may then refer to it."""
    oid = _oid(connection, schema, table)
    return oid is not None and any(set(key.columns) == columns for key in live_keys(connection, oid))


def mark(connection: Connection, schema: str, table: str) -> dict[str, Any] | None:
    """What ``datasets.migrate`` noted in the table's comment, {} if nothing, None if there is no table."""
    row = connection.execute(
        "SELECT obj_description(oid, 'pg_class') FROM (SELECT to_regclass(%s)::oid AS oid) t"
        " WHERE oid IS NOT NULL",
        [sql.Identifier(schema, table).as_string(connection)],
    ).fetchone()
    if row is None:
        return None
    try:
        found = json.loads(row[0] or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _oid(connection: Connection, schema: str, table: str) -> int | None:
    name = sql.Identifier(schema, table).as_string(connection)
    row = connection.execute("SELECT to_regclass(%s)::oid::bigint", [name]).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def _is_empty(connection: Connection, schema: str, table: str) -> bool:
    query = sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(schema, table))
    return connection.execute(query).fetchone() is None
