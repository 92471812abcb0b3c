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
    warehouse = Warehouse.from_settings().prepare()
    registry = Registry.from_settings(settings())
    if record is not None:
        job = find(warehouse, subject)
        found = tracing.record(warehouse, job, registry.get(job["dataset"]), record)
    elif key is not None:
        found = tracing.row(warehouse, registry.get(subject), key, settings().organization_id)
    else:
        raise SetupError(
            "Say what to trace.", hint="sluice trace DATASET KEY, or sluice trace JOB --record N"
        )
    if as_json:
        output.as_json(found)
        return
    for one in found:
        _show(one)


def _show(found: dict[str, Any]) -> None:
    details = {name: value for name, value in found.items() if name not in ("row", "rules", "reasons")}
    contract = (
        f"{details.pop('contract')} {details.pop('contract_version')} ({details.pop('contract_sha256')[:12]})"
    )
    output.pairs(details | {"contract": contract})
    for name in ("row",):
        if name in found:
            output.say("")
            output.pairs(found[name])
    for name in ("reasons", "rules"):
        if found.get(name):
            output.say("")
            output.table(list(found[name][0]), [list(line.values()) for line in found[name]], title=name)
