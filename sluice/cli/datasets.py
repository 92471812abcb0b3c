"""``sluice datasets``: the contracts, and whether they are right and fit the live tables."""

from typing import Annotated, Any

import typer

from sluice.cli import output
from sluice.cli.options import AsJson
from sluice.contracts.model import Column, Contract, Rule
from sluice.contracts.registry import Registry
from sluice.errors import SluiceError
from sluice.jobs.freshness import Freshness, freshness
from sluice.settings import settings
from sluice.warehouse import datasets
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated

app = typer.Typer(help="What can be loaded: one dataset a contract.", invoke_without_command=True)


@app.callback()
def listing(context: typer.Context, as_json: AsJson = False) -> None:
    """List the datasets: their tables, and whether their newest load is within the contract's SLA.

    `sluice datasets show NAME` tells a dataset's columns, types and rules.
    `sluice datasets check` validates all contracts and compares the live tables.
    """
    if context.invoked_subcommand is not None:
        return
    registry = Registry.from_settings(settings())
    problems: list[SluiceError] = [*registry.problems()]
    found: dict[str, Freshness] = {}
    try:
        found = _freshness(registry)
    except SluiceError as error:  # the contracts can be listed without a warehouse
        problems.append(error)
    contracts = [registry.get(name) for name in registry.names()]
    if as_json:
        facts = [found[one.dataset].as_dict() if found else {} for one in contracts]
        output.as_json([{**_described(one), **more} for one, more in zip(contracts, facts, strict=True)])
        return
    rows = [{**_described(one), **_loaded(found.get(one.dataset))} for one in contracts]
    output.table(list(rows[0]) if rows else ["dataset"], [list(row.values()) for row in rows])
    for problem in problems:
        output.error(problem)


def _freshness(registry: Registry) -> dict[str, Freshness]:
    contracts = [registry.get(name) for name in registry.names()]
    return freshness(Warehouse.from_settings().prepare(), contracts, settings().organization_id)


def _loaded(found: Freshness | None) -> dict[str, Any]:
    return {"loaded": found.loaded_at, "freshness": found.words} if found else {}


def _described(contract: Contract) -> dict[str, Any]:
    return {
        "dataset": contract.dataset,
        "table": f"{contract.schema}.{contract.table}",
        "version": contract.version,
        "columns": len(contract.columns),
        "rules": len(contract.rules),
        "key": " / ".join(", ".join(key) for key in contract.match_keys) or "none",
        "contract": str(contract.path),
    }


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A name that `sluice datasets` lists.", metavar="NAME")],
    as_json: AsJson = False,
) -> None:
    """Show what a dataset takes: its columns with their types, its key and its rules.

    A header is matched whatever its case, spaces and punctuation; "also called" lists further spellings.
    """
    contract = Registry.from_settings(settings()).get(name)
    columns = [_column(contract, one) for one in contract.columns]
    rules = [_rule(rule) for rule in contract.rules]
    described = {
        **_described(contract),
        "unknown columns": contract.drift,
        "description": contract.description,
    }
    if as_json:
        output.as_json({**described, "columns": columns, "rules": rules})
        return
    output.pairs(described)
    for rows in (columns, rules):
        if rows:
            output.say("")
            output.table([key.replace("_", " ") for key in rows[0]], [list(row.values()) for row in rows])


def _column(contract: Contract, column: Column) -> dict[str, Any]:
    return {
        "column": column.name,
        "type": column.postgres_type,
        "required": column.name in contract.required,
        "also_called": ", ".join(column.aliases),
        "description": column.description,
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {"rule": rule.id, "severity": rule.severity, "message": rule.message or rule.expectation}


@app.command()
def check(
    strict: Annotated[bool, typer.Option("--strict", help="A late dataset is an error too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Validate all contracts and compare them with the live tables; exit code 1 if something is wrong.

    A dataset whose newest load is older than its SLA allows is a warning.
    """
    registry = Registry.from_settings(settings())
    warehouse = Warehouse.from_settings().prepare()
    findings: list[dict[str, Any]] = [
        {"dataset": None, "state": "bad contract", "details": problem.message, "warnings": []}
        for problem in registry.problems()
    ]
    found = _freshness(registry)
    findings += [_finding(warehouse, registry.get(name), found[name]) for name in registry.names()]
    if as_json:
        output.as_json(findings)
    else:
        output.table(["dataset", "state", "details"], [list(finding.values())[:3] for finding in findings])
        for finding in findings:
            for warning in finding["warnings"]:
                output.say(f"warning: {finding['dataset']}: {warning}")
    late = strict and any(one.state == "late" for one in found.values())
    if late or any(finding["state"] in ("bad contract", "conflict") for finding in findings):
        raise typer.Exit(1)


def _finding(warehouse: Warehouse, contract: Contract, found: Freshness) -> dict[str, Any]:
    """How the contract and its table stand, and what deserves a look: late, or written but not acted on."""
    with translated(), warehouse.connect() as connection:
        diff = datasets.compare(connection, contract)
    warnings = [f"{contract.path.name if contract.path else ''} {note}" for note in contract.notes]
    if found.state == "late":
        warnings.insert(0, f"{found.words}: loads are due every {found.due_hours:g} h")
    return {
        "dataset": contract.dataset,
        "state": "conflict" if diff.conflicts else "ok" if diff.same else "will be migrated",
        "details": "; ".join(diff.lines),
        "warnings": warnings,
    }
