"""Makes every file in this folder but the README: run it again and the bytes are the same.

.venv/bin/python sample-data/make.py
"""

import csv
import hashlib
import io
import json
import random
import re
import zipfile
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from cases import Case, dirty_bugs, dirty_projects
from openpyxl import Workbook
from rows import Row, larger, templates

HERE = Path(__file__).parent


def csv_text(records: Iterable[Row], header: list[str]) -> tuple[str, list[int]]:
    """The file's text, and the line on which each record begins."""
    out, lines = io.StringIO(newline=""), []
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for record in records:
        lines.append(out.getvalue().count("\n") + 1)
        cells = [plain(record.get(name)) for name in header]
        extra = record.get("<cells>", 0)
        writer.writerow(cells[:extra] if extra < 0 else cells + ["surplus"] * extra)
    return out.getvalue(), lines


def plain(value: Any) -> str:
    """A cell as CSV text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else str(value)


def json_text(records: Iterable[Row]) -> str:
    """A JSON array with one record a line; a missing value is a missing key in every other record."""

    def value(cell: Any) -> Any:
        if isinstance(cell, Decimal):
            return float(cell)
        return plain(cell) if isinstance(cell, date) else cell

    kept = ({k: value(v) for k, v in row.items() if v is not None or n % 2} for n, row in enumerate(records))
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in kept) + "\n]\n"


def xlsx_bytes(records: Iterable[Row], header: list[str], title: str) -> bytes:
    """A workbook of one sheet with real numbers, booleans and dates (times in UTC)."""
    book = Workbook()
    sheet = book.active
    sheet.title = title
    sheet.append(header)
    for record in records:
        cells = (record.get(name) for name in header)
        sheet.append([c.replace(tzinfo=None) if isinstance(c, datetime) else c for c in cells])
    written, fixed = io.BytesIO(), io.BytesIO()
    book.save(written)
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(fixed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                # openpyxl notes the time of saving here, and on every entry of the archive.
                content = re.sub(rb"20[-0-9]{8}T[:0-9]{8}Z", b"2025-11-24T12:00:00Z", content)
            info = zipfile.ZipInfo(name, (2025, 11, 24, 12, 0, 0))
            target.writestr(info, content, zipfile.ZIP_DEFLATED)
    return fixed.getvalue()


def write_clean(name: str, rows: list[Row], key: str, number: str, forms: str) -> Row:
    """Write the file in the given forms; returns what loading any of them must give."""
    header = list(rows[0])
    if "csv" in forms:
        write(f"{name}.csv", csv_text(rows, header)[0])
    if "json" in forms:
        write(f"{name}.json", json_text(rows))
    if "xlsx" in forms:
        write(f"{name}.xlsx", xlsx_bytes(rows, header, name.partition("-")[0]))
    keys = sorted(row[key] for row in rows)
    every = {"read": len(rows), "published": 0, "unchanged": 0, "superseded": 0, "rejected": 0, "reasons": {}}
    return {
        "files": [f"{name}.{form}" for form in forms.split()],
        "dataset": name.partition("-")[0],
        "rows": len(rows),
        "key": key,
        "keys": keys if len(keys) <= 10 else [keys[0], keys[-1]],
        "keys_sha256": hashlib.sha256("\n".join(keys).encode()).hexdigest(),
        "sums": {number: str(sum(row[number] or 0 for row in rows))},
        "nulls": {column: sum(row[column] is None for row in rows) for column in header},
        "into_empty_table": every | {"published": len(rows)},
        "append_again_forced": every | {"rejected": len(rows), "reasons": {"duplicate": len(rows)}},
        "upsert_again_forced": every | {"unchanged": len(rows)},
        "replace_again_forced": every | {"published": len(rows)},
    }


def write_dirty(name: str, form: str, rows: list[tuple[Row, Case]]) -> None:
    """Write a dirty file and what a fresh append of it must give (``line`` only where the form has lines)."""
    rows = [(row, case) for row, case in rows if form in case.forms]
    header, records = [column for column in rows[0][0] if column != "<cells>"], [row for row, _ in rows]
    text, lines = csv_text(records, header)
    if form == "csv":
        write(f"{name}.csv", text)
    elif form == "json":
        write(f"{name}.json", json_text(records))
    else:
        write(f"{name}.xlsx", xlsx_bytes(records, header, name.partition("-")[0]))
    bad = [(n, case) for n, (_, case) in enumerate(rows, 1) if case.faults]
    expected = {
        "file": f"{name}.{form}",
        "dataset": name.partition("-")[0],
        "read": len(rows),
        "published": len(rows) - len(bad),
        "rejected": len(bad),
        "drift": [column for column in header if column == "found_in_build"],
        "reasons": dict(sorted(Counter(case.faults[0][1] for _, case in bad).items())),
        "records": [
            {
                "record_no": n,
                "line": lines[n - 1] if form == "csv" else None,
                "column": column or None,
                "reason": reason,
            }
            for n, case in bad
            for column, reason in case.faults
        ],
    }
    write(f"{name}.expected.json" if form == "csv" else f"{name}.{form}.expected.json", pretty(expected))


def pretty(value: Any) -> str:
    """JSON for people."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


SALES = """\
Sales of the north region
Exported;2026-02-03

Order;Customer;City;Ordered on;Amount
1001;Jürgen Müller;Köln;03.01.2026;1.234,50
1002;"Anna ""Annie"" Lee";Oslo;14.01.2026;99,00
# checked by B.
1003;"Bo "the" Builder";Rome;17.01.2026;12,5
1004;Cy Young;Bern;20.01.2026

Total;;;;1.353,00
"""


def write(name: str, content: str | bytes) -> None:
    """Replace a file of this folder."""
    (HERE / name).write_bytes(content.encode() if isinstance(content, str) else content)


def main() -> None:
    """Write every file."""
    small_projects, small_bugs = templates(random.Random(1))  # noqa: S311
    projects, bugs = larger(random.Random(2))  # noqa: S311
    every = "csv json xlsx"
    expected = [
        write_clean("projects-template", small_projects, "name", "stars", every),
        write_clean("bugs-template", small_bugs, "bug_number", "sla_hours", every),
        write_clean("projects-180", projects, "name", "stars", "csv"),
        write_clean("bugs-5000", bugs, "bug_number", "sla_hours", "csv"),
    ]
    write("expected.json", pretty(expected))
    dirty = dirty_bugs(random.Random(3))  # noqa: S311
    for form in every.split():
        write_dirty("bugs-dirty", form, dirty)
    write("sales-as-sent.csv", SALES.encode("cp1252"))
    write_dirty("projects-dirty", "csv", dirty_projects(random.Random(4)))  # noqa: S311


if __name__ == "__main__":
    main()
