"""Workbooks made for a test."""

import zipfile
from pathlib import Path

import openpyxl

from sluice.readers import open_table

from .conftest import cells

FILES = Path(__file__).parent / "files"  # written by LibreOffice


def book(path: Path, *sheets: list[list[object]]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for number, rows in enumerate(sheets, 1):
        sheet = made.create_sheet(f"Sheet {number}")
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


def read(path, **options):
    table = open_table(path, options)
    return table.header, cells(table)


def edited(path: Path, old: bytes, new: bytes, part: str = "sheet1.xml", **more: bytes) -> Path:
    """The workbook with other XML in its first sheet or the parts that end so, and more parts."""
    target = path.with_name(path.name + ".edited")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        parts = {name: source.read(name) for name in source.namelist()}
        assert any(old in content for name, content in parts.items() if name.endswith(part))
        for name, content in parts.items():
            out.writestr(name, content.replace(old, new) if name.endswith(part) else content)
        for name, content in more.items():
            out.writestr(name, content)
    return target.replace(path.with_name(path.name + "+"))


ROWS = [["a", "b"], [77, "x"], [78, "y"]]
