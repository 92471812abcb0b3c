"""The table that a contract asks for: columns, keys and DDL."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql

from sluice.contracts.columns import fitting
from sluice.contracts.model import Column, Contract
from sluice.errors import BugError

# When and from where a row came follows from ``sluice.loads``.
LINEAGE = {"organization_id": "integer", "_load_id": "bigint", "_record_no": "bigint"}
EXTRA, SEALED = "_extra", "_sealed"
_ALIASES = {
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
    "decimal": "numeric",
    "varchar": "character varying",
    "char": "character",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
}
_TYPE = re.compile(r"([a-z][a-z0-9 ]*?) ?(?:\((\d+)(?:, ?(-?\d+))?\))?( with(?:out)? time zone)?(\[\])?")
_INTEGER_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a table. ``type`` is spelled as PostgreSQL's ``format_type`` does."""

    name: str
    type: str
    required: bool


@dataclass(frozen=True, slots=True)
class Key:
    """A primary key or a unique constraint, the organization first."""

    name: str
    columns: tuple[str, ...]
    primary: bool

    @property
    def definition(self) -> sql.Composed:
        """``CONSTRAINT name UNIQUE (columns)``."""
        kind = sql.SQL("PRIMARY KEY" if self.primary else "UNIQUE")
        return sql.SQL("CONSTRAINT {} {} ({})").format(sql.Identifier(self.name), kind, listed(self.columns))


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key from one column, within the organization.

    It can be deferred: a load may remove a row that others refer to and bring it anew in its next statement.
    """

    name: str
    column: str
    schema: str
    table: str
    target: str

    @property
    def definition(self) -> sql.Composed:
        """``CONSTRAINT name FOREIGN KEY ...``."""
        return sql.SQL(
            "CONSTRAINT {} FOREIGN KEY (organization_id, {}) REFERENCES {} ({}) DEFERRABLE"
        ).format(
            sql.Identifier(self.name),
            sql.Identifier(self.column),
            sql.Identifier(self.schema, self.table),
            listed(("organization_id", self.target)),
        )


def table_name(contract: Contract) -> sql.Identifier:
    """The dataset table's qualified name."""
    return sql.Identifier(contract.schema, contract.table)


def fields(contract: Contract) -> list[Field]:
    """All columns of the dataset table: the contract's in its order, then ``_extra``, what is sealed, and lineage.

    A sealed column holds marks of its values: see ``security.cells``.
    """
    required = set(contract.required)
    own = [Field(c.name, _stored(c), c.name in required) for c in contract.columns]
    sealed = [Field(SEALED, "bytea", False)] if contract.ceiling else []
    lineage = [Field(name, kind, True) for name, kind in LINEAGE.items()]
    return [*own, Field(EXTRA, "jsonb", False), *sealed, *lineage]


def _stored(column: Column) -> str:
    return "bytea" if column.sealed else canonical(column.postgres_type)


def column_types(contract: Contract) -> dict[str, str]:
    """PostgreSQL type of each column of the dataset table, in order."""
    return {field.name: field.type for field in fields(contract)}


def keys(contract: Contract) -> list[Key]:
    """The primary key, then one unique constraint for each match key and unique column."""
    groups = [*contract.match_keys, *((c.name,) for c in contract.columns if c.unique)]
    unique = [group for group in dict.fromkeys(groups) if group and set(group) != set(contract.primary_key)]
    found = [Key(key_name(contract.table, group), ("organization_id", *group), False) for group in unique]
    if contract.primary_key:
        columns = ("organization_id", *contract.primary_key)
        found.insert(0, Key(fitting(f"{contract.table}_pkey"), columns, True))
    return found


def references(contract: Contract) -> list[Reference]:
    """The foreign keys that the contract asks for."""
    return [
        Reference(reference_name(contract.table, column), column, *target)
        for column, target in contract.references.items()
    ]


def ddl(contract: Contract) -> sql.Composed:
    """``CREATE TABLE`` with columns and keys, without foreign keys."""
    parts = [column_definition(field) for field in fields(contract)]
    parts += [key.definition for key in keys(contract)]
    body = sql.SQL(",\n    ").join(parts)
    return sql.SQL("CREATE TABLE {} (\n    {}\n)").format(table_name(contract), body)


def column_definition(field: Field) -> sql.Composed:
    """``name type [NOT NULL]``."""
    null = sql.SQL(" NOT NULL" if field.required else "")
    return sql.SQL("{} {}{}").format(sql.Identifier(field.name), type_sql(field), null)


def type_sql(field: Field) -> sql.SQL:
    """The column's type as SQL. ``canonical`` has let nothing but a type name through."""
    return sql.SQL(field.type)


def listed(names: Sequence[str]) -> sql.Composed:
    """Quoted names, separated by commas."""
    return sql.SQL(", ").join(map(sql.Identifier, names))


def key_name(table: str, columns: Sequence[str]) -> str:
    """Name of a unique constraint; ``columns`` without the organization."""
    return fitting(f"{table}_{'_'.join(columns)}_key")


def reference_name(table: str, column: str) -> str:
    """Name of a foreign key."""
    return fitting(f"{table}_{column}_fkey")


def canonical(written: str) -> str:
    """A type as PostgreSQL spells it. Raises BugError for what isn't a plain type name."""
    match = _TYPE.fullmatch(" ".join(written.lower().split()))
    if match is None:
        raise BugError(f"{written!r} is not a PostgreSQL type.")
    base, size, scale, zone, array = match.groups()
    name = f"{base}{zone}" if zone else _ALIASES.get(base, base)
    if base in ("char", "character") and size is None:
        size = "1"
    if name == "numeric" and size is not None:
        scale = scale or "0"
    sizes = ",".join(part for part in (size, scale) if part is not None)
    if sizes and name.startswith(("timestamp ", "time ")):
        first, rest = name.split(" ", 1)
        return f"{first}({sizes}) {rest}{array or ''}"
    return f"{name}({sizes}){array or ''}" if sizes else f"{name}{array or ''}"


def widens(old: str, new: str) -> bool:
    """Whether every value of the type ``old`` is kept unchanged by the type ``new`` (both canonical)."""
    return any(check(old, new) for check in (_wider_text, _wider_number))


def _wider_text(old: str, new: str) -> bool:
    if not old.startswith("character varying"):
        return False
    limit, longer = _sizes(old), _sizes(new)
    if new in ("text", "character varying"):
        return True
    return new.startswith("character varying") and bool(limit) and longer >= limit


def _wider_number(old: str, new: str) -> bool:
    if (old, new) == ("real", "double precision"):
        return True
    if old in _INTEGER_DIGITS and new in _INTEGER_DIGITS:
        return _INTEGER_DIGITS[new] >= _INTEGER_DIGITS[old]
    if not new.startswith("numeric"):
        return False
    wide, sizes = _sizes(new), _sizes(old)
    if old in _INTEGER_DIGITS:
        return not wide or wide[0] - wide[1] >= _INTEGER_DIGITS[old]
    if not old.startswith("numeric") or (not sizes and wide):
        return False
    return not wide or (wide[1] >= sizes[1] and wide[0] - wide[1] >= sizes[0] - sizes[1])


def _sizes(kind: str) -> list[int]:
    return list(_numbers(kind))


def _numbers(kind: str) -> Iterator[int]:
    inside = re.search(r"\((.*?)\)", kind)
    yield from (int(part) for part in inside[1].split(",")) if inside else ()
