"""Trace: where a row came from, and where an input record went."""

from typing import Any

from psycopg import sql
from psycopg.rows import DictRow, dict_row

from sluice.contracts.model import Contract
from sluice.errors import InputError
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

_LOAD = "SELECT * FROM sluice.loads WHERE id = %s AND organization_id = %s"
_RULES = """
SELECT rule, column_name AS "column", severity, success, unexpected_count
  FROM sluice.rule_results WHERE job_id = %s ORDER BY ordinal
"""


def row(warehouse: Warehouse, contract: Contract, key: str, organization_id: int) -> list[dict[str, Any]]:
    """Each row with this key: its values, its load, its record number and how the rules came out.

    A key of several columns is given as their values, separated by commas. Raises InputError if there is none.
    """
    with translated(), warehouse.connect() as connection:
        found = [
            _origin(connection, values, organization_id)
            for columns in contract.match_keys
            for values in _rows(connection, contract, columns, key, organization_id)
        ]
    if not found:
        raise InputError(
            f"{contract.dataset} has no row with the key {key}.",
            hint="Keys are: " + "; ".join(", ".join(columns) for columns in contract.match_keys) + ".",
            dataset=contract.dataset,
        )
    return found


def _rows(
    connection: Connection, contract: Contract, columns: tuple[str, ...], key: str, organization_id: int
) -> list[DictRow]:
    values = [key] if len(columns) == 1 else [part.strip() for part in key.split(",")]
    if len(values) != len(columns):
        return []
    condition = sql.SQL(" AND ").join(
        sql.SQL("{}::text = %s").format(sql.Identifier(name)) for name in columns
    )
    query = sql.SQL("SELECT * FROM {} WHERE organization_id = %s AND {}").format(
        sql.Identifier(contract.schema, contract.table), condition
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, [organization_id, *values]).fetchall()


def _origin(connection: Connection, values: DictRow, organization_id: int) -> dict[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        load = cursor.execute(_LOAD, [values["_load_id"], organization_id]).fetchone() or {}
        rules = cursor.execute(_RULES, [load.get("job_id")]).fetchall()
    return {
        "fate": "published",
        "row": {name: value for name, value in values.items() if not name.startswith("_")},
        "record": values["_record_no"],
        **_load(load),
        "rules": rules,
    }


def _load(load: DictRow) -> dict[str, Any]:
    names = {
        "file": "filename",
        "source": "source",
        "sha256": "content_sha256",
        "load": "id",
        "job": "job_id",
        "mode": "mode",
        "contract": "contract_id",
        "contract_version": "contract_version",
        "contract_sha256": "contract_sha256",
        "published_at": "published_at",
        "flow_run": "flow_run_id",
    }
    return {name: load.get(column) for name, column in names.items()}


def record(warehouse: Warehouse, job: DictRow, contract: Contract, number: int) -> list[dict[str, Any]]:
    """Where the job's input record went, once for each of its files: rejected, published, or passed over.

    Raises InputError if no file of the job has such a record.
    """
    with translated(), warehouse.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        loads = cursor.execute(
            "SELECT * FROM sluice.loads WHERE job_id = %s ORDER BY id", [job["job_id"]]
        ).fetchall()
        found = [_fate(connection, load, contract, number) for load in loads if 1 <= number <= load["read"]]
    if not found:
        raise InputError(
            f"{job['job_id']} read no record {number}.",
            hint=f"It is {job['status']}; see `sluice jobs {job['job_id']}`.",
        )
    return found


def _fate(connection: Connection, load: DictRow, contract: Contract, number: int) -> dict[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        reasons = cursor.execute(
            'SELECT line, column_name AS "column", reason, message, raw, replayed_by_job FROM sluice.rejected_rows'
            " WHERE load_id = %s AND record_no = %s ORDER BY ordinal",
            [load["id"], number],
        ).fetchall()
        if reasons:
            return {"fate": "rejected", "record": number, "reasons": reasons, **_load(load)}
        query = sql.SQL("SELECT * FROM {} WHERE _load_id = %s AND _record_no = %s").format(
            sql.Identifier(contract.schema, contract.table)
        )
        values = cursor.execute(query, [load["id"], number]).fetchone()
        if values:
            return _origin(connection, values, load["organization_id"])
        passed = cursor.execute(
            "SELECT unchanged_records @> %(n)s::bigint AS unchanged, superseded_records @> %(n)s::bigint AS superseded"
            " FROM sluice.loads WHERE id = %(load)s",
            {"n": number, "load": load["id"]},
        ).fetchone()
    return {"fate": _passed(passed or {}), "record": number, **_load(load)}


def _passed(found: dict[str, Any]) -> str:
    if found.get("unchanged"):
        return "unchanged: the row stood already with these values"
    if found.get("superseded"):
        return "superseded: a later record of the same job has its key"
    return "published, and since then changed or removed by another load"
