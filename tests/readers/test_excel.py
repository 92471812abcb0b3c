"""Excel sheets: values as text, sheets found, lines as row numbers."""

import datetime as dt
import tempfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.errors import ReadError, SetupError
from sluice.readers import open_table

from .conftest import cells, column, contract


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


def test_the_first_sheet_that_holds_anything_is_read(tmp_path):
    path = book(tmp_path / "x", [], [["a"], [1]], [["b"], [2]])
    assert read(path) == (("a",), [["1"]])
    assert read(path, sheet="Sheet 3") == (("b",), [["2"]])
    assert read(path, sheet="3") == (("b",), [["2"]])
    with pytest.raises(SetupError, match="Sheet 1, Sheet 2, Sheet 3"):
        read(path, sheet="Nope")
    with pytest.raises(ReadError, match="is empty"):
        read(path, sheet="Sheet 1")


def test_blank_rows_are_no_records_and_lines_are_row_numbers(tmp_path, load):
    rows = [[None, None], ["a", "b"], [1, 2], [None, None], ["x", 3], [4, 5]]
    staged = load(book(tmp_path / "x", rows), contract(column("a", "INTEGER"), "b"))
    assert [(r["_record_no"], r["a"]) for r in staged.rows] == [(1, 1), (3, 4)]
    assert [(r["record_no"], r["line"], r["raw"]) for r in staged.rejects] == [(2, 5, '["x", "3"]')]


def test_cells_beyond_the_header_are_too_many(tmp_path, load):
    staged = load(book(tmp_path / "x", [["a", "b"], [1, 2, 3], [4, 5]]), contract("a", "b"))
    assert staged.reasons == [(1, None, "too_many_cells")]


def test_a_workbook_without_cells_is_empty(tmp_path):
    with pytest.raises(ReadError, match="is empty"):
        open_table(book(tmp_path / "x", [], []))


def test_a_cut_off_workbook_is_refused(tmp_path):
    path = book(tmp_path / "x", [["a"], [1]])
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ReadError, match="not a workbook"):
        open_table(path)


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**14), 10**14)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.text(st.characters(codec="ascii", min_codepoint=32), min_size=1, max_size=10).filter(
        lambda t: t[0] != "="
    )
    | st.dates(dt.date(1950, 1, 1), dt.date(2100, 1, 1))
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(st.just("k"), VALUES, VALUES), max_size=6))
def test_any_workbook_comes_back(rows):
    with tempfile.TemporaryDirectory() as folder:
        path = book(Path(folder) / "x", [["a", "b", "c"], *map(list, rows)])
        for got, wrote in zip(read(path)[1], rows, strict=True):
            for text, value in zip(got, wrote, strict=True):
                if isinstance(value, float):
                    assert float(text) == pytest.approx(value, rel=1e-15)  # openpyxl writes 16 digits
                elif isinstance(value, bool):
                    assert text == str(value).lower()
                else:
                    assert text == ("" if value is None else str(value))
