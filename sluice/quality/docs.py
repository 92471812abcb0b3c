"""Great Expectations' Data Docs: a local web site of each dataset's suite and its last validation."""

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sluice.contracts.model import Contract, Rule
from sluice.quality.offline import make_offline, write_index
from sluice.quality.suite import build_expectation, build_suite, load_gx
from sluice.quality.verdict import RuleResult

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult

SITE = "sluice"


def build_docs(
    contracts: Sequence[Contract], results: Mapping[str, Sequence[RuleResult]], directory: Path
) -> Path:
    """Write the site for ``contracts`` into ``directory``; returns its ``index.html``.

    ``results`` holds a dataset's last rule results; a dataset without shows its suite only. The pages need no
    network. Raises ContractError for a rule that Great Expectations does not take.
    """
    context = load_gx().get_context(mode="ephemeral")
    context.enable_analytics(False)
    for name in context.get_site_names():
        context.delete_data_docs_site(name)
    context.add_data_docs_site(SITE, _site(directory))
    for contract in contracts:
        context.suites.add(build_suite(contract))
        if contract.dataset in results:
            _store(context, contract, results[contract.dataset])
    for old in ("expectations", "validations"):
        shutil.rmtree(directory / old, ignore_errors=True)
    context.build_data_docs(site_names=[SITE])
    make_offline(directory)
    return write_index(directory, [(c.dataset, c.version, _state(results.get(c.dataset))) for c in contracts])


def _state(results: Sequence[RuleResult] | None) -> str:
    if results is None:
        return "none yet"
    passed = sum(result.success for result in results)
    return f"{passed} of {len(results)} rules passed"


def _site(directory: Path) -> dict[str, Any]:
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(directory.resolve()),
        },
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }


def _store(context: Any, contract: Contract, results: Sequence[RuleResult]) -> None:
    from great_expectations.core import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    key = ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(contract.dataset),
        run_id=RunIdentifier(run_name=contract.dataset, run_time=datetime.now(UTC)),
        batch_identifier=contract.dataset,
    )
    context.validation_results_store.set(key, _validation(contract, results))


def _validation(contract: Contract, results: Sequence[RuleResult]) -> "ExpectationSuiteValidationResult":
    from great_expectations.core import ExpectationSuiteValidationResult

    rules = {rule.id: rule for rule in contract.rules}
    found = [_result(contract, rules[result.id], result) for result in results if result.id in rules]
    passed = sum(1 for result in found if result.success)
    return ExpectationSuiteValidationResult(
        suite_name=contract.dataset,
        success=passed == len(found),
        results=found,
        statistics={
            "evaluated_expectations": len(found),
            "successful_expectations": passed,
            "unsuccessful_expectations": len(found) - passed,
            "success_percent": 100 * passed / len(found) if found else None,
        },
        meta={"contract_version": contract.version},
    )


def _result(contract: Contract, rule: Rule, result: RuleResult) -> "ExpectationValidationResult":
    from great_expectations.core import ExpectationValidationResult

    values = {
        "element_count": result.element_count,
        "unexpected_count": result.unexpected_count,
        "unexpected_percent": result.unexpected_percent,
        "observed_value": result.observed,
    }
    return ExpectationValidationResult(
        success=result.success,
        expectation_config=build_expectation(rule, contract).configuration,
        result={name: value for name, value in values.items() if value is not None},
        meta={},
        exception_info={"raised_exception": False, "exception_traceback": None, "exception_message": None},
    )
