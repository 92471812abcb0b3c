"""The least .xls and .xlsb files that hold a table of texts; no library that is kept writes them."""

import struct
from collections.abc import Sequence

Rows = Sequence[Sequence[str]]
_SECTOR = 512
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def xls(rows: Rows) -> bytes:
    """BIFF5 in an OLE file."""

    def record(kind: int, body: bytes = b"") -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    cells = b"".join(
        record(0x0204, struct.pack("<HHHH", r, c, 0, len(text.encode("cp1252"))) + text.encode("cp1252"))
        for r, row in enumerate(rows)
        for c, text in enumerate(row)
    )
    begin, page = record(0x0809, struct.pack("<HHHH", 0x0500, 5, 0, 0)), record(0x0042, b"\xe4\x04")
    place = len(begin) + len(page) + 4 + 8 + 4
    sheet = record(0x0085, struct.pack("<IHB", place, 0, 1) + b"S")
    book = begin + page + sheet + record(0x000A)
    return ole(
        "Book", book + record(0x0809, struct.pack("<HHHH", 0x0500, 0x10, 0, 0)) + cells + record(0x000A)
    )


def ole(name: str, content: bytes) -> bytes:
    """A compound file with one stream: a sector of the allocation table, one of the directory, the stream."""
    content = content.ljust(max(4096, -(-len(content) // _SECTOR) * _SECTOR), b"\0")
    count = len(content) // _SECTOR
    chain = [_FAT, _END, *range(3, count + 2), _END]
    head = struct.pack("<8s16sHHHHH6x", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<IIIIIIIIII", 0, 1, 1, 0, 4096, _END, 0, _END, 0, 0)
    head += struct.pack("<108I", *[_FREE] * 108)
    table = struct.pack("<128I", *chain, *[_FREE] * (128 - len(chain)))

    def entry(title: str, kind: int, child: int, start: int, size: int) -> bytes:
        text = title.encode("utf-16-le") + b"\0\0" if title else b""
        links = struct.pack("<III", _FREE, _FREE, child)
        return (
            text.ljust(64, b"\0")
            + struct.pack("<HBB", len(text), kind, 1)
            + links
            + struct.pack("<16sIQQIQ", b"", 0, 0, 0, start, size)
        )

    folder = entry("Root Entry", 5, 1, _END, 0) + entry(name, 2, _FREE, 2, len(content))
    return head + table + (folder + entry("", 0, _FREE, 0, 0) * 2) + content


def xlsb(rows: Rows) -> bytes:
    """A binary workbook."""
    from .seeds import zipped

    def record(kind: int, body: bytes = b"") -> bytes:
        code = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
        size, length = len(body), b""
        while size > 0x7F:
            length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
        return code + length + bytes([size]) + body

    def wide(text: str) -> bytes:
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    book = record(0x83) + record(0x8F) + record(0x9C, struct.pack("<II", 0, 1) + wide("rId1") + wide("S"))
    book += record(0x90) + record(0x84)
    sheet = (
        record(0x81)
        + record(0x94, struct.pack("<IIII", 0, len(rows) - 1, 0, len(rows[0]) - 1))
        + record(0x91)
    )
    for number, row in enumerate(rows):
        sheet += record(0x00, struct.pack("<IIHHBI", number, 0, 300, 0, 0, 0))
        sheet += b"".join(record(0x06, struct.pack("<II", c, 0) + wide(text)) for c, text in enumerate(row))
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    links = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{kinds}/worksheet" Target="worksheets/sheet1.bin"/></Relationships>'
    )
    return zipped(
        {
            "[Content_Types].xml": b"<Types/>",
            "xl/workbook.bin": book,
            "xl/_rels/workbook.bin.rels": links.encode(),
            "xl/worksheets/sheet1.bin": sheet + record(0x92) + record(0x82),
        }
    )
