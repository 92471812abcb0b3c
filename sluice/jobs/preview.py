"""The first rows that a job published, for a glance at its result."""

from collections.abc import Sequence
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from sluice.contracts.model import Contract
from sluice.jobs.export import jsonable
from sluice.jobs.publication import Publication
from sluice.readers.base import Stage
from sluice.security import lake
from sluice.security.cells import MASK

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
        found += rows_of(stage, numbers, work.contract)
    return found


def rows_of(stage: Stage, numbers: Sequence[int], contract: Contract) -> list[dict[str, Any]]:
    """Of a staged file, the records of these numbers, which it has. Reads on until all are found, and no further."""
    if not numbers:
        return []
    wanted, found = pa.array(numbers, pa.int64()), []
    columns = [column.name for column in contract.columns]
    with lake.parquet(stage.rows_path) as file:
        staged = [name for name in columns if name in file.schema_arrow.names]
        for group in range(file.num_row_groups):
            hits = pc.is_in(file.read_row_group(group, ["_record_no"]).column(0), wanted)
            if pc.any(hits).as_py():
                found += file.read_row_group(group, staged).filter(hits).to_pylist()
            if len(found) == len(numbers):
                break
    hidden = {column.name for column in contract.sealed}
    return [{name: _glance(row.get(name), name in hidden) for name in columns} for row in found]


def _glance(value: Any, hidden: bool) -> Any:
    return MASK if hidden and value is not None else _short(value)


def _short(value: Any) -> Any:
    text = jsonable(value)
    return f"{text[:LONGEST]}…" if isinstance(text, str) and len(text) > LONGEST else text
