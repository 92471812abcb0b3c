"""Rows as CSV, Excel or JSON, written while they come: memory stays flat."""

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from typing import IO, Any

from sluice.errors import InputError

Row = Sequence[Any]
Writer = Callable[[Iterable[Row], Sequence[str], IO[bytes]], int]

EXCEL_ROWS = 1_048_576
EXCEL_CHARACTERS = 32_767
EXCEL_DIGITS = 15
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # the wide ones too
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*|[.,]\d+)([eE][+-]?\d+)?%?")


def jsonable(value: Any) -> Any:
    """The value as JSON can hold it, exactly: a decimal, a moment and whatever JSON has no word for as text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, bool | int | str | dict):
        return value
    if isinstance(value, list):
        return [jsonable(one) for one in value]
    return value.isoformat() if isinstance(value, date | time) else str(value)


def to_json(rows: Iterable[Row], header: Sequence[str], file: IO[bytes]) -> int:
    """Write one array with an object for each row; returns how many."""
    count = 0
    for count, row in enumerate(rows, 1):
        values = dict(zip(header, map(jsonable, row), strict=True))
        file.write(b"[\n" if count == 1 else b",\n")
        file.write(json.dumps(values, ensure_ascii=False).encode())
    file.write(b"\n]\n" if count else b"[]\n")
    return count


def to_csv(rows: Iterable[Row], header: Sequence[str], file: IO[bytes], *, guarded: bool = False) -> int:
    """Write a header and a line for each row; returns how many rows.

    Cells stand exactly as they are, unless ``guarded``: then those that a spreadsheet would take for a formula
    begin with an apostrophe.
    """
    cell = _guarded if guarded else _text
    count = 0
    text = io.TextIOWrapper(file, "utf-8", newline="")
    writer = csv.writer(text)
    writer.writerow(map(cell, header))
    for row in rows:
        writer.writerow(map(cell, row))
        count += 1
    text.detach()
    return count


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return json.dumps(jsonable(value), ensure_ascii=False)
    return value if isinstance(value, str | float | Decimal) else jsonable(value)


def _guarded(value: Any) -> Any:
    text = _text(value)
    if isinstance(text, str) and text.startswith(_FORMULA) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def to_xlsx(rows: Iterable[Row], header: Sequence[str], file: IO[bytes], *, title: str) -> int:
    """Write a sheet of that title; returns how many rows. Text is never a formula. Raises InputError for too many."""
    # Slow to import, and only needed here.
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)

    def cell(value: Any) -> Any:
        fit = _for_excel(value)
        if not isinstance(fit, str):
            return fit
        made = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", fit))
        made.data_type = "s"  # also where it begins with =, which is no formula of ours
        return made

    count = 0
    try:
        sheet.append([cell(name) for name in header])
        for count, row in enumerate(rows, 1):
            if count == EXCEL_ROWS:
                raise _too_many()
            sheet.append([cell(value) for value in row])
    except BaseException:
        sheet.close()
        sheet._writer.cleanup()  # its file would stay as long as the process does
        raise
    book.save(file)
    return count


def _too_many() -> InputError:
    return InputError(f"Excel holds no more than {EXCEL_ROWS - 1:,} rows.", hint="Take them as CSV or JSON.")


def _for_excel(value: Any) -> Any:
    """The value if a sheet keeps it exactly, else its text; a text that is too long ends with an ellipsis."""
    if value is None or isinstance(value, bool) or _keeps(value):
        return value
    text = str(_text(value))
    return text if len(text) <= EXCEL_CHARACTERS else text[: EXCEL_CHARACTERS - 1] + "…"


def _keeps(value: Any) -> bool:
    if isinstance(value, int):
        return len(str(abs(value))) <= EXCEL_DIGITS
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Decimal):
        return value.is_finite() and len(value.as_tuple().digits) <= EXCEL_DIGITS
    if isinstance(value, datetime):
        return value.tzinfo is None and not value.microsecond and value.year > 1900
    return isinstance(value, date) and value.year > 1900


def writer(kind: str, title: str, *, guarded: bool = False) -> Writer:
    """What writes ``csv``, ``xlsx`` (a sheet of that title) or ``json``; ``guarded``: see ``to_csv``."""
    if kind == "xlsx":
        return partial(to_xlsx, title=title)
    return to_json if kind == "json" else partial(to_csv, guarded=guarded)
