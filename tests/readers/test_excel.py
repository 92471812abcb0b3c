"""Excel sheets: the one that is read, its header, its rows, lines as row numbers."""

import datetime as dt

import openpyxl
import pytest

from sluice.errors import ReadError, SetupError
from sluice.readers import open_table

from .books import ROWS, book, edited, read
from .conftest import cells, column, contract, cursor


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


def test_titles_above_and_notes_below_are_told_apart(tmp_path):
    rows = [["Report 2024"], [None], [None, "id", "name", "amount"], [None, 1, "a", 2], [None, 3, "b", 4]]
    rows += [[None, "Total", None, 6], [None], [None, "Source: the registry"]]
    table = open_table(book(tmp_path / "x", rows))
    assert (table.header, cells(table)) == (("id", "name", "amount"), [["1", "a", "2"], ["3", "b", "4"]])
    assert table.account.lines == {"preamble": 1, "header": 1, "footer": 2, "blank": 2}


def test_a_cover_sheet_is_passed_over_and_others_are_named(tmp_path):
    cover = [["Quarterly figures"], ["Author", "Smith"], ["Date", dt.date(2024, 1, 1)]]
    table = open_table(
        book(tmp_path / "x", cover, [["a", "b"], [1, 2], [3, 4]], [["c", "d"], [5, 6], [7, 8]])
    )
    assert (table.header, table.details["sheet"]) == (("a", "b"), "Sheet 2")
    assert "Sheet 3" in table.account.warnings[0]


def test_merged_header_rows_are_joined(tmp_path):
    path = book(tmp_path / "x.xlsx", [["name", "2023", None], [None, "Q1", "Q2"], ["a", 1, 2], ["b", 3, 4]])
    made = openpyxl.load_workbook(path)
    made.active.merge_cells("B1:C1")
    made.active.merge_cells("A1:A2")
    made.save(path)
    assert read(path) == (("name", "2023 Q1", "2023 Q2"), [["a", "1", "2"], ["b", "3", "4"]])


def test_a_sheet_without_header_gets_numbered_columns(tmp_path):
    assert read(book(tmp_path / "x", [[1, "a", 0.5], [2, "b", 1.5]])) == (
        ("column_1", "column_2", "column_3"),
        [["1", "a", "0.5"], ["2", "b", "1.5"]],
    )
    assert read(book(tmp_path / "y", [["land", 2019, 2020], ["x", 1, 2]]))[0] == ("land", "2019", "2020")


def test_rows_that_grow_wider_are_read(tmp_path):
    row = b'<row r="%d"><c r="A%d"><v>1</v></c><c r="B%d"><v>2</v></c></row>'
    many = b"".join(row % (n, n, n) for n in range(3, 120_001))
    wide = b'<row r="120001"><c r="A120001"><v>1</v></c><c r="C120001"><v>3</v></c></row></sheetData>'
    table = open_table(edited(book(tmp_path / "x", [["a", "b"], [1, 2]]), b"</sheetData>", many + wide))
    assert (table.header, len(cells(table))) == (("a", "b"), 119_999)
    assert [(r.record_no, r.line) for r in table.broken(cursor())] == [(120_000, 120_001)]


def test_the_largest_table_is_read_and_content_decides_the_kind(tmp_path):
    path = book(tmp_path / "x.xls", [["a", "b"], [1, 2]], [["c", "d"], [3, 4], [5, 6], [7, 8]])
    table = open_table(path)
    assert (table.header, table.details["sheet"]) == (("c", "d"), "Sheet 2")
    assert "Sheet 1" in table.account.warnings[0]


def test_a_strict_workbook_is_read(tmp_path):
    path = book(tmp_path / "x", ROWS)
    for folder in (b"spreadsheetml", b"officeDocument"):
        old = b"http://schemas.openxmlformats.org/" + folder + b"/2006"
        path = edited(path, old, b"http://purl.oclc.org/ooxml/" + folder, "")
    path = edited(path, b't="n"><v>77<', b't="d"><v>2024-02-29T13:04:05<')
    assert read(path) == (("a", "b"), [["2024-02-29 13:04:05", "x"], ["78", "y"]])


def test_many_shared_texts_are_read_whatever_their_count_says(tmp_path):
    kind = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    link = b'<Relationship Id="texts" Type="' + kind + b'" Target="sharedStrings.xml"/></Relationships>'
    path = edited(book(tmp_path / "x", ROWS), b"</Relationships>", link, "workbook.xml.rels")
    many = b"".join(b"<si><t>text %d</t></si>" % i for i in range(200_000))
    texts = (
        b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" uniqueCount="4000000000">'
    )
    cell = b't="s"><v>199999</v>'
    path = edited(
        path, b't="inlineStr"><is><t>y</t></is>', cell, **{"xl/sharedStrings.xml": texts + many + b"</sst>"}
    )
    assert read(path)[1] == [["77", "x"], ["78", "text 199999"]]
