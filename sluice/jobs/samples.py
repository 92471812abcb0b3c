"""A few rejects of a job, and a few lines that its readers left out, for a glance."""

from typing import Any, LiteralString

from psycopg.rows import dict_row

from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

_QUERY = """
SELECT record_no, line, column_name AS "column", reason, message,
       CASE WHEN starts_with(raw, 'sluice-sealed:') THEN '***' ELSE left(raw, 200) END AS raw
  FROM sluice.rejected_rows WHERE job_id = %s ORDER BY load_id, record_no, ordinal LIMIT %s
"""
_NOTE = """
UPDATE sluice.ingestion_jobs SET details = details || jsonb_build_object('errors',
       (SELECT coalesce(jsonb_agg(to_jsonb(first)), '[]') FROM ({}) first)) WHERE job_id = %s
"""
_LEFT_OUT = """
SELECT filename AS file, (one ->> 'line')::bigint AS line, one ->> 'kind' AS kind, one ->> 'text' AS text
  FROM sluice.loads, jsonb_array_elements(account -> 'skipped') AS one WHERE job_id = %s ORDER BY id, line LIMIT %s
"""


def sample_rejects(warehouse: Warehouse, job_id: str, limit: int = 20) -> list[dict[str, Any]]:
    """The job's first rejects: record, line, column, reason, message and the start of the raw text."""
    return _rows(warehouse, _QUERY, job_id, limit)


def note_first(connection: Connection, job_id: str, limit: int = 5) -> None:
    """Keep the job's first rejects in its details as ``errors``, in the open transaction."""
    connection.execute(_NOTE.format(_QUERY).encode(), [job_id, limit, job_id])


def lines_left_out(warehouse: Warehouse, job_id: str, limit: int = 20) -> list[dict[str, Any]]:
    """The first lines that hold no record, but for header and blank ones: file, line, kind, start of the text."""
    return _rows(warehouse, _LEFT_OUT, job_id, limit)


def _rows(warehouse: Warehouse, query: LiteralString, job_id: str, limit: int) -> list[dict[str, Any]]:
    with translated(), warehouse.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, [job_id, limit]).fetchall()
