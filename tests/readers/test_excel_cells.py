"""Excel cells: values as the text that a person would write."""

import datetime as dt
import os
import re
import struct
import tempfile
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.cell.cell import ERROR_CODES

from sluice.readers import open_table
from sluice.readers.sheets.values import text_of
from sluice.readers.sheets.workbook import dump

from ..fuzz import ancient
from .books import FILES, book, edited, read
from .conftest import cells

EXAMPLES = int(os.environ.get("SLUICE_EXAMPLES", "100"))
ILLEGAL = [*map(chr, range(9)), *map(chr, range(11, 32)), "\ufffe", "\uffff"]


def test_values_become_the_text_a_person_would_write(tmp_path):
    values = [
        (1, "1"),
        (1.5, "1.5"),
        (-3.0, "-3"),
        (0.1, "0.1"),
        (True, "true"),
        ("007", "007"),
        (" x ", " x "),
        (dt.date(2024, 2, 29), "2024-02-29"),
        (dt.datetime(2024, 2, 29, 13, 4, 5), "2024-02-29 13:04:05"),
        (dt.time(13, 4, 5), "13:04:05"),
        (None, ""),
    ]
    header = [f"c{i}" for i in range(len(values))]
    path = book(tmp_path / "x", [header, [v for v, _ in values]])
    assert read(path) == (tuple(header), [[t for _, t in values]])


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=ILLEGAL), min_size=1, max_size=10
).filter(lambda t: t[0] != "=" and t not in ERROR_CODES)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | TEXTS
    | st.dates(dt.date(1900, 3, 1))
    | st.datetimes(dt.datetime(1900, 3, 1)).map(lambda d: d.replace(microsecond=0))
    | st.times().map(lambda t: t.replace(microsecond=0))
)


def written(value: object) -> str:
    """What a person would write for the value. (openpyxl writes 16 digits.)"""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return text_of(float(f"{value:.16g}"))
        case dt.datetime() if value.time() == dt.time():
            return str(value.date())
        case str():  # line ends as XML wants them; Excel's own way of writing a character
            plain = re.sub("\r\n|\r", "\n", value)
            return re.sub("_x([0-9a-fA-F]{4})_", lambda found: chr(int(found[1], 16)), plain)
        case _:
            return str(value)


def taken_out(path: Path, folder: Path) -> list[list[str]]:
    """The rows of the first sheet as the workbook's process writes them."""
    told = dump({"path": str(path), "folder": str(folder), "sheet": ""})["sheets"][0]
    table = pq.read_table(told["file"])
    return [list(row[:-2]) for row in zip(*(c.to_pylist() for c in table.columns), strict=True)]


@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.data(), width=st.integers(1, 6), count=st.integers(1, 20))
def test_any_workbook_comes_back(data, width, count):
    rows = [("k", *data.draw(st.tuples(*[VALUES] * width)), "end") for _ in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        got = taken_out(book(Path(folder) / "x", list(map(list, rows))), Path(folder))
    assert got == [[written(value) for value in row] for row in rows]


@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.data(), width=st.integers(1, 6), count=st.integers(1, 20))
def test_the_fast_way_says_the_same_as_calamine(data, width, count):
    rows = [("k", *data.draw(st.tuples(*[VALUES] * width))) for _ in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        path = book(Path(folder) / "x", list(map(list, rows)))
        strange = edited(path, b"<c r=", b"<c  r=")  # calamine takes what is not written as usual
        fast, slow = taken_out(path, Path(folder)), taken_out(strange, Path(folder))
    # openpyxl does not say that white space (XML's, not Unicode's) alone is to be kept, and then calamine does not.
    assert [[cell if cell.strip(" \t\r\n") else "" for cell in row] for row in fast] == slow


def test_error_cells_stay_as_text_and_are_told(tmp_path):
    table = open_table(book(tmp_path / "x", [["a", "b"], [1, "#N/A"], [2, "#DIV/0!"]]))
    assert cells(table) == [["1", "#N/A"], ["2", "#DIV/0!"]]
    assert "#N/A (1)" in table.account.warnings[0]


def test_long_whole_numbers_keep_their_digits(tmp_path):
    path = edited(book(tmp_path / "x", [["a", "b"], [77, "x"]]), b"<v>77<", b"<v>9007199254740993<")
    assert read(path)[1] == [["9007199254740993", "x"]]


@pytest.mark.parametrize("kind", ["xls", "ods"])
def test_errors_and_lengths_of_time_of_other_formats_are_read(kind):
    table = open_table(FILES / f"errors.{kind}")
    rows = cells(table)
    number = "#VALUE!" if kind == "xls" else "Err:502"  # as LibreOffice shows it
    errors = ["#VALUE!", "#REF!", "#REF!", number, "#DIV/0!", "#NAME?", "#N/A"]
    assert [row[1] for row in rows[2:21:3]] == errors
    assert [row[4] for row in rows[:9:4]] == ["21:03:00", "25:03:00", "29:03:00"]
    assert "#DIV/0! (1)" in table.account.warnings[1]
    assert table.account.lines == {"preamble": 1, "header": 1, "blank": 1}


def test_formulas_without_a_stored_value_are_told(tmp_path):
    table = open_table(book(tmp_path / "x", [["a", "b"], [1, "=A2"], [2, "=A3"]]))
    assert (cells(table), table.account.warnings[0][:43]) == (
        [["1", ""], ["2", ""]],
        "Formulas without a stored value are empty c",
    )


def test_errors_in_a_binary_workbook_are_read(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(ancient.xlsb([["a", "b"], ["1", "x"], ["2", "y"], ["3", "z"]]))
    cell, formula = struct.pack("<BBIIB", 3, 9, 1, 0, 0x2A), struct.pack("<BBIIB12x", 11, 21, 1, 0, 7)
    for text, error in (("x", cell), ("y", formula)):
        old = struct.pack("<BBIII", 6, 14, 1, 0, 1) + text.encode("utf-16-le")
        path = edited(path, old, error, "sheet1.bin")
    table = open_table(path)
    assert cells(table) == [["1", "#N/A"], ["2", "#DIV/0!"], ["3", "z"]]
    assert table.account.warnings == [
        "Cells hold errors of formulas, which stay as text: #N/A (1), #DIV/0! (1)."
    ]


def test_days_before_1900_stay_numbers(tmp_path):
    made = openpyxl.Workbook()
    for row, value in enumerate(["a", -5, 1, 59.5, 61], 1):
        made.active.cell(row, 1, value).number_format = "yyyy-mm-dd"
    made.save(tmp_path / "x")
    assert read(tmp_path / "x")[1] == [["-5"], ["1900-01-01"], ["1900-02-28 12:00:00"], ["1900-03-01"]]
