"""Replay: a job's rejects are the source of another job, once; and which record of one is which of the other.

Record N of the replay is the N-th rejected record that it has marked, by load and record number.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from psycopg.rows import DictRow, dict_row

from sluice.contracts.model import Contract
from sluice.errors import InputError
from sluice.jobs import concealed, ledger
from sluice.readers.base import Stage
from sluice.readers.header import by_column
from sluice.security.ring import Ring
from sluice.sources.model import RejectsSource, replayed_job
from sluice.sources.urls import is_masked
from sluice.warehouse import sealing
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

_OPEN = """
SELECT DISTINCT ON (load_id, record_no) cells FROM sluice.rejected_rows
 WHERE job_id = %s AND replayed_by_job IS NULL AND cells IS NOT NULL ORDER BY load_id, record_no
"""
_MARK = """
WITH marked AS (
    UPDATE sluice.rejected_rows SET replayed_by_job = %s
     WHERE job_id = %s AND replayed_by_job IS NULL AND cells IS NOT NULL RETURNING load_id, record_no
)
SELECT count(DISTINCT (load_id, record_no)) FROM marked
"""
_BEFORE = """
SELECT l.filename AS file, r.record_no AS record, r.line, l.source, l.id AS load, l.job_id AS job
  FROM (SELECT DISTINCT ON (load_id, record_no) load_id, record_no, line FROM sluice.rejected_rows
         WHERE job_id = %s AND replayed_by_job = %s
         ORDER BY load_id, record_no LIMIT 1 OFFSET %s) r JOIN sluice.loads l ON l.id = r.load_id
"""
_AFTER = """
SELECT l.*, (SELECT count(DISTINCT (load_id, record_no)) FROM sluice.rejected_rows
              WHERE job_id = %(job)s AND replayed_by_job = %(by)s
                AND (load_id, record_no) <= (%(load)s, %(number)s)) AS number
  FROM sluice.loads l WHERE job_id = %(by)s AND source = %(source)s
"""


def request_of(warehouse: Warehouse, job: DictRow, mode: str | None = None) -> dict[str, Any]:
    """The request that loads the job's rejects again, in ``mode`` or the job's own.

    A job that has not completed published nothing, so it is what the job was asked that is asked again.
    Raises InputError where there is nothing to replay.
    """
    request = {**(job["details"].get("request") or {}), "dataset": job["dataset"], "job_id": ""}
    if job["status"] == "completed":
        source = RejectsSource(job=job["job_id"])
        _first(warehouse, source)
        request |= {"sources": [source.model_dump()], "force": False}
        if request.get("mode") == "replace":
            request["mode"] = "append"  # or the rows that were right would go
    elif "sources" not in request:
        raise InputError(f"{job['job_id']} does not know its sources.", hint="Load the files again.")
    elif any(is_masked(source.get("url", "")) for source in request["sources"]):
        hint = "Load again with the full URL."
        raise InputError(f"{job['job_id']} was loaded from a URL whose secret was not kept.", hint=hint)
    return request | ({"mode": mode} if mode else {})


def _first(warehouse: Warehouse, source: RejectsSource) -> None:
    with translated(), warehouse.connect() as connection:
        if connection.execute(_OPEN + " LIMIT 1", [source.job]).fetchone() is None:
            raise _nothing_left(source)


def records(
    warehouse: Warehouse, source: RejectsSource, contract: Contract, organization_id: int
) -> Iterator[bytes]:
    """The rejects that are left to replay, a line of JSON each, of their cells as text.

    Raises InputError where there are none, or they are not of this organization and dataset.
    """
    if not ledger.beginning_with(warehouse, source.job, organization_id=organization_id):
        raise InputError(f"There is no job {source.job}.", hint="`sluice jobs` lists them.")
    job = ledger.get(warehouse, source.job)
    if job["dataset"] != contract.dataset:
        hint = f"Replay them into {job['dataset']}."
        raise InputError(f"{source.job} loaded into {job['dataset']}, not {contract.dataset}.", hint=hint)
    if job["status"] != "completed":
        hint = f"`sluice replay {source.job}` runs it again from its own sources."
        raise InputError(f"{source.job} is {job['status']}: it has no rejects.", hint=hint)
    found, own = False, None
    with translated(), warehouse.connect() as connection, connection.cursor("sluice_replay") as cursor:
        cursor.itersize = 5000
        for (cells,) in cursor.execute(_OPEN, [source.job]):
            found = True
            if cells.keys() == {concealed.CELLS}:
                own = own or _ring(warehouse, organization_id)
                cells = concealed.open_cells(cells, own, contract.dataset)
            yield json.dumps(by_column(cells, contract), ensure_ascii=False).encode() + b"\n"
    if not found:
        raise _nothing_left(source)


def _ring(warehouse: Warehouse, organization_id: int) -> Ring:
    with warehouse.connect() as connection:
        return sealing.own_ring(connection, sealing.keks(warehouse), organization_id)


def _nothing_left(source: RejectsSource) -> InputError:
    hint = (
        f"`sluice rejects {source.job}` shows what it rejected; a record of broken text cannot be replayed."
    )
    return InputError(f"{source.job} has no rejects left to replay.", hint=hint, job_id=source.job)


def mark(connection: Connection, stages: Sequence[Stage], by_job: str) -> None:
    """Note in the open transaction which job has replayed the rejects that were staged.

    Raises InputError if they are no longer those that were read: another job has replayed them since.
    """
    for stage in stages:
        if (job := replayed_job(stage.source)) is None:
            continue
        count = connection.execute(_MARK, [by_job, job]).fetchone()
        if count != (stage.records,):
            hint = f"Nothing was published. `sluice rejects {job} --json` names the job that did."
            raise InputError(f"The rejects of {job} were replayed by another job meanwhile.", hint=hint)


def before(connection: Connection, load: DictRow, number: int) -> list[DictRow]:
    """The rejects that record ``number`` of the load was: the newest first, that of the first load last."""
    found: list[DictRow] = []
    by, source = load.get("job_id"), load.get("source") or ""
    with connection.cursor(row_factory=dict_row) as cursor:
        while job := replayed_job(source):
            one = cursor.execute(_BEFORE, [job, by, number - 1]).fetchone()
            if one is None:
                break
            found.append(one)
            by, source, number = one["job"], one["source"], one["record"]
    return found


def after(connection: Connection, load: DictRow, number: int, by_job: str) -> tuple[DictRow, int] | None:
    """The load that replayed a reject of this load for ``by_job``, and the record's number there."""
    values = {"job": load["job_id"], "by": by_job, "load": load["id"], "number": number}
    values["source"] = RejectsSource(job=load["job_id"]).label
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(_AFTER, values).fetchone()
    return (found, found["number"]) if found else None
