"""Compiles a contract's rules into a Great Expectations suite."""

import difflib
import os
from functools import cache
from typing import TYPE_CHECKING, Any

from sluice.contracts.model import Contract, Rule
from sluice.errors import ContractError

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.expectation import Expectation


def load_gx() -> Any:
    """Great Expectations, with its telemetry off. The first import takes seconds, hence not at module level."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations

    return great_expectations


def build_suite(contract: Contract) -> "ExpectationSuite":
    """The contract's rules, in order, as an ExpectationSuite named after the dataset.

    Each expectation's ``meta["rule"]`` is the name of its rule. Raises ContractError for an expectation that
    Great Expectations does not know, or arguments it does not take.
    """
    gx = load_gx()
    expectations = [build_expectation(rule, contract) for rule in contract.rules]
    return gx.ExpectationSuite(name=contract.dataset, expectations=expectations)


def build_expectation(rule: Rule, contract: Contract) -> "Expectation":
    """The rule as a GX expectation. Raises ContractError."""
    kind = _expectation_class(rule, contract)
    kwargs = dict(rule.kwargs)
    if rule.kind == "key" and "column_list" in kwargs:
        kwargs.setdefault("ignore_row_if", "any_value_is_missing")
    try:
        return kind(
            **kwargs,
            severity=rule.severity,
            meta={"rule": rule.id},
            notes=rule.message or None,
        )
    except (TypeError, ValueError) as error:
        raise ContractError(
            f"Rule '{rule.id}': {rule.expectation} does not take these arguments: {_brief(error)}.",
            hint="Compare them with the expectation's page in the Great Expectations gallery.",
            file=contract.path,
            rule=rule.id,
        ) from error


def _expectation_class(rule: Rule, contract: Contract) -> Any:
    known = _known_expectations()
    name = _camel(rule.expectation)
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    raise ContractError(
        f"Rule '{rule.id}': Great Expectations has no expectation '{rule.expectation}'.",
        hint=f"Did you mean '{near[0]}'?" if near else "Its gallery lists them all.",
        file=contract.path,
        rule=rule.id,
    )


@cache
def _known_expectations() -> dict[str, Any]:
    load_gx()
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )

    kinds = (get_expectation_impl(name) for name in list_registered_expectation_implementations())
    return {kind.__name__: kind for kind in kinds}


def _camel(name: str) -> str:
    if not name.islower():
        return name
    return "".join(part.capitalize() for part in name.split("_"))


def _brief(error: Exception) -> str:
    return "; ".join(line.strip() for line in str(error).splitlines()[1:] or [str(error)])
