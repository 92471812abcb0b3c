"""Writes workbooks: the same bytes each time, whoever's clock it is."""

import io
import re
import zipfile
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import xlwt
from odf.namespaces import OFFICENS, TABLENS
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from cases.wrappers import STAMP

_MOMENT = datetime(2024, 5, 1, 12)
_THEME = b'<?xml version="1.0"?><a:theme xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" name="none"/>'
Rows = Iterable[Iterable[Any]]


def rebuilt(content: bytes, change: Callable[[str, bytes], bytes] = lambda name, part: part) -> bytes:
    """The same zip archive, with a fixed time on each member, and each member changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            how = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            part = re.sub(
                rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ(?=</dcterms:modified>)",
                b"2024-05-01T12:00:00Z",
                source.read(name),
            )
            target.writestr(zipfile.ZipInfo(name, STAMP), change(name, part), how)
    return out.getvalue()


def xlsx(rows: Rows, edit: Callable[[Worksheet], object] = lambda sheet: None, **more: Rows) -> bytes:
    """A workbook of these rows; ``edit`` changes the sheet; ``more``: further sheets by name."""
    book = Workbook()
    book.loaded_theme = _THEME
    book.properties.created = _MOMENT
    sheet = book.active
    sheet.title = "Stock"
    for name, content in ((None, rows), *more.items()):
        page = book.create_sheet(name) if name else sheet
        for row in content:
            page.append(list(row))
    edit(sheet)
    out = io.BytesIO()
    book.save(out)
    return rebuilt(out.getvalue())


def patched(content: bytes, old: str, new: str, part: str = "sheet1.xml") -> bytes:
    """A workbook with other XML in one part. Raises ValueError if the old text is not there."""
    seen = []

    def change(name: str, text: bytes) -> bytes:
        if not name.endswith(part) or old.encode() not in text:
            return text
        seen.append(name)
        return text.replace(old.encode(), new.encode())

    result = rebuilt(content, change)
    if not seen:
        raise ValueError(f"{part} does not hold {old}.")
    return result


def xls(rows: Rows, mac_dates: bool = False, formats: dict[tuple[int, int], str] | None = None) -> bytes:
    """A workbook of Excel 97; ``formats``: number formats by row and column, from 0."""
    book = xlwt.Workbook()
    book.dates_1904 = mac_dates
    sheet = book.add_sheet("Stock")
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            form = (formats or {}).get((i, j))
            if value is not None:
                sheet.write(i, j, value, *([xlwt.easyxf(num_format_str=form)] if form else []))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def ods(**sheets: Rows) -> bytes:
    """An OpenDocument workbook. A cell: text, a number, None, or (value type, value, shown text)."""
    book = OpenDocumentSpreadsheet()
    for name, rows in sheets.items():
        table = Table(name=name)
        for row in rows:
            line = TableRow()
            for value in row:
                line.addElement(_cell(value))
            table.addElement(line)
        book.spreadsheet.addElement(table)
    out = io.BytesIO()
    book.save(out)
    return rebuilt(out.getvalue(), _without_times)


def _cell(value: Any) -> TableCell:
    if value is None:
        return TableCell()
    kind, stored, shown = (
        value
        if isinstance(value, tuple)
        else ("string" if isinstance(value, str) else "float", value, str(value))
    )
    cell = TableCell(valuetype=kind)
    name = {
        "float": "value",
        "percentage": "value",
        "date": "date-value",
        "time": "time-value",
        "boolean": "boolean-value",
    }.get(kind)
    if name:
        cell.setAttrNS(OFFICENS, name, str(stored))
    cell.addElement(P(text=shown))
    return cell


def repeated(cell: TableCell, times: int) -> TableCell:
    """The cell, told to stand several times in its row."""
    cell.setAttrNS(TABLENS, "number-columns-repeated", str(times))
    return cell


def _without_times(name: str, part: bytes) -> bytes:
    return re.sub(rb"<meta:creation-date>.*?</meta:creation-date>", b"", part) if name == "meta.xml" else part
