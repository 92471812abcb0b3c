"""Trace: where a row came from, and where an input record went."""

from typing import Any

from psycopg import sql
from psycopg.rows import DictRow, dict_row

from sluice.contracts.model import Contract
from sluice.errors import InputError
from sluice.jobs import concealed, replay, unsealing
from sluice.warehouse import sealing
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

_LOADS = """
SELECT * FROM sluice.loads
 WHERE job_id = %(job)s AND content_sha256 = coalesce(%(sha256)s::text, content_sha256) ORDER BY id
"""
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
            _origin(connection, contract, values, organization_id)
            for columns in contract.match_keys
            for values in _rows(warehouse, connection, contract, columns, key, organization_id)
        ]
    if not found:
        raise InputError(
            f"{contract.dataset} has no row with the key {key}.",
            hint="Keys are: " + "; ".join(", ".join(columns) for columns in contract.match_keys) + ".",
            dataset=contract.dataset,
        )
    return found


def _rows(
    warehouse: Warehouse,
    connection: Connection,
    contract: Contract,
    columns: tuple[str, ...],
    key: str,
    organization_id: int,
) -> list[DictRow]:
    values = [key] if len(columns) == 1 else [part.strip() for part in key.split(",")]
    if len(values) != len(columns):
        return []
    sealed = any(contract.column(name).sealed for name in columns)
    keks = sealing.keks(warehouse) if sealed else None
    wanted = dict(zip(columns, values, strict=True))
    where, given = unsealing.condition(connection, contract, organization_id, wanted, keks)
    query = sql.SQL("SELECT * FROM {} WHERE {}").format(
        sql.Identifier(contract.schema, contract.table), where
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, given).fetchall()


def _origin(
    connection: Connection, contract: Contract, values: DictRow, organization_id: int
) -> dict[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        load = cursor.execute(_LOAD, [values["_load_id"], organization_id]).fetchone() or {}
        rules = cursor.execute(_RULES, [load.get("job_id")]).fetchall()
    return {
        "fate": "published",
        "row": {
            name: value
            for name, value in sealing.masker(contract)(values).items()
            if not name.startswith("_")
        },
        **_place(connection, load, values["_record_no"]),
        "rules": rules,
    }


def _place(connection: Connection, load: DictRow, number: int) -> dict[str, Any]:
    """The record and its load; ``replayed_from``: the rejects that it was before, that of the first load last."""
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
    facts = {name: load.get(column) for name, column in names.items()}
    return {"record": number, **facts, "replayed_from": replay.before(connection, load, number)}


def record(warehouse: Warehouse, job: DictRow, contract: Contract, number: int) -> list[dict[str, Any]]:
    """Where the job's input record went, for each of its files: rejected, published, or passed over.

    A reject is followed by what became of it in each replay, a file that was loaded before by what became of it
    then. Raises InputError if no file of the job has such a record, or the job published nothing.
    """
    with translated(), warehouse.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        loads = cursor.execute(_LOADS, {"job": job["job_id"], "sha256": None}).fetchall()
        found = _fates(connection, loads, contract, number)
        for seen in (job["result_data"] or {}).get("skipped", ()):
            values = {"job": seen["job_id"], "sha256": seen.get("sha256")}
            earlier = _fates(connection, cursor.execute(_LOADS, values).fetchall(), contract, number)
            fate = f"not loaded again: {seen['job_id']} had loaded this content"
            here = {"fate": fate, "record": number, "source": seen["source"], "job": job["job_id"]}
            found += [here, *earlier] if earlier else []
    if not found:
        raise _no_record(job, number)
    return found


def _no_record(job: DictRow, number: int) -> InputError:
    name, status = job["job_id"], job["status"]
    if status == "completed":
        return InputError(
            f"{name} read no record {number}.", hint=f"`sluice jobs {name}` shows what it read."
        )
    if status in ("failed", "cancelled"):
        why = f": {job['error_message']}" if job["error_message"] else "."
        hint = f"`sluice replay {name}` runs it again; then trace that job."
        return InputError(f"{name} is {status} and published no record{why}", hint=hint)
    hint = f"Wait until it is completed: `sluice jobs {name}`."
    return InputError(f"{name} is {status}: no record of it is published yet.", hint=hint)


def _fates(
    connection: Connection, loads: list[DictRow], contract: Contract, number: int
) -> list[dict[str, Any]]:
    """What became of each load's record of this number, each followed by its replays."""
    found = []
    for load in loads:
        following: tuple[DictRow, int] | None = (load, number) if 1 <= number <= load["read"] else None
        while following:
            fate = _fate(connection, following[0], contract, following[1])
            found.append(fate)
            by_job = next((reason["replayed_by_job"] for reason in fate.get("reasons", ())), None)
            following = replay.after(connection, *following, by_job) if by_job else None
    return found


def _fate(connection: Connection, load: DictRow, contract: Contract, number: int) -> dict[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        reasons = cursor.execute(
            'SELECT line, column_name AS "column", reason, message, raw, replayed_by_job FROM sluice.rejected_rows'
            " WHERE load_id = %s AND record_no = %s ORDER BY ordinal",
            [load["id"], number],
        ).fetchall()
        if reasons:
            shown = [concealed.masked(reason) for reason in reasons]
            return {"fate": "rejected", "reasons": shown, **_place(connection, load, number)}
        query = sql.SQL("SELECT * FROM {} WHERE _load_id = %s AND _record_no = %s").format(
            sql.Identifier(contract.schema, contract.table)
        )
        values = cursor.execute(query, [load["id"], number]).fetchone()
        if values:
            return _origin(connection, contract, values, load["organization_id"])
        passed = cursor.execute(
            "SELECT unchanged_records @> %(n)s::bigint AS unchanged, superseded_records @> %(n)s::bigint AS superseded"
            " FROM sluice.loads WHERE id = %(load)s",
            {"n": number, "load": load["id"]},
        ).fetchone()
    return {"fate": _passed(passed or {}), **_place(connection, load, number)}


def _passed(found: dict[str, Any]) -> str:
    if found.get("unchanged"):
        return "unchanged: the row stood already with these values"
    if found.get("superseded"):
        return "superseded: a later record of the same job has its key"
    return "published, and since then changed or removed by another load"
