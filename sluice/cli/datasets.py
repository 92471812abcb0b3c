"""``sluice datasets``: the contracts, and whether they are right and fit the live tables."""

from typing import Any

import typer

from sluice.cli import output
from sluice.cli.options import AsJson
from sluice.contracts.registry import Registry
from sluice.errors import SluiceError
from sluice.settings import settings
from sluice.warehouse import datasets
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated

app = typer.Typer(help="What can be loaded: one dataset a contract.", invoke_without_command=True)


@app.callback()
def listing(context: typer.Context, as_json: AsJson = False) -> None:
    """List the datasets. `sluice datasets check` validates their contracts and compares the live tables."""
    if context.invoked_subcommand is not None:
        return
    registry = Registry.from_settings(settings())
    rows = [_described(registry, name) for name in registry.names()]
    if as_json:
        output.as_json(rows)
        return
    output.table(list(rows[0]) if rows else ["dataset"], [list(row.values()) for row in rows])
    for problem in registry.problems():
        output.error(problem)


def _described(registry: Registry, name: str) -> dict[str, Any]:
    contract = registry.get(name)
    return {
        "dataset": name,
        "table": f"{contract.schema}.{contract.table}",
        "version": contract.version,
        "columns": len(contract.columns),
        "rules": len(contract.rules),
        "key": " / ".join(", ".join(key) for key in contract.match_keys) or "none",
        "contract": str(contract.path),
    }


@app.command()
def check(as_json: AsJson = False) -> None:
    """Validate all contracts and compare them with the live tables; exit code 1 if something is wrong."""
    registry = Registry.from_settings(settings())
    warehouse = Warehouse.from_settings().prepare()
    findings: list[dict[str, Any]] = [
        {"dataset": None, "state": "bad contract", "details": problem.message}
        for problem in registry.problems()
    ]
    for name in registry.names():
        with translated(), warehouse.connect() as connection:
            diff = datasets.compare(connection, registry.get(name))
        state = "conflict" if diff.conflicts else "ok" if diff.same else "will be migrated"
        findings.append({"dataset": name, "state": state, "details": "; ".join(diff.lines)})
    if as_json:
        output.as_json(findings)
    else:
        output.table(["dataset", "state", "details"], [list(finding.values()) for finding in findings])
    if any(finding["state"] in ("bad contract", "conflict") for finding in findings):
        raise typer.Exit(1)


__all__ = ["SluiceError", "app"]
