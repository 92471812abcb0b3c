"""``sluice rows``: what stands in a dataset's table."""

from typing import Annotated

import typer

from sluice.cli import output
from sluice.cli.options import AsJson, key_values
from sluice.contracts.registry import Registry
from sluice.jobs.export import jsonable
from sluice.jobs.unsealing import Reader, selected
from sluice.settings import settings
from sluice.warehouse import sealing
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated

Unseal = Annotated[
    bool, typer.Option("--unseal", help="Show encrypted values; the audit log keeps who did, and what.")
]


def rows(
    dataset: Annotated[str, typer.Argument(help="A dataset, as `sluice datasets` lists it.")],
    where: Annotated[
        list[str] | None, typer.Option("--where", metavar="column=value", help="Only rows with this value.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many rows.")] = 20,
    unseal: Unseal = False,
    as_json: AsJson = False,
) -> None:
    """Print rows of a dataset's table, in the order in which they were loaded.

    Encrypted values show as ***. They can be looked up by all the same, where the contract says sluice.lookup.
    """
    warehouse, given = Warehouse.from_settings().prepare(), settings()
    contract = Registry.from_settings(given).get(dataset)
    keks = sealing.keks(warehouse) if contract.ceiling else None
    with translated(), warehouse.connect() as connection:
        reader = Reader(connection, contract, given.organization_id, given.user_id, keks if unseal else None)
        found = list(selected(reader, key_values(where or []), limit, keks))
        reader.note("rows", len(found))
    shown = [{name: jsonable(value) for name, value in row.items()} for row in found]
    if as_json:
        output.as_json(shown)
        return
    names = [column.name for column in contract.columns]
    output.table(names, [[output.one_line(row[name]) for name in names] for row in shown])
