"""A few rejects of a job, for a glance."""

from typing import Any

from psycopg.rows import dict_row

from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated

_QUERY = """
SELECT record_no, line, column_name AS "column", reason, message, left(raw, 200) AS raw
  FROM sluice.rejected_rows WHERE job_id = %s ORDER BY load_id, record_no, ordinal LIMIT %s
"""


def sample_rejects(warehouse: Warehouse, job_id: str, limit: int = 20) -> list[dict[str, Any]]:
    """The job's first rejects: record, line, column, reason, message and the start of the raw text."""
    with translated(), warehouse.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_QUERY, [job_id, limit]).fetchall()
