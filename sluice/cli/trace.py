"""``sluice trace``: from a row to its origin, or from an input record to its fate."""

from typing import Annotated, Any

import typer

from sluice.cli import output
from sluice.cli.jobs import find
from sluice.cli.options import AsJson
from sluice.contracts.registry import Registry
from sluice.errors import SetupError
from sluice.jobs import trace as tracing
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse


def trace(
    subject: Annotated[
        str, typer.Argument(help="A dataset, or a job id with --record.", metavar="DATASET|JOB")
    ],
    key: Annotated[
        str | None, typer.Argument(help="The row's key; several columns: a,b.", metavar="[KEY]")
    ] = None,
    record: Annotated[
        int | None, typer.Option("--record", min=1, help="Number of an input record, from 1.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show where a row came from, or where an input record went.

    sluice trace bugs BUG-202511-0001     # its file, record, load, contract, rule results, flow run
    sluice trace JOB --record 3           # published, unchanged, superseded or rejected, and why
    """
    if (key is None) == (record is None):
        what = "Say what to trace." if key is None else "A key and --record together say two things."
        raise SetupError(what, hint="sluice trace DATASET KEY, or sluice trace JOB --record N.")
    warehouse = Warehouse.from_settings().prepare()
    registry = Registry.from_settings(settings())
    if record is not None:
        job = find(warehouse, subject)
        found = tracing.record(warehouse, job, registry.get(job["dataset"]), record)
    else:
        found = tracing.row(warehouse, registry.get(subject), str(key), settings().organization_id)
    if as_json:
        output.as_json(found)
        return
    for number, one in enumerate(found):
        if number:
            output.say("")
        _show(one)


def _show(found: dict[str, Any]) -> None:
    parts = ("row", "rules", "reasons", "replayed_from", "contract", "contract_version", "contract_sha256")
    details = {name: value for name, value in found.items() if name not in parts}
    if found.get("contract"):
        details["contract"] = (
            f"{found['contract']} {found['contract_version']} ({found['contract_sha256'][:12]})"
        )
    output.pairs(details | {"record": str(found["record"]), "load": str(found.get("load") or "")})
    if "row" in found:
        output.say("")
        output.pairs({name: _as_it_stands(value) for name, value in found["row"].items()})
    for name in ("replayed_from", "reasons", "rules"):
        if lines := found.get(name):
            output.say("")
            rows = [[output.one_line(_as_it_stands(value)) for value in line.values()] for line in lines]
            output.table(list(lines[0]), rows, title=name.replace("_", " "))


def _as_it_stands(value: Any) -> Any:
    """A value as the data has it: a year or a key without commas, a time with its seconds."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if value is None or isinstance(value, dict | list) else str(value)
