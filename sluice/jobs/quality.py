"""The last rule results of each dataset, and the site that shows them."""

from pathlib import Path

from psycopg.rows import dict_row

from sluice.contracts.registry import Registry
from sluice.quality.docs import build_docs
from sluice.quality.verdict import RuleResult
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated

_LAST = """
SELECT r.* FROM sluice.rule_results r
 WHERE r.job_id = (SELECT job_id FROM sluice.rule_results WHERE dataset = %s ORDER BY created_at DESC LIMIT 1)
 ORDER BY ordinal
"""


def documents(warehouse: Warehouse, directory: Path) -> Path:
    """Write Great Expectations' Data Docs of all datasets; returns the index page."""
    registry = Registry.from_settings(settings())
    contracts = [registry.get(name) for name in registry.names()]
    found = {contract.dataset: last_results(warehouse, contract.dataset) for contract in contracts}
    return build_docs(contracts, {name: results for name, results in found.items() if results}, directory)


def last_results(warehouse: Warehouse, dataset: str) -> list[RuleResult]:
    """How each rule came out in the dataset's newest audit; empty before the first."""
    with translated(), warehouse.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_LAST, [dataset]).fetchall()
    return [
        RuleResult(
            rule=row["rule"],
            expectation=row["expectation"],
            kind=row["kind"],
            column=row["column_name"] or "",
            severity=row["severity"],
            success=row["success"],
            element_count=row["element_count"],
            unexpected_count=row["unexpected_count"],
            unexpected_percent=_percent(row["unexpected_count"], row["element_count"]),
            observed=row["observed"],
        )
        for row in rows
    ]


def _percent(part: int | None, whole: int | None) -> float | None:
    return None if part is None or not whole else 100 * part / whole
