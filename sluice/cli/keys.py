"""``sluice keys``: the keys of encrypted columns."""

from typing import Annotated, Any

import typer
from psycopg.rows import dict_row

from sluice.cli import output
from sluice.cli.options import AsJson
from sluice.jobs import ledger
from sluice.security import ring
from sluice.settings import settings
from sluice.warehouse import sealing
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

app = typer.Typer(help="The keys of encrypted columns: which there are, and new ones.", no_args_is_help=True)
_STATUS = """
SELECT organization_id, id AS data_key, purpose, kek_id AS wrapped_by, created_at, retired_at
  FROM sluice.data_keys ORDER BY organization_id, id
"""
_PERSONS = "SELECT count(*) FROM sluice.subject_keys"


@app.command()
def status(as_json: AsJson = False) -> None:
    """List the data keys, what wraps each, and whether that is there; no key is shown."""
    warehouse = Warehouse.from_settings().prepare()
    given = sealing.keks(warehouse)
    with translated(), warehouse.connect() as connection:
        with connection.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(_STATUS).fetchall()
        persons = connection.execute(_PERSONS).fetchone()
    known = {kek.id for kek in given.keks}
    for row in found:
        row["readable"] = row["wrapped_by"] in known
    told: dict[str, Any] = {
        "current": given.current.id,
        "others": [kek.id for kek in given.keks[1:]],
        "persons": persons[0] if persons else 0,
    }
    if as_json:
        output.as_json(told | {"data_keys": found})
        return
    output.pairs(told | {"others": ", ".join(told["others"])})
    if found:
        names = list(found[0])
        output.table(names, [[_shown(row[name]) for name in names] for row in found])


@app.command()
def rotate(
    data: Annotated[
        bool, typer.Option("--data", help="Also make your organization a new data key for rows to come.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Wrap all data keys with the current key-encryption key; no row is touched.

    Give the new key first and the old one after it, rotate, and then leave the old one out.
    """
    warehouse, here = Warehouse.from_settings().prepare(), settings()
    given = sealing.keks(warehouse)
    with translated(), warehouse.connect(autocommit=True) as connection, connection.transaction():
        told: dict[str, Any] = {"wrapped_by": given.current.id, "data_keys": ring.rewrap(connection, given)}
        if data:
            ring.ensure(connection, given, here.organization_id)
            told["new_data_key"] = ring.renew(connection, given, here.organization_id)
        _note(connection, told)
    output.as_json(told) if as_json else output.pairs(told)


def _note(connection: Connection, told: dict[str, Any]) -> None:
    here = settings()
    ledger.audit(
        connection,
        "keys.rotated",
        organization_id=here.organization_id,
        user_id=here.user_id,
        details=told,
    )


def _shown(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else str(value) if value is not None else ""
