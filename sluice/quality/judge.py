"""Runs a contract's rules over a DuckDB relation and turns what Great Expectations says into rule results."""

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from sluice.contracts.model import Contract, Rule
from sluice.errors import ContractError, SetupError, SluiceError
from sluice.quality import plan
from sluice.quality.suite import build_expectation, load_gx
from sluice.quality.verdict import RuleResult

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation
    from great_expectations.validator.validator import Validator

# Counts and observed values, no lists of values: those stop at 200, and our own SQL finds all rows.
COUNTS = {"result_format": {"result_format": "BASIC", "partial_unexpected_count": 0}}
# What a map expectation must compute for its counts; BASIC would also fetch the values, a query a rule.
COUNTS_ONLY = {"result_format": {"result_format": "BOOLEAN_ONLY"}}
INDEX_QUERY = {
    "result_format": {
        "result_format": "BOOLEAN_ONLY",
        "return_unexpected_index_query": True,
        "unexpected_index_column_names": ["_load_id", "_record_no"],
    }
}


class Judge:
    """Great Expectations over one relation of a DuckDB connection, without a data context.

    A context would add nothing but global state: no rule is stored, and no result is rendered.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        relation: str,
        contract: Contract,
        unique: Sequence[str] = (),
    ) -> None:
        """``unique``: columns that are known to hold no value twice, nor NULL."""
        self._contract = contract
        self._validator = _validator(connection, relation)
        self._validator.execution_engine.unique = frozenset(unique)

    def close(self) -> None:
        """Let go of the connection, which stays open."""
        self._validator.execution_engine.close()

    def results(self, rules: Sequence[Rule], rows: int) -> list[RuleResult]:
        """What GX says about each rule, in order, over the relation's ``rows`` rows; one pass for all rules.

        Raises ContractError or SetupError if a rule could not be judged.
        """
        found = plan.remembered(rules, lambda: self._plan(rules))
        metrics, aborted = found.compute(self._validator)
        for info in aborted.values():
            self._check_room(str(info["exception_info"]))
        return [
            self._result(rule, expectation, need, metrics, rows)
            for rule, expectation, need in zip(rules, found.expectations, found.needs, strict=True)
        ]

    def _plan(self, rules: Sequence[Rule]) -> plan.Plan:
        expectations = [build_expectation(rule, self._contract) for rule in rules]
        needs = [self._needs(*pair) for pair in zip(rules, expectations, strict=True)]
        return plan.made(self._validator, expectations, needs)

    def failing_rows_query(self, rule: Rule) -> str | None:
        """GX's own SQL for ``_load_id`` and ``_record_no`` of the rows that fail; None if it has none."""
        expectation = build_expectation(rule, self._contract)
        need = expectation.get_validation_dependencies(
            execution_engine=self._validator.execution_engine, runtime_configuration=INDEX_QUERY
        ).metric_configurations
        wanted = [metric for name, metric in need.items() if name.endswith(".unexpected_index_query")]
        metrics, _ = self._validator.compute_metrics(wanted)
        query = next(iter(metrics[metric.id] for metric in wanted if metric.id in metrics), None)
        return str(query).rstrip().rstrip(";") if query else None

    def _needs(self, rule: Rule, expectation: "Expectation") -> dict[str, Any]:
        from great_expectations.expectations import expectation as kinds

        maps = (kinds.ColumnMapExpectation, kinds.ColumnPairMapExpectation, kinds.MulticolumnMapExpectation)
        try:
            needs = expectation.get_validation_dependencies(
                execution_engine=self._validator.execution_engine,
                runtime_configuration=COUNTS_ONLY if isinstance(expectation, maps) else COUNTS,
            )
        except Exception as error:  # whatever a contract's own expectation may raise
            raise self._error(rule, str(error)) from error
        return dict(needs.metric_configurations)

    def _result(
        self, rule: Rule, expectation: "Expectation", need: dict[str, Any], metrics: dict[Any, Any], rows: int
    ) -> RuleResult:
        if any(metric.id not in metrics for metric in need.values()):
            raise self._error(rule, self._why_not(need))
        try:
            found = expectation._validate(
                metrics={name: metrics[metric.id] for name, metric in need.items()},
                runtime_configuration=COUNTS,
                execution_engine=self._validator.execution_engine,
            )
        except Exception as error:  # whatever a contract's own expectation may raise
            raise self._error(rule, str(error)) from error
        return _result(rule, bool(found["success"]), found.get("result") or {}, rows)

    def _check_room(self, text: str) -> None:
        """Raise SetupError if a metric failed for want of memory or disk; computed alone it may have succeeded."""
        if found := re.search(r"(Out of Memory Error|No space left on device)[^\n]*", text):
            raise SetupError(
                f"The audit ran out of memory or disk: {found[0][:200]}",
                hint="Give it more with SLUICE_MEMORY_LIMIT_MB, or free space in the stage folder.",
                dataset=self._contract.dataset,
            )

    def _why_not(self, need: dict[str, Any]) -> str:
        """The text of the first exception in a rule's metrics, which are computed again on their own."""
        _, aborted = self._validator.compute_metrics(list(need.values()))
        found = (info["exception_info"] for info in aborted.values())
        return next((str(info.exception_message) for info in found), "a metric is missing")

    def _error(self, rule: Rule, text: str) -> SluiceError:
        # GX hands over the text of a database error, not the error.
        self._check_room(text)
        if self._contract.ceiling:
            text = "its error may quote protected values, so it is not told"
        brief = next((line.strip() for line in text.splitlines() if line.strip()), "no message")
        facts = {"file": self._contract.path, "rule": rule.id, "column": rule.column}
        return ContractError(
            f"Rule '{rule.id}' ({rule.expectation}) could not be judged: {brief}",
            hint="Check its column names, types and SQL in the contract.",
            **facts,
        )


def _validator(connection: duckdb.DuckDBPyConnection, relation: str) -> "Validator":
    load_gx()
    from great_expectations.core.batch import Batch
    from great_expectations.validator.validator import Validator

    from sluice.quality.dialect import open_engine
    from sluice.quality.metrics import BatchData, DuckDBExecutionEngine

    engine = DuckDBExecutionEngine(engine=open_engine(connection), create_temp_table=False)
    data = BatchData(execution_engine=engine, table_name=relation, create_temp_table=False)
    validator = Validator(execution_engine=engine, batches=[Batch(data=data)])
    validator.metrics_calculator.show_progress_bars = False
    return validator


def _result(rule: Rule, success: bool, values: dict[str, Any], rows: int) -> RuleResult:
    count = values.get("unexpected_count")
    observed = values.get("observed_value")
    if rule.kind == "row" and count is None and isinstance(observed, int):
        count = observed
    return RuleResult(
        rule=rule.name,
        expectation=rule.expectation,
        kind=rule.kind,
        column=rule.column,
        severity=rule.severity,
        success=success,
        element_count=rows,
        unexpected_count=count,
        unexpected_percent=None if count is None else round(100 * count / rows, 4) if rows else 0.0,
        observed=json.loads(json.dumps(observed, default=str), parse_constant=str),
    )
