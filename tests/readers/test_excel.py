"""Excel sheets: values as text, sheets found, lines as row numbers."""

import datetime as dt
import os
import re
import struct
import tempfile
import zipfile
from pathlib import Path

import duckdb
import openpyxl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msoffcrypto.format.ooxml import OOXMLFile
from openpyxl.cell.cell import ERROR_CODES

from sluice.errors import ReadError, SetupError
from sluice.readers import open_table
from sluice.readers.sheets.refusals import unpacked_size
from sluice.readers.sheets.values import text_of
from sluice.readers.sheets.workbook import dump
from sluice.settings import settings as environment

from ..fuzz import ancient
from .conftest import cells, column, contract

EXAMPLES = int(os.environ.get("SLUICE_EXAMPLES", "100"))
FILES = Path(__file__).parent / "files"  # written by LibreOffice
ILLEGAL = [*map(chr, range(9)), *map(chr, range(11, 32)), "\ufffe", "\uffff"]


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
        assert taken_out(path, Path(folder)) == taken_out(strange, Path(folder))


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


def test_long_whole_numbers_keep_their_digits(tmp_path):
    path = edited(book(tmp_path / "x", [["a", "b"], [77, "x"]]), b"<v>77<", b"<v>9007199254740993<")
    assert read(path)[1] == [["9007199254740993", "x"]]


FAR = b'<c r="XFD1048576"><v>1</v></c></row></sheetData>'


def test_a_sheet_that_pretends_to_be_huge_costs_no_memory(tmp_path, memory):
    memory(400)
    path = book(tmp_path / "x", [["a", "b"], [77, "x"], [78, "y"]])
    table = open_table(edited(path, b"</sheetData>", b'<row r="1048576">' + FAR))
    assert (table.header, cells(table)) == (("a", "b"), [["77", "x"], ["78", "y"]])
    assert [(r.record_no, r.line, r.reason) for r in table.broken(duckdb.connect())] == [
        (3, 1048576, "too_many_cells")
    ]


def test_a_workbook_that_needs_more_memory_than_the_setting_is_refused(tmp_path, memory):
    memory(400)
    path = book(tmp_path / "x", [["a", "b"], [77, "x"]])
    with pytest.raises(ReadError, match="more than 400 MB of memory"):
        open_table(edited(path, b"</sheetData>", b'<row  r="1048576">' + FAR))


@pytest.fixture
def memory(monkeypatch):
    """Sets the limit of the process that reads workbooks, in megabytes."""

    def change(megabytes: int) -> None:
        monkeypatch.setenv("SLUICE_WORKBOOK_MEMORY_MB", str(megabytes))
        environment.cache_clear()

    yield change
    monkeypatch.undo()
    environment.cache_clear()


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


def test_rows_that_grow_wider_are_read(tmp_path):
    row = b'<row r="%d"><c r="A%d"><v>1</v></c><c r="B%d"><v>2</v></c></row>'
    many = b"".join(row % (n, n, n) for n in range(3, 120_001))
    wide = b'<row r="120001"><c r="A120001"><v>1</v></c><c r="C120001"><v>3</v></c></row></sheetData>'
    table = open_table(edited(book(tmp_path / "x", [["a", "b"], [1, 2]]), b"</sheetData>", many + wide))
    assert (table.header, len(cells(table))) == (("a", "b"), 119_999)
    assert [(r.record_no, r.line) for r in table.broken(duckdb.connect())] == [(120_000, 120_001)]


def test_formulas_without_a_stored_value_are_told(tmp_path):
    table = open_table(book(tmp_path / "x", [["a", "b"], [1, "=A2"], [2, "=A3"]]))
    assert (cells(table), table.account.warnings[0][:43]) == (
        [["1", ""], ["2", ""]],
        "Formulas without a stored value are empty c",
    )


def test_the_largest_table_is_read_and_content_decides_the_kind(tmp_path):
    path = book(tmp_path / "x.xls", [["a", "b"], [1, 2]], [["c", "d"], [3, 4], [5, 6], [7, 8]])
    table = open_table(path)
    assert (table.header, table.details["sheet"]) == (("c", "d"), "Sheet 2")
    assert "Sheet 1" in table.account.warnings[0]


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


