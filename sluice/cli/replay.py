"""``sluice replay``: a job's rejects, or all of a failed job, once more."""

from typing import Annotated

import typer

from sluice.cli.jobs import find
from sluice.cli.load import show, tenant
from sluice.cli.options import AsJson, check_mode
from sluice.cli.runner import run
from sluice.jobs.replay import request_of
from sluice.warehouse.connection import Warehouse


def replay(
    job: Annotated[str, typer.Argument(help="The job, as `sluice jobs` lists it, or `last`.", metavar="JOB")],
    mode: Annotated[
        str | None,
        typer.Option("--mode", "-m", help="Empty: the job's own mode, but append after a replace."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """After a fix of the contract: load only a job's rejects again.

    A job that failed as a whole is run again from its sources.
    To correct the rows themselves, export them (`sluice rejects JOB --out rejects.csv`), edit, and load the file.
    """
    if mode is not None:
        check_mode(mode)
    warehouse = Warehouse.from_settings().prepare()
    request = request_of(warehouse, find(warehouse, job), mode)
    show(run({**request, **tenant()}), as_json)
