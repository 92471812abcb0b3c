"""``sluice jobs`` and ``sluice rejects``: what happened, and what was turned away."""

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from sluice.cli import output
from sluice.cli.options import AsJson
from sluice.contracts.model import Contract
from sluice.contracts.registry import Registry
from sluice.errors import SetupError
from sluice.jobs import ledger
from sluice.readers.header import by_column
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse

SHORT = len("job_") + 8
NOTES = ("_sluice_record", "_sluice_line", "_sluice_reason", "_sluice_message", "_sluice_raw")
PLACE = ("record_no", "line", "column_name", "reason", "message", "raw")


def jobs(
    job: Annotated[
        str | None, typer.Argument(help="A job id; empty lists the newest jobs.", metavar="[JOB]")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many to list.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest jobs, or show all about one: its state, counts, times and error."""
    warehouse = Warehouse.from_settings().prepare()
    if job:
        row = find(warehouse, job)
        output.as_json(row) if as_json else output.pairs(row)
        return
    rows = ledger.listing(warehouse, organization_id=settings().organization_id, limit=limit)
    if as_json:
        output.as_json(rows)
        return
    columns = ["job", "dataset", "file", "status", "read", "published", "rejected", "created", "error"]
    output.table(columns, [_line(row) for row in rows])


def find(warehouse: Warehouse, text: str) -> dict[str, Any]:
    """The job whose id is or begins with ``text``; ``last``: the newest. Raises SetupError for none or several."""
    if text == "last":
        newest = ledger.listing(warehouse, organization_id=settings().organization_id, limit=1)
        text = newest[0]["job_id"] if newest else text
    found = ledger.beginning_with(warehouse, text, organization_id=settings().organization_id)
    if len(found) > 1:
        raise SetupError(f"Several jobs begin with {text}.", hint="Give more of the id.")
    if not found:
        raise SetupError(f"There is no job {text}.", hint="`sluice jobs` lists them.")
    return ledger.get(warehouse, found[0])


def _line(row: dict[str, Any]) -> list[Any]:
    result = row["result_data"] or {}
    counts = [result.get(name) for name in ("read", "published", "rejected")]
    name = Path(row["filename"]).name
    return [
        row["job_id"][:SHORT],
        row["dataset"],
        name,
        row["status"],
        *counts,
        row["created_at"],
        row["error_message"] or "",
    ]


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

    In the file of --out the record's own cells come first, then the reason in columns that begin with
    _sluice_, which the reader ignores: correct the cells and load the file.
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
        for row in rows:
            sys.stdout.write(json.dumps(row, default=str, ensure_ascii=False) + "\n")
    else:
        shown = [[row[name] for name in PLACE] for row in _first(rows, 100)]
        output.table(["record", "line", "column", "reason", "message", "raw"], shown)
        if len(shown) == 100:
            output.note(f"the first 100; all of them: sluice rejects {job} --out rejects.csv")


def _first(rows: Iterator[Any], count: int) -> Iterator[Any]:
    for _, row in zip(range(count), rows, strict=False):
        yield row


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
    return write(lines, header, path)


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
    from openpyxl import Workbook  # slow to import, and only needed here

    book = Workbook(write_only=True)
    sheet = book.create_sheet("rejects")
    sheet.append(header)
    count = 0
    for line in lines:
        sheet.append([line.get(name) for name in header])
        count += 1
    book.save(path)
    return count
