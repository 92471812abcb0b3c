"""Asks the warehouse which of the values that a load refers to have no partner there."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from psycopg import errors, sql

from sluice.contracts.model import Contract, Relationship
from sluice.quality.references import Absent
from sluice.warehouse import sealing
from sluice.warehouse.columns import column_types
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.copy import copy_batches
from sluice.warehouse.failures import translated

VALUES = sql.Identifier("pg_temp", "sluice_referred")
_COLUMNS = """
SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
"""
_ABSENT = """
SELECT n FROM {values} v WHERE NOT EXISTS (SELECT FROM {target} t WHERE {partner})
"""


def absent(warehouse: Warehouse, contract: Contract, organization_id: int, mode: str) -> Absent:
    """The function that an audit asks; a table that isn't there holds no partner."""
    seal = sealing.sealer(warehouse, contract, organization_id)

    def find(one: Relationship, values: pa.RecordBatchReader) -> tuple[pa.Table, str]:
        own = (one.schema, one.table) == (contract.schema, contract.table)
        with translated(), warehouse.connect() as connection:
            row = connection.execute(_COLUMNS, [_target(one).as_string(connection)])
            columns = {name for (name,) in row}
            if not {*one.targets} <= columns or (own and mode == "replace"):
                return values.read_all().select(["n"]), _lacks(one, bool(columns))
            _send(connection, contract, one, seal.referring(one.columns, values) if seal else values)
            organization = organization_id if "organization_id" in columns else None
            return _absent(connection, one, organization), _lacks(one, there=True)

    return find


def _target(one: Relationship) -> sql.Identifier:
    return sql.Identifier(one.schema, one.table)


def _lacks(one: Relationship, there: bool) -> str:
    if not there:
        return f"there is no table {one.schema}.{one.table} yet that could hold the"
    return f"{one.schema}.{one.table} has no {', '.join(one.targets)}"


def _send(
    connection: Connection, contract: Contract, one: Relationship, values: Iterable[pa.RecordBatch]
) -> None:
    """Bring the values into a temporary table, as the types of the columns that hold them."""
    types = {"n": "bigint"} | {f"v{n}": column_types(contract)[name] for n, name in enumerate(one.columns)}
    # The types come from the contract's compiler, which lets nothing but a type name through.
    parts = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in types.items()]
    connection.execute(
        sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(
            sql.Identifier("sluice_referred"), sql.SQL(", ").join(parts)
        )
    )
    copy_batches(connection, VALUES, types, iter(values))
    connection.execute(sql.SQL("ANALYZE {}").format(VALUES))


def _absent(connection: Connection, one: Relationship, organization: int | None) -> pa.Table:
    try:
        with connection.transaction():
            rows = connection.execute(_query(one, organization, "t.{} = v.{}")).fetchall()
    except errors.UndefinedFunction:  # columns of types that can't be compared: text with a number, say
        rows = connection.execute(_query(one, organization, "t.{}::text = v.{}::text")).fetchall()
    return pa.table({"n": pa.array([number for (number,) in rows], pa.int64())})


def _query(one: Relationship, organization: int | None, equal: str) -> sql.Composed:
    pairs: list[Any] = [
        sql.SQL(equal).format(sql.Identifier(target), sql.Identifier(f"v{n}"))
        for n, target in enumerate(one.targets)
    ]
    if organization is not None:
        pairs.append(sql.SQL("t.organization_id = {}").format(sql.Literal(organization)))
    return sql.SQL(_ABSENT).format(values=VALUES, target=_target(one), partner=sql.SQL(" AND ").join(pairs))
