"""Excel files that are broken, locked, or made to cost memory, time or secrets."""

import os
import struct
import zipfile

import pytest
from msoffcrypto.format.ooxml import OOXMLFile

from sluice.errors import ReadError
from sluice.readers import open_table
from sluice.readers.sheets.refusals import unpacked_size
from sluice.settings import settings as environment

from ..fuzz import ancient
from .books import FILES, ROWS, book, edited, read
from .conftest import cells, cursor


def test_a_cut_off_workbook_is_refused(tmp_path):
    path = book(tmp_path / "x", [["a"], [1]])
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ReadError, match="cut off"):
        open_table(path)


FAR = b'<c r="XFD1048576"><v>1</v></c></row></sheetData>'


def test_a_sheet_that_pretends_to_be_huge_costs_no_memory(tmp_path, memory):
    memory(400)
    path = book(tmp_path / "x", [["a", "b"], [77, "x"], [78, "y"]])
    table = open_table(edited(path, b"</sheetData>", b'<row r="1048576">' + FAR))
    assert (table.header, cells(table)) == (("a", "b"), [["77", "x"], ["78", "y"]])
    assert [(r.record_no, r.line, r.reason) for r in table.broken(cursor())] == [
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


@pytest.mark.parametrize("strange", [False, True], ids=["fast", "slow"])
@pytest.mark.parametrize("size", [b"", b'<dimension ref="A1" />', b'<dimension ref="A1:XFD1048576" />'])
def test_what_a_sheet_says_of_its_size_is_not_believed(tmp_path, size, strange):
    path = edited(book(tmp_path / "x", ROWS), b'<dimension ref="A1:B3" />', size)
    if strange:
        path = edited(path, b"<c r=", b"<c  r=")
    assert read(path) == (("a", "b"), [["77", "x"], ["78", "y"]])


def test_names_that_lead_out_of_the_archive_are_never_followed(tmp_path):
    path = edited(book(tmp_path / "x", ROWS), b"77", b"77", **{"../../evil": b"x", "/tmp/evil": b"x"})
    before = sorted(tmp_path.rglob("*"))
    assert read(path)[1] == [["77", "x"], ["78", "y"]]
    assert sorted(tmp_path.rglob("*")) == before
    away = edited(path, b"/xl/worksheets/sheet1.xml", b"../../../../etc/passwd", "workbook.xml.rels")
    with pytest.raises(ReadError):
        open_table(away)


def test_a_workbook_whose_parts_lie_before_its_begin_is_refused_in_our_words():
    with pytest.raises(ReadError, match="a part is not where it should be"):
        open_table(FILES / "displaced.xlsb")
