"""``sluice db``: the warehouse that commands use."""

import os
from contextlib import suppress
from typing import Annotated

import typer

from sluice.cli import output
from sluice.cli.options import AsJson
from sluice.contracts.registry import Registry
from sluice.errors import SetupError
from sluice.jobs import ledger
from sluice.settings import settings
from sluice.warehouse import datasets
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.embedded import Embedded, programs_folder
from sluice.warehouse.failures import translated

app = typer.Typer(help="The warehouse that commands use: its URL, a shell, its schema.", no_args_is_help=True)


@app.command()
def url(
    show_password: Annotated[
        bool, typer.Option("--show-password", help="Print the password too, for another program.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the warehouse's URL; the embedded server is started if need be.

    `psql "$(sluice db url)"` opens it; with a password in SLUICE_DATABASE_URL add --show-password.
    """
    warehouse = Warehouse.from_settings()
    has_secret = warehouse.embedded is None and not show_password
    text = warehouse.safe_url if has_secret else warehouse.url
    output.as_json({"url": text}) if as_json else output.say(text)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """Open psql on the warehouse; further arguments are psql's own.

    For example: sluice db psql -c 'select count(*) from data.bugs'
    """
    warehouse = Warehouse.from_settings()
    program = programs_folder() / "psql"
    os.execv(program, [str(program), warehouse.url, *context.args])  # noqa: S606


@app.command()
def migrate(as_json: AsJson = False) -> None:
    """Bring Sluice's own tables, and the tables of all datasets, in line with what is expected.

    What would lose data is refused with the exact difference.
    """
    warehouse = Warehouse.from_settings().prepare()
    registry = Registry.from_settings(settings())
    done = {}
    for name in registry.names():
        with translated(), warehouse.connect() as connection:
            done[name] = datasets.migrate(connection, registry.get(name)).lines
            if done[name]:
                ledger.audit(
                    connection,
                    "table.changed",
                    organization_id=settings().organization_id,
                    user_id=settings().user_id,
                    dataset=name,
                    details={"contract": registry.get(name).version, "changes": done[name]},
                )
    if as_json:
        output.as_json(done)
        return
    output.table(["dataset", "changes"], [[name, "; ".join(lines) or "none"] for name, lines in done.items()])


@app.command()
def stop(as_json: AsJson = False) -> None:
    """Stop what commands left running: the embedded PostgreSQL and the Prefect server. No data is lost."""
    from deployments import local
    from deployments.state import PlatformState

    home = settings().root
    if PlatformState.running(home):
        raise SetupError("The platform runs.", hint="Stop it where `make up` was started, with Ctrl-C.")
    done = {"prefect_server": False, "postgres": False}
    if home.is_dir():
        done["prefect_server"] = local.stop(home)
        with suppress(FileNotFoundError):
            done["postgres"] = Embedded(home).stop()
    if as_json:
        output.as_json(done)
    else:
        names = [name.replace("_", " ") for name, stopped in done.items() if stopped]
        output.say(f"stopped: {', '.join(names)}" if names else "nothing was running")
