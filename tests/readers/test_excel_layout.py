"""Sheets with more than one table, notes below, names and values above, and headers of several rows."""

import datetime as dt
import shutil

import pytest

from sluice.errors import ReadError
from sluice.readers import open_table

from .books import FILES, book, edited, read
from .conftest import cells

TABLE = [["id", "name", "amt"], [1, "Ann", 1.5], [2, "Bo", 2.5], [3, "Cy", 3.5]]
RECORDS = [["1", "Ann", "1.5"], ["2", "Bo", "2.5"], ["3", "Cy", "3.5"]]
DAY = dt.date(2020, 1, 1)
OTHERS = {
    "of two columns of text": [["code", "meaning"], ["A", "x"], ["B", "y"]],
    "with values of other kinds": [["Dept", "Head", "Since"], ["IT", "Ann", DAY], ["HR", "Bo", DAY]],
    "of the same names under a title": [["Returns"], ["id", "name", "amt"], [7, "Di", 4.5]],
    "further right": [[None] * 4 + ["Dept", "n"], [None] * 4 + ["IT", 5], [None] * 4 + ["HR", 6]],
}


@pytest.mark.parametrize(
    ("name", "below"),
    [*((name, True) for name in OTHERS), ("with values of other kinds", False), ("further right", False)],
)
def test_of_tables_below_each_other_the_largest_is_read_and_the_others_named(tmp_path, name, below):
    other = OTHERS[name]
    rows = [*TABLE, [], [], *other] if below else [*other, [], [], *TABLE]
    table = open_table(book(tmp_path / "x", rows))
    assert (table.header, cells(table)) == (("id", "name", "amt"), RECORDS)
    account = table.account
    assert account.lines == {"header": 1, "table": len(other), "blank": 2}
    first = 7 if below else 1
    assert [line.line for line in account.skipped] == list(range(first, first + len(other)))
    assert f"holds 2 tables; the largest was read. Left out: rows {first} to" in account.warnings[0]
    raw = [(number, line) for number, line, _ in table.find([1, 3])]
    assert raw == [(1, 2 if below else len(other) + 4), (3, 4 if below else len(other) + 6)]


def test_another_table_is_found_far_below_whatever_part_of_the_file_it_stands_in(tmp_path):
    for length in (7_000, 7_001, 7_002):
        many = [["id", "name", "amt"]] + [[i, f"name {i}", i / 2] for i in range(length)]
        table = open_table(book(tmp_path / "x", [*many, [], *OTHERS["with values of other kinds"]]))
        assert (len(cells(table)), table.account.lines["table"]) == (length, 3)


GOES_ON = {
    "records": [[4, "Di", 4.5], [5, "Ed", 5.5]],
    "a record of text": [["unknown", "Di", "n/a"], [5, "Ed", 5.5]],
    "a text in a number's stead": [[4, "Di", "open"], [5, "Ed", 5.5]],
    "a record that lacks numbers": [[None, "Di", "to do"], [5, "Ed", 5.5]],
    "the same names again": [["id", "name", "amt"], [5, "Ed", 5.5]],
}


@pytest.mark.parametrize("more", GOES_ON.values(), ids=GOES_ON)
def test_a_table_goes_on_below_a_blank_row(tmp_path, more):
    table = open_table(book(tmp_path / "x", [*TABLE, [], *more]))
    assert len(cells(table)) == 5
    assert (table.account.lines, table.account.warnings) == ({"header": 1, "blank": 1}, [])


@pytest.mark.parametrize("first", [["Company X"], ["Company", "X"]])
@pytest.mark.parametrize("left", [0, 2])
def test_names_and_values_above_a_table_are_preamble(tmp_path, first, left):
    table = [[None] * left + row for row in TABLE]
    got = open_table(book(tmp_path / "x", [first, ["Report date", DAY], [], *table]))
    assert (got.header, cells(got)) == (("id", "name", "amt"), RECORDS)
    assert got.account.lines == {"preamble": 2, "header": 1, "blank": 1}
    assert got.account.warnings == []


