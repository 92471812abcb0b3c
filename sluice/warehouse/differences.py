"""How a live table differs from its contract, and what can be done about it without losing data."""

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql

from sluice.contracts.model import Contract
from sluice.warehouse import columns, live
from sluice.warehouse.columns import Field, Key, Reference, listed, table_name
from sluice.warehouse.connection import Connection


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between a contract and its table.

    With a ``statement`` it can be made without losing anything; with ``advice`` it can't be made; with
    neither it is only told (a column that the contract dropped stays).
    """

    text: str
    statement: sql.Composed | None = None
    advice: str = ""


@dataclass(frozen=True, slots=True)
class TableCheck:
    """Compares a table that exists, looking at its rows only where a change depends on them."""

    connection: Connection
    contract: Contract
    found: live.Live

    def columns(self) -> Iterator[Change]:
        """Columns that are new, changed or gone."""
        wanted = columns.fields(self.contract)
        lineage = [name for name in columns.LINEAGE if name not in self.found.fields]
        if lineage and not self.found.empty:
            yield self._hand_made(lineage)
            wanted = [field for field in wanted if field.name not in lineage]
        for field in wanted:
            standing = self.found.fields.get(field.name)
            if standing is None:
                yield self._new(field)
            else:
                yield from self._type(field, standing)
                yield from self._null(field, standing)
        names = {field.name for field in columns.fields(self.contract)}
        for standing in self.found.fields.values():
            if standing.name not in names:
                yield self._dropped(standing)

    def _hand_made(self, lineage: list[str]) -> Change:
        table = plain_name(self.contract)
        return Change(
            f"table {table} has rows, but no column {', '.join(lineage)}: Sluice did not make it.",
            advice=f"Rename it (ALTER TABLE {table} RENAME TO {self.contract.table}_old) and load its rows"
            " through Sluice, or name another table as physicalName.",
        )

    def _new(self, field: Field) -> Change:
        text = f"column {field.name} {field.type} is added."
        if field.required and not self.found.empty:
            return Change(
                f"column {field.name} is new and required, but the table has rows.",
                advice="Make it optional in the contract, or add it by hand and fill it.",
            )
        return Change(text, self._alter("ADD COLUMN {}", columns.column_definition(field)))

    def _type(self, field: Field, standing: Field) -> Iterator[Change]:
        if field.type == standing.type:
            return
        name, kind = sql.Identifier(field.name), columns.type_sql(field)
        text = f"column {field.name} is widened from {standing.type} to {field.type}."
        if columns.widens(standing.type, field.type):
            yield Change(text, self._alter("ALTER {} TYPE {}", name, kind))
        elif self.found.empty:
            statement = self._alter("ALTER {} TYPE {} USING NULL::{}", name, kind, kind)
            yield Change(text.replace("widened", "changed"), statement)
        elif "bytea" in (field.type, standing.type):
            yield self._sealing(field, standing)
        else:
            yield Change(
                f"column {field.name} is {standing.type} in the table and {field.type} in the contract.",
                advice=f"That change could lose data: keep {standing.type} in the contract, or give the new"
                " column another name.",
            )

    def _sealing(self, field: Field, standing: Field) -> Change:
        table, sealed = plain_name(self.contract), field.type == "bytea"
        text = "encrypted in the contract and plain" if sealed else "plain in the contract and encrypted"
        return Change(
            f"column {field.name} is {text} in the table, which has rows.",
            advice=f"Set it aside (ALTER TABLE {table} RENAME TO {self.contract.table}_old), load its rows again"
            " through Sluice, and drop it then; or leave classification and sluice.ceiling as they were.",
        )

    def _null(self, field: Field, standing: Field) -> Iterator[Change]:
        name = sql.Identifier(field.name)
        if standing.required and not field.required:
            yield Change(f"column {field.name} may be null now.", self._alter("ALTER {} DROP NOT NULL", name))
        if standing.required or not field.required:
            return
        nulls = self._count("SELECT count(*) FROM {} WHERE {} IS NULL", name)
        if nulls:
            yield Change(
                f"column {field.name} is required, but {nulls} rows have none.",
                advice="Fill them, or make it optional in the contract.",
            )
        else:
            yield Change(f"column {field.name} is required now.", self._alter("ALTER {} SET NOT NULL", name))

    def _dropped(self, standing: Field) -> Change:
        text = f"column {standing.name} is not in the contract any more; it stays."
        if not standing.required:
            return Change(text)
        return Change(text, self._alter("ALTER {} DROP NOT NULL", sql.Identifier(standing.name)))

    def obsolete(self) -> Iterator[Change]:
        """Keys that the contract no longer has; those made by hand stay."""
        wanted = columns.keys(self.contract)
        unique = {frozenset(key.columns) for key in wanted if not key.primary}
        primary = {frozenset(key.columns) for key in wanted if key.primary}
        for key in self.found.keys:
            if frozenset(key.columns) in (primary or unique if key.primary else unique):
                continue
            text = f"the key ({', '.join(key.columns)}) is not in the contract"
            if (key.primary and primary) or self._is_ours(key):
                yield Change(
                    f"{text}; it is dropped.", self._alter("DROP CONSTRAINT {}", sql.Identifier(key.name))
                )
            else:
                yield Change(f"{text}; it was made by hand and stays.")

    def _is_ours(self, key: Key) -> bool:
        named = key.name == columns.key_name(self.contract.table, key.columns[1:])
        return key.columns[0] == "organization_id" and (key.primary or named)

    def missing_keys(self) -> Iterator[Change]:
        """Keys that the table lacks."""
        standing = {(frozenset(key.columns), key.primary) for key in self.found.keys}
        for key in columns.keys(self.contract):
            group = frozenset(key.columns)
            if (group, True) not in standing and (key.primary or (group, False) not in standing):
                yield self._added(key)

    def _added(self, key: Key) -> Change:
        text = f"the key ({', '.join(key.columns)})"
        if set(key.columns) <= self.found.fields.keys() and not self.found.empty:
            twice = self._count(
                "SELECT count(*) FROM"
                " (SELECT FROM {} WHERE num_nulls({}) = 0 GROUP BY {} HAVING count(*) > 1) t",
                listed(key.columns),
                listed(key.columns),
            )
            if twice:
                return Change(
                    f"{text} is new, but {twice} of its values stand twice or more.",
                    advice="Remove the doubles, or take the key out of the contract.",
                )
        return Change(f"{text} is added.", self._alter("ADD {}", key.definition))

    def _alter(self, action: str, *parts: sql.Composable) -> sql.Composed:
        return alter(self.contract, sql.SQL(action).format(*parts))

    def _count(self, query: str, *parts: sql.Composable) -> int:
        composed = sql.SQL(query).format(table_name(self.contract), *parts)
        row = self.connection.execute(composed).fetchone()
        return int(row[0]) if row else 0


def reference_changes(
    contract: Contract, found: live.Live | None, wanted: list[Reference]
) -> Iterator[Change]:
    """Foreign keys to add and to drop; ``wanted`` are those whose target stands."""
    standing = found.references if found else ()
    targets = {(r.column, r.schema, r.table, r.target) for r in standing}
    for reference in wanted:
        if (reference.column, reference.schema, reference.table, reference.target) not in targets:
            yield Change(
                f"{reference.column} is tied to {target_name(reference)}.",
                alter(contract, sql.SQL("ADD {}").format(reference.definition)),
            )
    names = {reference.name for reference in columns.references(contract)}
    for old in standing:
        if old.name == columns.reference_name(contract.table, old.column) and old.name not in names:
            yield Change(
                f"{old.column} is no longer tied to {target_name(old)}.",
                alter(contract, sql.SQL("DROP CONSTRAINT {}").format(sql.Identifier(old.name))),
            )


def alter(contract: Contract, action: sql.Composable) -> sql.Composed:
    """``ALTER TABLE`` of the dataset table."""
    return sql.SQL("ALTER TABLE {} {}").format(table_name(contract), action)


def plain_name(contract: Contract) -> str:
    """``schema.table``, for people."""
    return f"{contract.schema}.{contract.table}"


def target_name(reference: Reference) -> str:
    """``schema.table.column``, for people."""
    return f"{reference.schema}.{reference.table}.{reference.target}"
