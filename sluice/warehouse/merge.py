"""Moves the rows of an incoming table into a dataset table: append, upsert, replace; all in SQL.

Every function works inside the caller's transaction, which must hold the table's write lock (so that row
addresses, ``ctid``, stand still). Nothing here commits.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg import sql

from sluice.contracts.model import Contract
from sluice.warehouse.columns import column_types
from sluice.warehouse.incoming import exists
from sluice.warehouse.swap import obstacles, prepare, swap

LINEAGE = ("organization_id", "_load_id", "_record_no")
REBUILD_SHARE = 0.25  # of the table's rows: above it, writing the table anew beats updating it in place


@dataclass(frozen=True, slots=True)
class Merge:
    """The two tables of one publish. ``rows``: how many rows ``incoming`` holds."""

    connection: psycopg.Connection
    contract: Contract
    incoming: sql.Identifier
    organization_id: int
    rows: int

    @property
    def target(self) -> sql.Identifier:
        return sql.Identifier(self.contract.schema, self.contract.table)

    @property
    def names(self) -> tuple[str, ...]:
        """All columns that Sluice writes."""
        return tuple(column_types(self.contract))

    def run(self, text: str, *args: object, **parts: sql.Composable) -> psycopg.Cursor:
        """Execute ``text`` with tables and parts composed in; ``%s`` values are bound."""
        composed = sql.SQL(text).format(incoming=self.incoming, target=self.target, **parts)
        return self.connection.execute(composed, args or None)


def unique_keys(contract: Contract) -> list[tuple[str, ...]]:
    """Every group of columns that must be unique within an organization, match keys first."""
    keys = [*contract.match_keys, contract.primary_key, *((c.name,) for c in contract.columns if c.unique)]
    return [key for key in dict.fromkeys(keys) if key]


def same(key: Sequence[str], left: str, right: str) -> sql.Composed:
    """SQL: both rows are of one organization and their keys are equal and not null."""
    pairs = [
        sql.SQL("{}.{} = {}.{}").format(*_both(left, right, column)) for column in ("organization_id", *key)
    ]
    return sql.SQL(" AND ").join(pairs)


def _both(left: str, right: str, column: str) -> list[sql.Composable]:
    name = sql.Identifier(column)
    return [sql.Identifier(left), name, sql.Identifier(right), name]


def listed(names: Iterable[str], prefix: str | None = None) -> sql.Composed:
    """Column names, separated by commas, each behind ``prefix.`` where given."""
    return sql.SQL(", ").join(sql.Identifier(*([prefix] if prefix else []), name) for name in names)


def discard(merge: Merge, doomed: sql.Identifier) -> int:
    """Delete the rows that ``doomed`` lists by ``_load_id, _record_no``; returns how many went."""
    text = "DELETE FROM {incoming} i USING {doomed} d WHERE i._load_id = d._load_id AND i._record_no = d._record_no"
    return merge.run(text, doomed=doomed).rowcount


def is_empty(connection: psycopg.Connection, target: sql.Identifier) -> bool:
    """Whether the dataset table holds no row of any organization."""
    return connection.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(target)).fetchone() is None


def prepare_to_replace(
    connection: psycopg.Connection, contract: Contract, incoming: sql.Identifier, mode: str
) -> bool:
    """Build the keys of ``incoming`` early where it will take the table's place; returns whether it did.

    It is only a head start: where the rows turn out to break a key, nothing is changed.
    """
    merge = Merge(connection, contract, incoming, organization_id=0, rows=0)
    standing = mode == "upsert" or (mode == "append" and not is_empty(connection, merge.target))
    if standing or not exists(connection, incoming) or obstacles(connection, merge.target):
        return False
    connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
    if (os.cpu_count() or 1) < 4 and connection.info.host.startswith("/"):
        # The audit runs meanwhile on the same few cores, and parallel workers cost more than they bring then.
        connection.execute("SET LOCAL max_parallel_maintenance_workers = 0")
    with suppress(psycopg.errors.IntegrityError), connection.transaction():
        prepare(connection, incoming, merge.target)
        return True
    return False


def append(merge: Merge) -> None:
    """Add all incoming rows. Raises psycopg.errors.UniqueViolation where a key already stands."""
    if not (is_empty(merge.connection, merge.target) and took_place(merge)):
        _insert(merge)


def replace(merge: Merge) -> None:
    """Make the incoming rows the organization's only rows."""
    others = merge.run(
        "SELECT count(*) FROM (SELECT FROM {target} WHERE organization_id <> %s LIMIT %s) o",
        merge.organization_id,
        merge.rows + 1,
    ).fetchone()
    # The tables have the same columns in the same order, so rows carry over whole.
    carry = sql.SQL("organization_id <> {}").format(sql.Literal(merge.organization_id))
    if not (others and others[0] <= merge.rows and took_place(merge, carry)):
        merge.run("DELETE FROM {target} WHERE organization_id = %s", merge.organization_id)
        _insert(merge)


def standing(merge: Merge, into: sql.Identifier) -> None:
    """List in ``into`` the incoming rows whose key stands in the table already."""
    for key in unique_keys(merge.contract):
        merge.run(
            "INSERT INTO {into} SELECT i._load_id, i._record_no, {key}, t._load_id, t._record_no"
            " FROM {incoming} i JOIN {target} t ON {same} ON CONFLICT DO NOTHING",
            into=into,
            key=sql.Literal(", ".join(key)),
            same=same(key, "i", "t"),
        )


def _insert(merge: Merge) -> None:
    merge.run(
        "INSERT INTO {target} ({names}) SELECT {names} FROM {incoming}",
        names=listed(merge.names),
    )


def took_place(merge: Merge, carry: sql.Composable | None = None) -> bool:
    """Complete ``incoming`` with the standing rows ``t`` that ``carry`` selects, and let it take the table's place.

    Returns False, with nothing changed, where something hangs on the table or somebody goes on reading it.
    """
    if obstacles(merge.connection, merge.target):
        return False
    try:
        with merge.connection.transaction():
            if carry is not None:
                merge.run("INSERT INTO {incoming} SELECT t.* FROM {target} t WHERE {carry}", carry=carry)
            swap(merge.connection, merge.incoming, merge.target, merge.contract.schema, merge.contract.table)
    except psycopg.errors.LockNotAvailable:
        return False
    return True
