"""The first rows that a job published, for a glance at its result."""

from collections.abc import Sequence
from typing import Any

import psycopg
import pyarrow.parquet as pq

from sluice.contracts.model import Contract
from sluice.jobs.export import jsonable
from sluice.jobs.publication import Publication
from sluice.readers.base import Stage

FIRST = 5  # rows
LONGEST = 200  # characters of a text

# The rejects are asked for one by one, until there are enough others.
_PUBLISHED = """
SELECT n FROM (
    SELECT generate_series(lower(span), upper(span) - 1) AS n FROM sluice.loads, unnest(
        int8multirange(int8range(1, read, '[]')) - coalesce(unchanged_records, '{}')
            - coalesce(superseded_records, '{}')) span
     WHERE id = %(load)s AND published > 0) s
 WHERE NOT EXISTS (SELECT FROM sluice.rejected_rows WHERE load_id = %(load)s AND record_no = n) LIMIT %(limit)s
"""


def first_rows(connection: psycopg.Connection, work: Publication) -> list[dict[str, Any]]:
    """The first rows, JSON-ready, in the open transaction that publishes them: from the stages, not from the table."""
    if work.nothing_left:
        return []
    found: list[dict[str, Any]] = []
    for stage in work.stages:
        if len(found) == FIRST:
            break
        values = {"load": stage.load_id, "limit": FIRST - len(found)}
        numbers = [number for (number,) in connection.execute(_PUBLISHED, values)]
        found += _rows(stage, numbers, work.contract)
    return found


def _rows(stage: Stage, numbers: Sequence[int], contract: Contract) -> list[dict[str, Any]]:
    if not numbers:
        return []
    staged = set(pq.read_schema(stage.rows_path).names)
    columns = [column.name for column in contract.columns]
    table = pq.read_table(
        stage.rows_path,
        columns=[name for name in columns if name in staged],
        filters=[("_record_no", "in", list(numbers))],
    )
    return [{name: _short(row.get(name)) for name in columns} for row in table.to_pylist()]


def _short(value: Any) -> Any:
    text = jsonable(value)
    return f"{text[:LONGEST]}…" if isinstance(text, str) and len(text) > LONGEST else text
