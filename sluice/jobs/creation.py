"""New jobs: the statement that makes them, one or many, from one parameter of JSON.

What a statement costs is mostly what it costs once, and so is what the tables' triggers do: many jobs are made by one.
"""

from typing import Any
from uuid import uuid4

from psycopg.types.json import Json

_COLUMNS = {
    "job_id": "text",
    "dataset": "text",
    "filename": "text",
    "file_type": "text",
    "file_size": "bigint",
    "organization_id": "integer",
    "user_id": "integer",
    "priority": "text",
    "idempotency_key": "text",
    "flow_run_id": "text",
    "details": "jsonb",
}


def new_job_id() -> str:
    """``job_`` and 32 hex digits."""
    return f"job_{uuid4().hex}"


def row(*, job_id: str, dataset: str, filename: str, file_type: str, **more: Any) -> dict[str, Any]:
    """A job to be made. ``more``: others of its columns."""
    standard = {"organization_id": 1, "user_id": 1, "priority": "normal", "details": {}}
    named = {"job_id": job_id, "dataset": dataset, "filename": filename, "file_type": file_type}
    return standard | named | more


def making(more: dict[str, str] | None = None, then: str = "") -> bytes:
    """The statement that makes the jobs of the rows that it is given, see ``values``; it returns their job ids.

    A job whose idempotency key is taken is not made. ``then``: a statement that goes on with the rows as ``wanted`` and
    the ids as ``made``; ``more``: columns and types that only it needs.
    """
    shape = ", ".join(f"{name} {kind}" for name, kind in {**_COLUMNS, **(more or {})}.items())
    names = ", ".join(_COLUMNS)
    query = f"""
WITH wanted AS (SELECT * FROM json_to_recordset(%(rows)s) AS given ({shape})),
made AS (
    INSERT INTO sluice.ingestion_jobs ({names}) SELECT {names} FROM wanted
    ON CONFLICT (organization_id, idempotency_key) DO NOTHING RETURNING job_id
)
{then or "SELECT job_id FROM made"}
"""  # noqa: S608
    return query.encode()


def values(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What the statement is given."""
    return {"rows": Json(rows)}
