"""``sluice rejects``: what a job turned away, on the screen or in a file to be corrected."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from sluice.cli import output
from sluice.cli.files import whole
from sluice.cli.jobs import find
from sluice.cli.options import AsJson
from sluice.cli.rows import Unseal
from sluice.contracts.model import Contract
from sluice.contracts.registry import Registry
from sluice.errors import SetupError
from sluice.jobs import concealed, ledger
from sluice.jobs.downloads import export_rejects
from sluice.jobs.export import writer
from sluice.jobs.unsealing import Reader
from sluice.settings import program, settings
from sluice.warehouse import sealing
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated

PLACE = ("record_no", "line", "column_name", "reason", "message", "raw")
FIRST = 100
Rows = Callable[[], Iterator[dict[str, Any]]]


def rejects(
    job: Annotated[
        str, typer.Argument(help="A job id, as `sluice jobs` lists it, or `last`.", metavar="JOB")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write all of them here: .csv or .xlsx, to be corrected and loaded."),
    ] = None,
    unseal: Unseal = False,
    as_json: AsJson = False,
) -> None:
    """Show the records that a job turned away, each with where it stood and why.

    In the file of --out the record's own cells come first, then the reason.
    Columns that begin with `_sluice_` are not read: correct the cells and load the file.
    Of a dataset with encrypted columns cells and text show as ***, unless you --unseal them.
    """
    warehouse = Warehouse.from_settings().prepare()
    found = find(warehouse, job)
    if not unseal:
        _tell(lambda: map(concealed.masked, ledger.rejects(warehouse, found["job_id"])), found, out, as_json)
        return
    contract, here = _contract(found), settings()
    with translated(), warehouse.connect() as connection:
        keks = sealing.keks(warehouse)
        reader = Reader(connection, contract, here.organization_id, here.user_id, keks)
        count = _tell(
            lambda: reader.rejects(ledger.rejects(connection, found["job_id"])), found, out, as_json
        )
        reader.note("rejects", count, found["job_id"])


def _tell(rows: Rows, job: dict[str, Any], out: Path | None, as_json: bool) -> int:
    """Show the rejects, or write them to the file; returns how many were."""
    if out is not None:
        count = export(rows, _contract(job), out)
        output.as_json({"file": str(out), "rejects": count}) if as_json else output.say(
            f"{count:,} rejects in {out}"
        )
        return count
    if as_json:
        told = _Counted(rows())
        output.as_json_array(told)
        return told.count
    shown = [[output.one_line(row[name]) for name in PLACE] for row in islice(rows(), FIRST)]
    output.table(["record", "line", "column", "reason", "message", "raw"], shown)
    if len(shown) == FIRST:
        output.note(f"the first {FIRST}; all of them: {program()} rejects {job['job_id']} --out rejects.csv")
    return len(shown)


class _Counted:
    """Rows as they come, counted."""

    def __init__(self, rows: Iterator[dict[str, Any]]) -> None:
        self._rows, self.count = rows, 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self._rows:
            self.count += 1
            yield row


def _contract(job: dict[str, Any]) -> Contract:
    return Registry.from_settings(settings()).get(job["dataset"])


def export(rows: Rows, contract: Contract, path: Path) -> int:
    """Write one line a rejected record to a CSV or Excel file; returns how many. Raises SetupError."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("csv", "xlsx"):
        raise SetupError(
            f"{path.name} is neither .csv nor .xlsx.", hint="Name the file rejects.csv or rejects.xlsx."
        )
    # Exactly as they are, so that they can be loaded again.
    write = writer(kind, "rejects")
    with whole(path) as partial, partial.open("wb") as file:
        return export_rejects(rows, contract, write, file)
