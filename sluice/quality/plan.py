"""What Great Expectations needs to know for a contract's rules: asked once a process, for it depends on no row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sluice.contracts.model import Rule

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation
    from great_expectations.validator.validation_graph import MetricEdge
    from great_expectations.validator.validator import Validator


@dataclass(frozen=True, slots=True)
class Plan:
    """Rules as expectations, the metrics by name that each needs, and the graph of all that these rest on."""

    expectations: tuple["Expectation", ...]
    needs: tuple[dict[str, Any], ...]
    edges: tuple["MetricEdge", ...]

    def compute(self, validator: "Validator") -> tuple[dict[Any, Any], dict[Any, Any]]:
        """The metrics over the validator's batch, and those that failed; both by id."""
        from great_expectations.validator.validation_graph import ValidationGraph

        graph = ValidationGraph(validator.execution_engine, list(self.edges))
        resolve = validator.metrics_calculator.resolve_validation_graph_and_handle_aborted_metrics_info
        metrics, aborted = resolve(graph=graph)
        return dict(metrics), dict(aborted)


def made(
    validator: "Validator", expectations: Sequence["Expectation"], needs: Sequence[dict[str, Any]]
) -> Plan:
    """The plan for expectations and their metrics. Great Expectations looks at the kind of engine, not at its rows."""
    wanted = [metric for need in needs for metric in need.values()]
    graph = validator.metrics_calculator.build_metric_dependency_graph(wanted)
    return Plan(tuple(expectations), tuple(needs), tuple(graph.edges))


def remembered(rules: Sequence[Rule], make: Callable[[], Plan]) -> Plan:
    """The plan of these rules, made if it is not there yet; what ``make`` raises is not remembered."""
    memo = _memo(repr(rules))
    if memo.plan is None:
        memo.plan = make()
    return memo.plan


@dataclass(slots=True)
class _Memo:
    plan: Plan | None = field(default=None)


@lru_cache(maxsize=32)
def _memo(_rules: str) -> _Memo:
    return _Memo()
