"""What kind of file it is, and the errors for files that are no table."""

import contextlib
import gzip
import os
import random
import socket
import zipfile
from pathlib import Path

import pytest

from sluice.errors import InputError, ReadError, SetupError, SourceError
from sluice.readers import open_table

from .conftest import cells, contract

GZIPPED = gzip.compress(b"a,b\n" + random.Random(0).randbytes(2000).hex().encode(), mtime=0)


def test_content_decides_and_not_the_extension(write):
    assert open_table(write("a,b\n1,2\n", name="x.xlsx")).format == "csv"
    assert open_table(write('[{"a": 1}]', name="x.csv")).format == "json"
    assert open_table(write(b"\xef\xbb\xbf" + b'  \n{"a": 1}\n{"a": 2}', name="x.txt")).format == "json"
    assert open_table(write("[x],b\n1,2\n")).format == "csv"
    assert open_table(write('{x},"b"\n1,2\n')).format == "csv"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "[",
            "{",
            "[]",
            "{}",
            "[1]",
            "123",
            ' "a"\n',
            "true",
            "null",
            "[1,\n2]",
            '["a",\n4\n,1,',
            '["new\nline"]',
        ),
        *(
            '{"a":1}\n{"a":2}',
            '{"a":1},\n{"a":2},\n',
            '{"a":1}{"a":2}\n',
            "[1]\n[2]",
            "[1] x\n",
            '{"a": tru\n}',
        ),
        *(
            "{a: 1}\n{a: 2}",
            "{'a': 1}\n{'a': 2}",
            "[NaN,\n1]",
            "[" * 500 + "\n",
            "[x\n]",
            '\x1e{"a":1}\n\x1e{"a":2}',
        ),
    ],
)
def test_what_opens_as_json_is_json_well_made_or_not(write, text):
    assert open_table(write(text, name="x.csv")).format == "json"


@pytest.mark.parametrize(
    "text",
    [
        *("[x],b\n1,2", "[1],b\n1,2", "[2020],[2021]\n5,6", '["id"],b\n1,2', "[a, b];c\n1;2", "[1]\tb\n1\t2"),
        *(
            "{id},{name}\n1,2",
            "{id},{name}\n{1},{2}",
            '{"a"},b\n1,2',
            "{http://x}id,n\n1,2",
            "[a]|[b]\n[1]|[2]",
        ),
        *(
            "[0,10),5\n[10,20),7",
            "[12:00] x\n[12:01] y",
            "{guid}\n{123-4}\n{567-8}",
            "1\n2\n3",
            "true\nfalse",
            "0012",
        ),
    ],
)
def test_text_whose_first_cell_looks_like_json_is_text(write, text):
    assert open_table(write(text, name="x.json")).format == "csv"


def test_the_format_can_be_given(write):
    table = open_table(write('{"a",b\n1,2\n'), {"format": "csv", "quote": ""})
    assert cells(table) == [["1", "2"]]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n\n\r\n", "only blank lines"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\xff\xfe", "input.dat is empty"),
        (b"\0" * 5000, "only NUL"),
        (b"%PDF-1.7 ...", "is a PDF"),
        (b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(4000), "an image"),
        (b"\n<!-- made by x -->\n<!DOCTYPE html><html><table>", "an HTML page"),
        (b"<table><tr><td>1</td></tr></table>", "an HTML page"),
        (
            b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">',
            "Excel 2003",
        ),
        (b'<?xml version="1.0"?><rows/>', "is XML"),
        ("ID,NAME\x85001,SMITH JOHN\x85002,MILLER ANN\x85".encode("cp037"), "EBCDIC"),
        (random.Random(2).randbytes(5000), "binary"),
        (GZIPPED[:-200], "ends too early"),
        (GZIPPED[:400] + b"\xff" * 400 + GZIPPED[800:], "damaged gzip"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"PK\x03\x04 cut off", "not a workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 cut off", "not a workbook"),
    ],
)
def test_files_that_are_no_table_are_refused(write, content, says):
    with pytest.raises(ReadError, match=says) as caught:
        open_table(write(content))
    assert caught.value.hint


def test_a_document_that_is_a_zip_archive_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.docx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w/>")
    with pytest.raises(ReadError, match="a Word document"):
        open_table(tmp_path / "x.docx")


def test_a_header_that_begins_as_an_archive_does_is_a_header(write):
    assert open_table(write("PK,name\n1,a\n")).header == ("PK", "name")
    assert open_table(write("BZh9,name\n1,a\n")).header == ("BZh9", "name")


def test_what_is_no_regular_file_is_refused_at_once_and_a_link_is_read(write, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for path, what in [
            (tmp_path / "pipe", "a pipe"),
            (tmp_path / "socket", "a socket"),
            (Path("/dev/zero"), "a device"),
        ]:
            with pytest.raises(SourceError, match=what) as caught:
                open_table(path)
            assert caught.value.hint
    (tmp_path / "link").symlink_to(write("a,b\n1,2\n"))
    assert open_table(tmp_path / "link").header == ("a", "b")


def test_a_missing_file_a_folder_and_a_forbidden_file_are_source_errors(write, tmp_path):
    with pytest.raises(SourceError, match="does not exist"):
        open_table(tmp_path / "nope.csv")
    with pytest.raises(SourceError, match="is a folder"):
        open_table(tmp_path)
    if os.geteuid():
        path = write("a,b\n")
        path.chmod(0)
        with pytest.raises(SourceError, match="may not be read"):
            open_table(path)


def test_unknown_options_name_the_known_ones(write):
    path = write("a,b\n1,2\n")
    for options, says in [
        ({"delim": ";"}, "delimiter:"),
        ({"format": "xml"}, "csv, json, excel"),
        ({"header": "maybe"}, "header=true"),
        ({"encoding": "utf-9"}, "utf-8"),
        ({"quote": "''"}, "quote"),
        ({"delimiter": ""}, "delimiter"),
    ]:
        with pytest.raises(SetupError) as caught:
            open_table(path, options)
        assert says in str(caught.value)


def test_a_first_line_without_end_is_refused_and_not_swallowed(write):
    with pytest.raises(ReadError, match="longer than"):
        open_table(write(b"x" * 40_000_000))


def test_another_dataset_is_refused_with_a_hint(write, load):
    with pytest.raises(ReadError, match="None of the input's columns") as caught:
        load(write("x,y\n1,2\n"), contract("a", "b"))
    assert "sluice datasets" in caught.value.hint


def test_no_random_bytes_bring_anything_but_an_input_error(write):
    source = random.Random(3)
    starts = [
        b"",
        b"PK\x03\x04",
        b"\x1f\x8b\x08\x00",
        b"[{",
        b'{"a":',
        b"a,b\n",
        b"\xff\xfe",
        b"\xd0\xcf\x11\xe0",
    ]
    for number in range(160):
        path = write(starts[number % len(starts)] + source.randbytes(source.randint(0, 300)))
        with contextlib.suppress(InputError):
            cells(open_table(path))
