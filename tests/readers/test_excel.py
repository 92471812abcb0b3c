"""Excel sheets: values as text, sheets found, lines as row numbers."""

import datetime as dt
import tempfile
import zipfile
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
    with pytest.raises(ReadError, match="cut off"):
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


@settings(max_examples=20, deadline=None)
@given(rows=st.lists(st.tuples(st.just("k"), VALUES, VALUES), max_size=20))
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


def test_error_cells_stay_as_text_and_are_told(tmp_path):
    table = open_table(book(tmp_path / "x", [["a", "b"], [1, "#N/A"], [2, "#DIV/0!"]]))
    assert cells(table) == [["1", "#N/A"], ["2", "#DIV/0!"]]
    assert "#N/A (1)" in table.account.warnings[0]


def edited(path: Path, old: bytes, new: bytes) -> Path:
    """The workbook with other XML in its first sheet."""
    target = path.with_name(path.name + ".edited")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name in source.namelist():
            content = source.read(name)
            out.writestr(name, content.replace(old, new) if name.endswith("sheet1.xml") else content)
    return target


def test_long_whole_numbers_keep_their_digits(tmp_path):
    path = edited(book(tmp_path / "x", [["a", "b"], [77, "x"]]), b"<v>77<", b"<v>9007199254740993<")
    assert read(path)[1] == [["9007199254740993", "x"]]


def test_a_sheet_that_pretends_to_be_huge_is_refused(tmp_path):
    path = book(tmp_path / "x", [["a", "b"], [77, "x"]])
    far = edited(path, b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')
    with pytest.raises(ReadError, match="memory"):
        open_table(far)


def test_an_entity_bomb_and_an_external_entity_do_nothing(tmp_path):
    path = book(tmp_path / "x", [["a", "b"], [77, "x"]])
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b SYSTEM "file:///etc/passwd">]><worksheet '
    try:
        got = read(edited(edited(path, b"<worksheet ", bomb), b"<v>77<", b"<v>&b;<"))
    except ReadError:
        return
    assert "root" not in str(got)


def test_other_office_files_are_named(tmp_path):
    for folder, told in (("word", "Word"), ("ppt", "PowerPoint")):
        with zipfile.ZipFile(tmp_path / folder, "w") as out:
            out.writestr("[Content_Types].xml", "<Types/>")
            out.writestr(f"{folder}/document.xml", "<x/>")
        with pytest.raises(ReadError, match=told):
            open_table(tmp_path / folder)
    secret = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + b"\0" * 600
        + "EncryptedPackage".encode("utf-16-le")
        + b"\0" * 600
    )
    (tmp_path / "ole").write_bytes(secret)
    with pytest.raises(ReadError, match="password"):
        open_table(tmp_path / "ole")