def test_workbooks_with_a_password_are_refused(tmp_path):
    plain = book(tmp_path / "x", [["a", "b"], [1, "x"]])
    with (tmp_path / "new").open("wb") as out:
        OOXMLFile(plain.open("rb")).encrypt("secret", out)
    codepage, password = struct.pack("<HH", 0x42, 2), struct.pack("<HH", 0x2F, 2)
    (tmp_path / "old").write_bytes(ancient.xls([["a", "b"], ["1", "x"]]).replace(codepage, password, 1))
    with zipfile.ZipFile(tmp_path / "open", "w") as out:
        out.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        out.writestr("content.xml", b"\x8a\x13\xff\x00" * 50)
        out.writestr("META-INF/manifest.xml", "<manifest:encryption-data/>")
    for name in ("new", "old", "open"):
        with pytest.raises(ReadError, match="protected by a password"):
            open_table(tmp_path / name)


def test_a_workbook_that_is_read_without_end_is_refused_in_time():
    used = os.times().children_user
    with pytest.raises(ReadError, match="takes more than 5 seconds"):
        open_table(FILES / "endless.xlsb")
    assert os.times().children_user - used < 8


def test_a_large_workbook_has_the_time_that_a_slow_machine_needs(tmp_path):
    with zipfile.ZipFile(tmp_path / "x", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("xl/worksheets/sheet1.xml", b" " * 30_000_000)
    assert unpacked_size(tmp_path / "x") == 30_000_000
    content = bytearray((tmp_path / "x").read_bytes())
    for at in (content.find(b"PK\1\2") + 24, content.find(b"PK\3\4") + 22):
        content[at : at + 4] = struct.pack("<I", 2**32 - 2)  # it says that it is larger
    (tmp_path / "x").write_bytes(content)
    assert unpacked_size(tmp_path / "x") <= 1032 * len(content)


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


ROWS = [["a", "b"], [77, "x"], [78, "y"]]


@pytest.mark.parametrize("strange", [False, True], ids=["fast", "slow"])
@pytest.mark.parametrize("size", [b"", b'<dimension ref="A1" />', b'<dimension ref="A1:XFD1048576" />'])
def test_what_a_sheet_says_of_its_size_is_not_believed(tmp_path, size, strange):
    path = edited(book(tmp_path / "x", ROWS), b'<dimension ref="A1:B3" />', size)
    if strange:
        path = edited(path, b"<c r=", b"<c  r=")
    assert read(path) == (("a", "b"), [["77", "x"], ["78", "y"]])


def test_a_strict_workbook_is_read(tmp_path):
    path = book(tmp_path / "x", ROWS)
    for folder in (b"spreadsheetml", b"officeDocument"):
        old = b"http://schemas.openxmlformats.org/" + folder + b"/2006"
        path = edited(path, old, b"http://purl.oclc.org/ooxml/" + folder, "")
    path = edited(path, b't="n"><v>77<', b't="d"><v>2024-02-29T13:04:05<')
    assert read(path) == (("a", "b"), [["2024-02-29 13:04:05", "x"], ["78", "y"]])


def test_days_before_1900_stay_numbers(tmp_path):
    made = openpyxl.Workbook()
    for row, value in enumerate(["a", -5, 1, 59.5, 61], 1):
        made.active.cell(row, 1, value).number_format = "yyyy-mm-dd"
    made.save(tmp_path / "x")
    assert read(tmp_path / "x")[1] == [["-5"], ["1900-01-01"], ["1900-02-28 12:00:00"], ["1900-03-01"]]


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


def test_names_that_lead_out_of_the_archive_are_never_followed(tmp_path):
    path = edited(book(tmp_path / "x", ROWS), b"77", b"77", **{"../../evil": b"x", "/tmp/evil": b"x"})
    before = sorted(tmp_path.rglob("*"))
    assert read(path)[1] == [["77", "x"], ["78", "y"]]
    assert sorted(tmp_path.rglob("*")) == before
    away = edited(path, b"/xl/worksheets/sheet1.xml", b"../../../../etc/passwd", "workbook.xml.rels")
    with pytest.raises(ReadError):
        open_table(away)
