"""``sluice rejects``: what a job turned away, on the screen or in a file to be corrected."""

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from sluice.cli import output
from sluice.cli.files import whole
from sluice.cli.jobs import find
from sluice.cli.options import AsJson
from sluice.contracts.model import Contract
from sluice.contracts.registry import Registry
from sluice.errors import SetupError
from sluice.jobs import ledger
from sluice.readers.header import by_column
from sluice.settings import program, settings
from sluice.warehouse.connection import Warehouse

NOTES = ("_sluice_record", "_sluice_line", "_sluice_reason", "_sluice_message", "_sluice_raw")
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
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise SetupError(
            f"{path.name} is neither .csv nor .xlsx.", hint="Name the file rejects.csv or rejects.xlsx."
        )
    contract = Registry.from_settings(settings()).get(job["dataset"])
    # Twice over the rows: the files of one job may have different columns, and a broken record has none.
    names = {name for line in _lines(ledger.rejects(warehouse, job["job_id"]), contract) for name in line}
    known = [column.name for column in contract.columns if column.name in names]
    header = [*known, *sorted(names - {*known, *NOTES}), *NOTES]
    lines = _lines(ledger.rejects(warehouse, job["job_id"]), contract)
    write = _to_csv if path.suffix.lower() == ".csv" else _to_xlsx
    with whole(path) as partial:
        return write(lines, header, partial)


def _lines(rows: Iterator[dict[str, Any]], contract: Contract) -> Iterator[dict[str, Any]]:
    """The record's cells and its reasons; several reasons of one record in one line."""
    current: dict[str, Any] = {}
    place: tuple[int, int] | None = None
    for row in rows:
        here = (row["load_id"], row["record_no"])
        if here == place:
            current["_sluice_reason"] += f", {row['reason']}"
            current["_sluice_message"] += f"; {row['message']}"
            continue
        if place is not None:
            yield current
        place = here
        current = {
            **by_column(row["cells"] or {}, contract),
            "_sluice_record": row["record_no"],
            "_sluice_line": row["line"],
            "_sluice_reason": row["reason"],
            "_sluice_message": row["message"],
            "_sluice_raw": row["raw"],
        }
    if place is not None:
        yield current


def _to_csv(lines: Iterator[dict[str, Any]], header: list[str], path: Path) -> int:
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header, restval="")
        writer.writeheader()
        for line in lines:
            writer.writerow(line)
            count += 1
    return count


def _to_xlsx(lines: Iterator[dict[str, Any]], header: list[str], path: Path) -> int:
    # Slow to import, and only needed here.
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet("rejects")
    sheet.append(header)
    count = 0

    def cell(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        made = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
        made.data_type = "s"  # also where it begins with =, which is no formula of ours
        return made

    for line in lines:
        sheet.append([cell(line.get(name)) for name in header])
        count += 1
    book.save(path)
    return count
