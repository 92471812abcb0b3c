"""Errors of formulas in an .xlsb, which calamine gives as nothing.

Imports nothing of Sluice but its neighbours: see ``sheets.main``.
"""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

from sluice.readers.sheets.odd import Odd
from sluice.readers.sheets.odd_others import CODES

_ROW, _ERROR, _FORMULA_ERROR, _SHEET = 0x00, 0x03, 0x0B, 0x9C
_MOST = 1 << 30  # bytes of a part that is looked into
_LINKS = 4_000_000
# A cell's column and style, and the code of an error.
_WORTH = re.compile(
    rb"(?:\x03\x09|\x0b.{1,2}).[\x00-\x3f]\x00\x00.{4}[\x00\x07\x0f\x17\x1d\x24\x2a\x2b]", re.DOTALL
)


def xlsb_cells(archive: zipfile.ZipFile) -> dict[str, Odd]:
    """Errors of every sheet, by its name. Raises what zip and XML raise."""
    links = {
        link.get("Id"): posixpath.normpath(posixpath.join("/xl", link.get("Target", ""))).lstrip("/")
        for link in ElementTree.fromstring(_part(archive, "xl/_rels/workbook.bin.rels", _LINKS))  # noqa: S314 (no entities: refused before)
    }
    found: dict[str, Odd] = {}
    for kind, body in _records(_part(archive, "xl/workbook.bin", _LINKS)):
        if kind == _SHEET:
            key, rest = _wide(body[8:])
            member = links.get(key, "")
            if member in archive.NameToInfo:
                found[_wide(rest)[0]] = _errors(archive, member)
    return found


def _part(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    with archive.open(name) as file:
        return file.read(most)


def _wide(body: bytes) -> tuple[str, bytes]:
    """A text, and what follows it."""
    end = 4 + 2 * int.from_bytes(body[:4], "little")
    return body[4:end].decode("utf-16-le", "replace"), body[end:]


def _records(part: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind (as written: one or two bytes) and content."""
    at = 0
    while at < len(part):
        kind, at = part[at], at + 1
        if kind & 0x80:
            if part[at : at + 1] != b"\x01":  # all that is looked for is written so
                kind = -1
            at += 1
        size = 0
        for shift in (0, 7, 14, 21):
            byte = part[at] if at < len(part) else 0
            at += 1
            size |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
        yield kind, part[at : at + size]
        at += size


def _errors(archive: zipfile.ZipFile, member: str) -> Odd:
    odd = Odd(unplaced=archive.getinfo(member).file_size > _MOST)
    part = b"" if odd.unplaced else _part(archive, member, _MOST)
    row = 0
    for kind, body in _records(part) if _WORTH.search(part) else ():
        if kind == _ROW:
            row = int.from_bytes(body[:4], "little")
        elif kind in (_ERROR, _FORMULA_ERROR) and len(body) > 8:
            column = int.from_bytes(body[:4], "little")
            odd.rows.setdefault(row + 1, []).append((column, CODES.get(body[8], "#N/A")))
    return odd
