"""Finds rows whose reference has no partner: DuckDB lists what they refer to, the warehouse says what is not there."""

from collections.abc import Callable
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from sluice.contracts.model import Contract, Relationship
from sluice.contracts.sql import identifier
from sluice.quality.verdict import RuleResult

# Takes a relationship and its distinct values, numbered (``n``, ``v0``, ``v1``, ...); gives the numbers (column
# ``n``) of those without a partner in the warehouse, and what to say of them before the value.
Absent = Callable[[Relationship, pa.RecordBatchReader], tuple[pa.Table, str]]
REASON = "reference"
BATCH_ROWS = 32_768

_REFERRED = """
CREATE OR REPLACE TEMP TABLE referred AS
SELECT row_number() OVER () AS n, * FROM (SELECT DISTINCT {values} FROM stage WHERE {known})
"""
_ORPHANS = """
CREATE OR REPLACE TEMP TABLE orphans AS
SELECT _load_id, _record_no, $number::INTEGER AS rule_no, $why || {shown} || '.' AS message
FROM (SELECT *, {values} FROM stage) s JOIN (FROM referred WHERE n IN (SELECT n FROM absent)) v USING ({names})
WHERE {alone}
  AND NOT EXISTS (FROM failed f WHERE (f._load_id, f._record_no, f.rule_no) = (s._load_id, s._record_no, $number))
"""


def judge(
    connection: duckdb.DuckDBPyConnection, contract: Contract, absent: Absent, rows: int
) -> list[RuleResult]:
    """How each relationship came out over the ``rows`` rows; rows that break a critical one go to ``failed``."""
    results = []
    for number, one in enumerate(contract.relationships, len(contract.rules)):
        own = (one.schema, one.table) == (contract.schema, contract.table)
        count = _Check(connection, one, number, own).run(absent)
        results.append(_result(one, count, rows))
    return results


@dataclass(frozen=True, slots=True)
class _Check:
    """One relationship on its way to a result. ``own``: its rows refer to rows of their own table."""

    connection: duckdb.DuckDBPyConnection
    relationship: Relationship
    number: int
    own: bool

    def run(self, absent: Absent) -> int:
        """How many rows have no partner; they go to ``failed`` if that is critical."""
        why = self._find_absent(absent)
        total = count = self._orphans(why) if why else 0
        if not count or self.relationship.severity != "critical":
            return count
        columns = ", ".join(self.relationship.columns)
        self.connection.execute(
            "INSERT INTO rules VALUES ($1, $2, $3, $4)", [self.number, columns, REASON, why]
        )
        while count:
            self.connection.execute("INSERT INTO failed BY NAME FROM orphans")
            # A row that is turned away is no partner for the others.
            count = self._orphans(why) if self.own else 0
            total += count
        return total

    def _find_absent(self, absent: Absent) -> str:
        """Put the numbers of the values without a partner into ``absent``; '' if there is none, else what to say."""
        columns = self.relationship.columns
        known = " AND ".join(f"{identifier(name)} IS NOT NULL" for name in columns)
        self.connection.execute(_REFERRED.format(values=self._values, known=known))
        reader = self.connection.table("referred").to_arrow_reader(BATCH_ROWS)
        numbers, why = absent(self.relationship, reader)
        self.connection.register("numbers", numbers)
        self.connection.execute("CREATE OR REPLACE TEMP TABLE absent AS SELECT n FROM numbers")
        self.connection.unregister("numbers")
        return f"{', '.join(columns)}: {why} " if numbers.num_rows else ""

    def _orphans(self, why: str) -> int:
        """Put the rows without a partner into ``orphans``; returns how many. A row of this load is a partner too."""
        names = [f"v{at}" for at in range(len(self.relationship.columns))]
        pairs = zip(self.relationship.targets, names, strict=True)
        partner = " AND ".join(f"p.{identifier(target)} = v.{name}" for target, name in pairs)
        query = _ORPHANS.format(
            values=self._values,
            names=", ".join(names),
            shown=" || ', ' || ".join(f"'''' || CAST(v.{name} AS VARCHAR) || ''''" for name in names),
            alone=f"NOT EXISTS (FROM survivors p WHERE {partner})" if self.own else "true",
        )
        self.connection.execute(query, {"why": why, "number": self.number})
        found = self.connection.execute("SELECT count(*) FROM orphans").fetchone()
        return int(found[0]) if found else 0

    @property
    def _values(self) -> str:
        return ", ".join(f"{identifier(name)} AS v{at}" for at, name in enumerate(self.relationship.columns))


def _result(one: Relationship, count: int, rows: int) -> RuleResult:
    return RuleResult(
        rule=REASON,
        expectation=f"foreign key to {one.schema}.{one.table} ({', '.join(one.targets)})",
        kind=REASON,
        column=", ".join(one.columns),
        severity=one.severity,
        success=not count,
        element_count=rows,
        unexpected_count=count,
        unexpected_percent=round(100 * count / rows, 4) if rows else 0.0,
    )
