"""``sluice rejects``: what a job turned away, on the screen or in a file to be corrected."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from sluice.cli import output
from sluice.cli.files import whole
from sluice.cli.jobs import find
from sluice.cli.options import AsJson
from sluice.contracts.registry import Registry
from sluice.errors import SetupError
from sluice.jobs import ledger
from sluice.jobs.downloads import export_rejects
from sluice.jobs.export import writer
from sluice.settings import program, settings
from sluice.warehouse.connection import Warehouse

PLACE = ("record_no", "line", "column_name", "reason", "message", "raw")
FIRST = 100


def rejects(
    job: Annotated[
        str, typer.Argument(help="A job id, as `sluice jobs` lists it, or `last`.", metavar="JOB")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write all of them here: .csv or .xlsx, to be corrected and loaded."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the records that a job turned away, each with where it stood and why.

    In the file of --out the record's own cells come first, then the reason.
    Columns that begin with `_sluice_` are not read: correct the cells and load the file.
    """
    warehouse = Warehouse.from_settings().prepare()
    found = find(warehouse, job)
    job = found["job_id"]
    rows = ledger.rejects(warehouse, job)
    if out is not None:
        count = export(warehouse, found, out)
        output.as_json({"file": str(out), "rejects": count}) if as_json else output.say(
            f"{count:,} rejects in {out}"
        )
    elif as_json:
        output.as_json_array(rows)
    else:
        shown = [[output.one_line(row[name]) for name in PLACE] for row in islice(rows, FIRST)]
        output.table(["record", "line", "column", "reason", "message", "raw"], shown)
        if len(shown) == FIRST:
            output.note(f"the first {FIRST}; all of them: {program()} rejects {job} --out rejects.csv")


def export(warehouse: Warehouse, job: dict[str, Any], path: Path) -> int:
    """Write one line a rejected record to a CSV or Excel file; returns how many. Raises SetupError."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("csv", "xlsx"):
        raise SetupError(
            f"{path.name} is neither .csv nor .xlsx.", hint="Name the file rejects.csv or rejects.xlsx."
        )
    contract = Registry.from_settings(settings()).get(job["dataset"])
    # Exactly as they are, so that they can be loaded again.
    write = writer(kind, "rejects")
    with whole(path) as partial, partial.open("wb") as file:
        return export_rejects(lambda: ledger.rejects(warehouse, job["job_id"]), contract, write, file)