@pytest.mark.parametrize("width", [2, 3])
@pytest.mark.parametrize("notes", [["Source: Office", "1) provisional"], ["Note", "a) x", "b) y"]])
def test_several_notes_below_a_blank_row_are_no_records(tmp_path, width, notes):
    rows = [row[:width] for row in (["R", "m", "f"], ["N", 1, 2], ["S", 3, 4])]
    table = open_table(book(tmp_path / "x", [*rows, [], *([note] for note in notes)]))
    assert len(cells(table)) == 2
    assert [line.text for line in table.account.skipped if line.kind == "footer"] == notes


def test_a_last_record_that_lacks_a_value_is_one(tmp_path):
    rows = [["R", "m"], ["N", 1], ["S", 3], [], ["E"]]
    assert read(book(tmp_path / "x", rows))[1] == [["N", "1"], ["S", "3"], ["E", ""]]
    rows = [["R", "m", "f"], ["N", 1, 2], ["S", 3, 4], ["E"], [], ["Source: Office"]]
    assert read(book(tmp_path / "x", rows))[1] == [["N", "1", "2"], ["S", "3", "4"], ["E", "", ""]]


def test_header_rows_that_are_not_merged_are_joined(tmp_path):
    rows = [["Region", 2019, None, 2020, None], [None, "Men", "Women", "Men", "Women"], ["N", 1, 2, 3, 4]]
    table = open_table(book(tmp_path / "x", [*rows, ["S", 5, 6, 7, 8]]))
    assert table.header == ("Region", "2019 Men", "2019 Women", "2020 Men", "2020 Women")
    assert cells(table) == [["N", "1", "2", "3", "4"], ["S", "5", "6", "7", "8"]]
    assert "rows 1 to 2" in table.account.warnings[0]


def test_a_row_of_units_is_no_record_and_no_name(tmp_path):
    rows = [["time", "temp", "p"], ["s", "degC", "hPa"], [0.1, 20.5, 1013], [0.2, 20.6, 1014]]
    table = open_table(book(tmp_path / "x", rows))
    assert (table.header, len(cells(table))) == (("time", "temp", "p"), 2)
    assert table.account.warnings == ["Row 2 is no record, it tells units: s, degC, hPa."]


def test_tables_beside_each_other_are_told(tmp_path):
    rows = [["id", "name", None, "k", "v"], [1, "Ann", None, "a", 1], [2, "Bo", None, "b", 2], [3, "Cy"]]
    assert "Column 3 is empty" in open_table(book(tmp_path / "x", rows)).account.warnings[0]
    assert open_table(book(tmp_path / "y", rows[:3])).account.warnings == []


@pytest.mark.parametrize("odd", [b"", b' ph="1"'])  # an attribute that only the slow way understands
def test_a_text_that_stands_where_values_do_is_read(tmp_path, odd):
    path = book(tmp_path / "x", [["a", "b"], ["x", 77]])
    path = edited(path, b't="n"><v>77<', b't="inlineStr"' + odd + b"><v>1. &amp; 2<")
    assert read(path) == (("a", "b"), [["x", "1. & 2"]])


def test_a_tab_in_a_text_of_opendocument_stays(tmp_path):
    text = (
        b'<text:p>one</text:p>\n <text:p>x<text:s text:c="2"/><text:span>y</text:span><text:tab/>z</text:p>'
    )
    path = shutil.copy(FILES / "errors.ods", tmp_path / "x")
    assert read(edited(path, b"<text:p>id</text:p>", text, "content.xml"))[0][0] == "one\nx  y\tz"


@pytest.mark.parametrize("start", ["0900040002001000", "0902060000001000", "0904060000001000"])
def test_the_oldest_workbooks_are_named(tmp_path, start):
    (tmp_path / "x").write_bytes(bytes.fromhex(start) + b"\4\0\x0a\0\0\0\0\0\0\0\0\2id\x0a\0\0\0")
    with pytest.raises(ReadError, match="Excel 4 or older"):
        open_table(tmp_path / "x")
