"""A person's data as one JSON document: rows, rejects, where they came from, and what the audit log has of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg.rows import dict_row

from sluice.audit import log
from sluice.contracts.model import Contract
from sluice.jobs.export import jsonable
from sluice.security.keys import Keks
from sluice.subjects import rejects, search
from sluice.subjects.clues import Clue, clues
from sluice.subjects.person import Person
from sluice.subjects.search import Scope
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

VERSION = 1
_LOADS = """
SELECT id AS load, job_id AS job, dataset, filename AS file, source, content_sha256 AS sha256, mode, contract_id,
       contract_version, published_at FROM sluice.loads WHERE organization_id = %s AND id = ANY(%s) ORDER BY id
"""
_JOBS = """
SELECT job_id AS job, dataset, filename AS file, status, user_id, created_at, completed_at
  FROM sluice.ingestion_jobs WHERE organization_id = %s AND job_id = ANY(%s) ORDER BY created_at, job_id
"""
_AUDIT = """
SELECT seq, at, event, user_id, job_id AS job, load_id AS load, dataset, details FROM sluice.audit_log
 WHERE organization_id = %s AND (job_id = ANY(%s) OR details ->> 'subject' = %s) ORDER BY seq
"""


@dataclass(frozen=True, slots=True)
class Export:
    """``document``: JSON-ready. ``counts``: rows and rejects by dataset, of those that have any."""

    document: dict[str, Any]
    counts: dict[str, dict[str, int]]


def export(
    warehouse: Warehouse,
    person: Person,
    scope: Scope,
    keks: Keks,
    *,
    datasets: Sequence[str] = (),
    user_id: int | None = None,
) -> Export:
    """The person's data as it stood at one moment; the audit log's entry of it is committed when this returns.

    ``datasets``: those that are wanted; all where none is named. Raises SetupError.
    """
    with translated(), warehouse.connect() as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        found = _collected(connection, person, scope, keks, datasets, user_id)
    # In a transaction of its own: the chain goes on from what others have committed since.
    with translated(), warehouse.connect() as connection, connection.transaction():
        log.write(
            connection,
            "subject.exported",
            organization_id=person.organization_id,
            user_id=user_id,
            details={"subject": person.token, "datasets": found.counts},
        )
    return found


def _collected(
    connection: Connection,
    person: Person,
    scope: Scope,
    keks: Keks,
    datasets: Sequence[str],
    user_id: int | None,
) -> Export:
    wanted = scope.only(datasets)
    search.find(connection, person, scope, keks)
    known = clues(connection, person, scope, keks)
    parts = [_part(connection, person, contract, known, keks) for contract in wanted]
    parts = [part for part in parts if part["rows"] or part["rejects"]]
    rejected = [reject for part in parts for reject in part["rejects"]]
    numbers = {row["_load_id"] for part in parts for row in part["rows"]}
    numbers |= {reject["load_id"] for reject in rejected}
    loads = _rows(connection, _LOADS, person.organization_id, sorted(numbers))
    jobs = sorted({load["job"] for load in loads} | {reject["job_id"] for reject in rejected})
    document = {
        "sluice_subject_export": VERSION,
        "person": person.text,
        "subject": person.token,
        "organization_id": person.organization_id,
        "exported_at": datetime.now(UTC).isoformat(),
        "exported_by": user_id,
        "searched": [one.dataset for one in wanted],
        "datasets": parts,
        "loads": loads,
        "jobs": _rows(connection, _JOBS, person.organization_id, jobs),
        "audit": _rows(connection, _AUDIT, person.organization_id, jobs, person.token),
    }
    counts = {part["dataset"]: {"rows": len(part["rows"]), "rejects": len(part["rejects"])} for part in parts}
    return Export(document, counts)


def _part(
    connection: Connection, person: Person, contract: Contract, known: Sequence[Clue], keks: Keks
) -> dict[str, Any]:
    """What there is of one dataset."""
    mine = [clue for clue in known if clue.contract.dataset == contract.dataset]
    where = search.theirs(contract.dataset)
    rows = [
        {name: _plain(value) for name, value in row.items()}
        for _, portion in search.opened(connection, person, contract, keks, where)
        for row in portion
    ]
    turned_away = rejects.find(connection, person, mine) if mine else []
    return {
        "dataset": contract.dataset,
        "table": f"{contract.schema}.{contract.table}",
        "contract": {"id": contract.id, "version": contract.version},
        "columns": {
            one.name: {"type": one.logical_type, "description": one.description, "encrypted": one.sealed}
            for one in contract.columns
        },
        "rows": rows,
        "rejects": [{name: _plain(value) for name, value in row.items()} for row in turned_away],
    }


def _rows(connection: Connection, query: str, *values: Any) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query.encode(), values).fetchall()
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes | memoryview) else jsonable(value)
