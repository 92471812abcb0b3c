"""Dataset tables: made from contracts, and migrated where a contract changed, never at the cost of data."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg import sql

from sluice.contracts.model import Contract
from sluice.errors import SchemaConflict
from sluice.warehouse import columns, live, masked
from sluice.warehouse.columns import Reference, table_name
from sluice.warehouse.connection import Connection
from sluice.warehouse.differences import Change, TableCheck, plain_name, reference_changes, target_name
from sluice.warehouse.failures import translated

# Written into each table's comment; raise it when the lineage columns change.
LAYOUT = 1
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('sluice:dataset:' || %s, 0))"


@dataclass(frozen=True, slots=True)
class SchemaDiff:
    """All differences between a contract and its table. ``waiting``: columns whose target isn't there yet."""

    table: str
    missing: bool
    changes: tuple[Change, ...]
    waiting: tuple[str, ...] = ()

    @property
    def conflicts(self) -> tuple[Change, ...]:
        """What would lose data or can't be done."""
        return tuple(change for change in self.changes if change.advice)

    @property
    def same(self) -> bool:
        """Whether nothing is to do."""
        return not any(change.statement or change.advice for change in self.changes)

    @property
    def lines(self) -> list[str]:
        """One sentence a difference."""
        return [f"{change.text} {change.advice}".strip() for change in self.changes]


def migrate(connection: Connection, contract: Contract) -> SchemaDiff:
    """Make the dataset table, or bring it to the contract; one cheap query where the contract is unchanged.

    Raises SchemaConflict naming each difference that would lose data; nothing is changed then.
    """
    note = _note(contract, ())
    with translated():
        if live.mark(connection, contract.schema, contract.table) == note:
            return SchemaDiff(plain_name(contract), False, ())
        with connection.transaction():
            connection.execute(_LOCK, [plain_name(contract)])
            connection.execute("SET LOCAL lock_timeout = '30s'")
            diff = compare(connection, contract)
            if diff.conflicts:
                raise _conflict(diff)
            masked.take_down(connection, contract.schema, contract.table)
            _apply(connection, diff)
            if contract.ceiling:
                masked.create(connection, contract)
            comment = sql.Literal(json.dumps(_note(contract, diff.waiting)))
            connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(table_name(contract), comment))
            connection.execute("SET LOCAL lock_timeout = DEFAULT")
    return diff


def compare(connection: Connection, contract: Contract) -> SchemaDiff:
    """The differences between the contract and its table. Changes nothing."""
    with translated():
        found = live.read(connection, contract.schema, contract.table)
        waiting = [r for r in columns.references(contract) if not _reachable(connection, contract, r)]
        if found is None:
            changes = list(_creation(connection, contract))
        else:
            check = TableCheck(connection, contract, found)
            changes = [*check.obsolete(), *check.columns(), *check.missing_keys()]
        ready = [reference for reference in columns.references(contract) if reference not in waiting]
        changes += reference_changes(contract, found, ready)
        changes += [
            Change(f"{target_name(r)} has no such key yet, so {r.column} is not tied to it.") for r in waiting
        ]
    return SchemaDiff(plain_name(contract), found is None, tuple(changes), tuple(r.column for r in waiting))


def ddl(contract: Contract) -> str:
    """The ``CREATE TABLE`` statement, as text."""
    return columns.ddl(contract).as_string(None)


def _apply(connection: Connection, diff: SchemaDiff) -> None:
    for change in diff.changes:
        if change.statement is None:
            continue
        try:
            with connection.transaction():
                connection.execute(change.statement)
        except (
            psycopg.errors.FeatureNotSupported,
            psycopg.errors.DependentObjectsStillExist,
            psycopg.errors.DatatypeMismatch,
            psycopg.errors.WrongObjectType,
            psycopg.errors.ForeignKeyViolation,
        ) as cause:
            advice = f"PostgreSQL refused: {cause.diag.message_primary}."
            refused = Change(change.text, advice=advice)
            raise _conflict(SchemaDiff(diff.table, diff.missing, (refused,))) from cause


def _creation(connection: Connection, contract: Contract) -> Iterator[Change]:
    # CREATE SCHEMA IF NOT EXISTS would ask for the right to create it even where it exists.
    if (
        connection.execute("SELECT FROM pg_namespace WHERE nspname = %s", [contract.schema]).fetchone()
        is None
    ):
        create = sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(contract.schema))
        yield Change(f"schema {contract.schema} is made.", create)
    yield Change(f"table {plain_name(contract)} is made.", columns.ddl(contract))


def _reachable(connection: Connection, contract: Contract, reference: Reference) -> bool:
    needed = {"organization_id", reference.target}
    if (reference.schema, reference.table) == (contract.schema, contract.table):
        return any(set(key.columns) == needed for key in columns.keys(contract))
    return live.has_key(connection, reference.schema, reference.table, needed)


def _note(contract: Contract, waiting: tuple[str, ...]) -> dict[str, object]:
    return {
        "sluice": LAYOUT,
        "contract": contract.id,
        "version": contract.version,
        "sha256": contract.sha256,
        "waiting": list(waiting),
        "description": contract.description,
    }


def _conflict(diff: SchemaDiff) -> SchemaConflict:
    lines = [f"{change.text} {change.advice}" for change in diff.conflicts]
    return SchemaConflict(
        f"The table {diff.table} can't follow its contract:\n" + "\n".join(f"- {line}" for line in lines),
        hint="Nothing was changed.",
        table=diff.table,
        differences=lines,
    )
