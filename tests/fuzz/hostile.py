"""Files made to exhaust memory, time or the stack, written piece by piece so that making them costs neither."""

import json
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from .seeds import Family, unzipped, workbooks, zipped

MB = 1 << 20
_SPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def _write(path: Path, parts: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(parts)


def _pack(path: Path, name: str, parts: Iterable[bytes], members: Family | None = None) -> None:
    """A zip archive with one member written piece by piece."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for other, content in (members or {}).items():
            archive.writestr(other, content)
        with archive.open(name, "w", force_zip64=True) as file:
            for part in parts:
                file.write(part)


def _book(path: Path, parts: Iterable[bytes], name: str = "xl/worksheets/sheet1.xml") -> None:
    members = unzipped(workbooks()["xlsx"])
    members.pop(name, None)
    _pack(path, name, parts, members)


def zip_bomb(path: Path) -> None:
    """1 GB of zeros."""
    _pack(path, "data.csv", (b"\0" * MB for _ in range(1024)))


def lying_zip(path: Path) -> None:
    """A member that claims a gigabyte and holds a line."""
    content = bytearray(zipped({"data.csv": b"a,b\n1,2\n"}))
    at = content.rindex(b"PK\x01\x02") + 24
    content[at : at + 4] = (1 << 30).to_bytes(4, "little")
    path.write_bytes(content)


def xml_bomb(path: Path) -> None:
    """Entities of entities in the shared strings."""
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    text = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "lol">{entities}]><sst {_SPACE}><si><t>&a9;</t></si></sst>'
    members = unzipped(workbooks()["xlsx"])
    path.write_bytes(
        zipped(members | {"xl/sharedStrings.xml": text.encode(), "xl/workbook.xml": text.encode()})
    )


def long_line(path: Path) -> None:
    """A line of 100 MB."""
    _write(path, (b"a,b\n", *(b"x" * MB for _ in range(100)), b",1\n2,3\n"))


def one_line(path: Path) -> None:
    """Nothing but 100 MB without a line end, of many cells."""
    _write(path, (b"1,2,abc," * (MB // 8) for _ in range(100)))


def open_quote(path: Path) -> None:
    """A quoted cell that never ends, over 10 MB of lines that could be in it."""
    _write(path, (b'a,b\n1,"open\n', *(b'x ""y"" z\n' * 100_000 for _ in range(10))))


def chained_quotes(path: Path) -> None:
    """Each line closes a quoted cell and opens the next; the last one spoils it."""
    _write(path, (b'a,b\n1,"x\n', *(b'next","okok\n' * 20_000 for _ in range(10)), b'" spoiled "\n'))


def wide(path: Path) -> None:
    """10,000 columns."""
    _write(
        path,
        [",".join(f"c{n}" for n in range(10_000)).encode() + b"\n", *[b"1" + b",1" * 9_999 + b"\n"] * 50],
    )


def wide_json(path: Path) -> None:
    """10,000 names, new ones in each of the objects."""
    _write(
        path,
        (json.dumps({f"c{n}": n for n in range(k, k + 50)}).encode() + b"\n" for k in range(0, 10_000, 50)),
    )


def deep_json(path: Path) -> None:
    """A million open brackets."""
    path.write_bytes(b"[" * 1_000_000)


def deep_objects(path: Path) -> None:
    """Objects in objects, 200,000 deep, closed."""
    path.write_bytes(b'{"a":' * 200_000 + b"1" + b"}" * 200_000)


def long_string(path: Path) -> None:
    """One JSON string of 100 MB."""
    _write(path, (b'[{"a":"', *(b"x" * MB for _ in range(100)), b'"}]'))


def long_number(path: Path) -> None:
    """A number of a million digits."""
    path.write_bytes(b'[{"a":' + b"9" * 1_000_000 + b"}]")


def shared_strings(path: Path) -> None:
    """2,000,000 shared strings, of which none is used."""
    one = "".join(f"<si><t>text number {n}</t></si>" for n in range(10_000)).encode()
    begin = f'<sst {_SPACE} count="2000000" uniqueCount="4294967295">'.encode()
    _book(path, (begin, *[one] * 200, b"</sst>"), "xl/sharedStrings.xml")


def sparse_sheet(path: Path) -> None:
    """Two cells in opposite corners of the largest sheet there can be."""
    cells = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    text = f'<worksheet {_SPACE}><dimension ref="A1:XFD1048576"/><sheetData>{cells}</sheetData></worksheet>'
    _book(path, [text.encode()])


def repeated_cells(path: Path) -> None:
    """An OpenDocument cell said to be repeated over a billion places."""
    text = unzipped(workbooks()["ods"])
    content = text["content.xml"].replace(
        b"<table:table-cell office", b'<table:table-cell table:number-columns-repeated="16384" office', 9
    )
    content = content.replace(
        b"<table:table-row>", b'<table:table-row table:number-rows-repeated="1048576">', 4
    )
    path.write_bytes(zipped(text | {"content.xml": content}))


def large_csv(path: Path) -> None:
    """300 MB of ordinary lines."""
    block = b"".join(b"%d,name of %d,%d.25,2024-01-02\n" % (n, n, n) for n in range(30_000))
    _write(path, (b"id,name,amount,day\n", *(block for _ in range(300 * MB // len(block)))))


def large_untidy_csv(path: Path) -> None:
    """300 MB, a line of a wrong width in each block."""
    block = b"".join(b"%d,name of %d,%d.25,2024-01-02\n" % (n, n, n) for n in range(30_000)) + b"x,y\n"
    _write(path, (b"id,name,amount,day\n", *(block for _ in range(300 * MB // len(block)))))


def large_json(path: Path) -> None:
    """300 MB in one array."""
    block = b",".join(b'{"id":%d,"name":"name of %d","amount":%d.25}' % (n, n, n) for n in range(30_000))
    count = 300 * MB // len(block)
    _write(path, (b"[", *(block + (b"," if n < count - 1 else b"]") for n in range(count))))


def large_xlsx(path: Path) -> None:
    """A sheet of 300 MB of XML: 600,000 x 12."""
    cells = "".join(f"<c><v>{n}.5</v></c>" for n in range(100_000, 100_012))
    row = f"<row>{cells}</row>".encode()
    head = b"<row>" + b"".join(b'<c t="inlineStr"><is><t>c%d</t></is></c>' % n for n in range(12)) + b"</row>"
    parts = (row * 10_000 for _ in range(300 * MB // (len(row) * 10_000)))
    _book(path, (f"<worksheet {_SPACE}><sheetData>".encode(), head, *parts, b"</sheetData></worksheet>"))


Make = Callable[[Path], None]
HOSTILE: list[Make] = [
    *(
        zip_bomb,
        lying_zip,
        xml_bomb,
        long_line,
        one_line,
        open_quote,
        chained_quotes,
        wide,
        wide_json,
        deep_json,
    ),
    *(deep_objects, long_string, long_number, shared_strings, sparse_sheet, repeated_cells),
]
LARGE: list[Make] = [large_csv, large_untidy_csv, large_json, large_xlsx]
