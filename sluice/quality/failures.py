"""Finds every record that a failed rule turns away, in SQL over the stage, with flat memory."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from sluice.contracts.model import Rule
from sluice.contracts.sql import identifier
from sluice.security import lake

SCHEMA = """
CREATE TABLE rules (rule_no INTEGER, "column" VARCHAR, reason VARCHAR, message VARCHAR);
CREATE TABLE failed (_load_id BIGINT, _record_no BIGINT, rule_no INTEGER, message VARCHAR);
CREATE TABLE superseded (_load_id BIGINT, _record_no BIGINT);
CREATE VIEW survivors AS
SELECT * FROM stage
WHERE NOT EXISTS (FROM failed f WHERE (f._load_id, f._record_no) = (stage._load_id, stage._record_no))
  AND NOT EXISTS (FROM superseded s WHERE (s._load_id, s._record_no) = (stage._load_id, stage._record_no));
"""

# A record's repeats are found by grouping: a window over all rows would sort them.
REPEATS = """
WITH kept AS (
    SELECT {key}, {first_or_last}({{'load': _load_id, 'record': _record_no}}) AS kept
    FROM survivors WHERE {key_known} GROUP BY {key} HAVING count(*) > 1
)
SELECT s._load_id, s._record_no, kept FROM survivors s JOIN kept USING ({key})
WHERE (s._load_id, s._record_no) <> (kept.load, kept.record)
"""


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """The tables that collect failures, beside the view ``stage``."""
    connection.execute(SCHEMA)


def collect_rows(connection: duckdb.DuckDBPyConnection, rules: Sequence[tuple[int, Rule]]) -> dict[int, int]:
    """Add the rows that fail each rule to ``failed``, in one scan; returns how many by rule number."""
    for number, rule in rules:
        _describe(connection, number, rule, reason=rule.name)
    cases = ", ".join(f"CASE WHEN ({rule.failing_rows}) THEN {number} END" for number, rule in rules)
    connection.execute(
        f"""INSERT INTO failed BY NAME
        SELECT _load_id, _record_no, rule_no
        FROM (SELECT _load_id, _record_no, unnest([{cases}]) AS rule_no FROM stage)
        WHERE rule_no IS NOT NULL"""  # noqa: S608
    )
    found = dict(connection.execute("SELECT rule_no, count(*) FROM failed GROUP BY rule_no").fetchall())
    return {number: found.get(number, 0) for number, _ in rules}


def collect_query(connection: duckdb.DuckDBPyConnection, number: int, rule: Rule, query: str) -> None:
    """Add the rows of ``query``, which selects ``_load_id`` and ``_record_no``, to ``failed``."""
    _describe(connection, number, rule, reason=rule.name)
    connection.execute(
        f"INSERT INTO failed BY NAME SELECT DISTINCT _load_id, _record_no, {number} AS rule_no FROM ({query})"  # noqa: S608
    )


def reject_repeats(
    connection: duckdb.DuckDBPyConnection, number: int, rule: Rule, key: Sequence[str]
) -> None:
    """Reject all survivors that repeat an earlier survivor's ``key``, with reason ``duplicate``."""
    _describe(connection, number, rule, reason="duplicate")
    connection.execute(
        f"""INSERT INTO failed BY NAME
        SELECT _load_id, _record_no, {number} AS rule_no,
            'repeats the ' || $1 || ' of record ' || kept.record
            || CASE WHEN kept.load = _load_id THEN '' ELSE ' of load ' || kept.load END AS message
        FROM ({_repeats(key, "min")})""",  # noqa: S608
        [", ".join(key)],
    )


def supersede_repeats(connection: duckdb.DuckDBPyConnection, key: Sequence[str]) -> None:
    """Mark all survivors whose ``key`` a later survivor has too as superseded."""
    connection.execute(
        f"INSERT INTO superseded SELECT _load_id, _record_no FROM ({_repeats(key, 'max')})"  # noqa: S608
    )


def reasons(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rejected records by the reason of their first failed rule, in rule order."""
    return dict(
        connection.execute(
            """SELECT reason, sum(records)::BIGINT FROM rules JOIN (
                SELECT rule_no, count(*) AS records
                FROM (SELECT min(rule_no) AS rule_no FROM failed GROUP BY _load_id, _record_no)
                GROUP BY rule_no
            ) USING (rule_no) GROUP BY reason ORDER BY min(rule_no)"""
        ).fetchall()
    )


def write(connection: duckdb.DuckDBPyConnection, rejected: Path, superseded: Path) -> int:
    """Write both Parquet files, ordered by record; returns the number of superseded records."""
    connection.execute(
        """COPY (
            SELECT _load_id, _record_no, "column", reason, coalesce(f.message, r.message) AS message
            FROM failed f JOIN rules r USING (rule_no) ORDER BY _load_id, _record_no, rule_no
        ) TO $1 (FORMAT parquet)""",
        [lake.target(connection, rejected)],
    )
    connection.execute(
        "COPY (FROM superseded ORDER BY _load_id, _record_no) TO $1 (FORMAT parquet)",
        [lake.target(connection, superseded)],
    )
    found = connection.execute("SELECT count(*) FROM superseded").fetchone()
    return int(found[0]) if found else 0


def key_of(rule: Rule) -> tuple[str, ...]:
    """The columns that a key rule wants to be unique."""
    return tuple(rule.kwargs.get("column_list") or (rule.kwargs["column"],))


def _repeats(key: Sequence[str], first_or_last: str) -> str:
    names = [identifier(name) for name in key]
    return REPEATS.format(
        key=", ".join(names),
        key_known=" AND ".join(f"{name} IS NOT NULL" for name in names),
        first_or_last=first_or_last,
    )


def _describe(connection: duckdb.DuckDBPyConnection, number: int, rule: Rule, reason: str) -> None:
    message = rule.message or f"fails {rule.expectation}"
    connection.execute(
        "INSERT INTO rules VALUES ($1, $2, $3, $4)", [number, rule.column or None, reason, message]
    )
