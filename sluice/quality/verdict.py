"""What an audit found: rule results, rejected and superseded records, and whether the load is refused."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from sluice.contracts.model import Contract


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule as Great Expectations judged it. Counts are None where the expectation has none.

    ``unexpected_percent`` is of ``element_count`` (0-100). ``observed`` is JSON-ready.
    """

    rule: str
    expectation: str
    kind: str
    column: str
    severity: str
    success: bool
    element_count: int
    unexpected_count: int | None
    unexpected_percent: float | None
    observed: Any = None

    @property
    def id(self) -> str:
        """The rule's ``id``: column and name, unique within its contract."""
        return f"{self.column}.{self.rule}" if self.column else self.rule

    @property
    def passed_share(self) -> float:
        """The part of the rule's rows that passed, 0-1; without a count it is all or nothing."""
        if self.unexpected_count is None or not self.element_count:
            return float(self.success)
        return 1 - min(self.unexpected_count / self.element_count, 1)


def concealed(contract: Contract, result: RuleResult) -> RuleResult:
    """The result without an observed value, where that may be one of a protected column."""
    if not contract.ceiling or result.expectation.startswith("ExpectTable"):
        return result
    plain = any(column.name == result.column and not column.sealed for column in contract.columns)
    return result if plain else replace(result, observed=None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """An audit's outcome.

    ``rejected`` and ``superseded`` count records; each record is at most one of both. ``reasons`` counts
    rejected records by their first reason, in rule order. ``refused`` says why the load must stop (empty: it
    may go on). ``score`` is 0-100: the mean over all rules of the share of records that
    passed, rounded down, so that 100 means no finding at all. A record that can't be typed passes no rule; one
    that a later record supersedes is no fault. ``seconds`` is the audit's wall time.
    """

    directory: Path
    rejected: int = 0
    superseded: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    results: tuple[RuleResult, ...] = ()
    score: float = 100.0
    seconds: float = 0.0

    @property
    def rejected_path(self) -> Path:
        """Parquet, always there: ``_load_id, _record_no, column, reason, message``, a row for each failed rule.

        Ordered by record, and within a record by rule: its first row holds its first reason.
        """
        return self.directory / "verdict.parquet"

    @property
    def superseded_path(self) -> Path:
        """Parquet, always there: ``_load_id, _record_no`` of records that a later one replaces."""
        return self.directory / "superseded.parquet"

    def as_dict(self) -> dict[str, Any]:
        """The verdict as JSON-ready values."""
        return {**asdict(self), "directory": str(self.directory)}

    def save(self) -> Path:
        """Write ``verdict.json`` beside the files; its existence says that the verdict is whole."""
        path = self.directory / "verdict.json"
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(self.as_dict()))
        return partial.replace(path)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """The verdict saved in ``directory``."""
        values = json.loads((directory / "verdict.json").read_text())
        values["directory"] = directory
        values["refused"] = tuple(values["refused"])
        values["results"] = tuple(RuleResult(**result) for result in values["results"])
        return cls(**values)
