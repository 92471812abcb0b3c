"""Where the sheets, texts and number formats of an .xlsx are. Imports nothing of Sluice but its neighbours."""

import posixpath
import zipfile
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa

from sluice.readers.sheets import values
from sluice.readers.sheets.parts import Book
from sluice.readers.sheets.tags import Unusual
from sluice.readers.sheets.texts import shared_strings

_MOST = 16_000_000  # bytes of a part that is read whole


@dataclass(frozen=True, slots=True)
class Parts:
    """``sheets``: name to part and its size."""

    sheets: dict[str, tuple[str, int]]
    strings: str
    styles: str
    since_1904: bool

    def book(self, archive: zipfile.ZipFile) -> Book:
        """The texts and styles. Raises Unusual and what zip and XML raise."""
        shared = pa.array([], pa.string())
        if self.strings in archive.NameToInfo:
            with archive.open(self.strings) as file:
                shared = shared_strings(file)
        meanings = _meanings(archive, self.styles) if self.styles in archive.NameToInfo else [values.PLAIN]
        return Book(shared, np.array(meanings, np.int64), self.since_1904)


def parts_of(archive: zipfile.ZipFile) -> Parts:
    """Of an .xlsx; no sheets for other formats. Raises Unusual and what zip and XML raise."""
    book = _xml(archive, "xl/workbook.xml")
    targets, kinds = {}, {}
    for link in _xml(archive, "xl/_rels/workbook.xml.rels"):
        target = posixpath.normpath(posixpath.join("/xl", link.get("Target", ""))).lstrip("/")
        targets[link.get("Id")] = target
        kinds[link.get("Type", "").rpartition("/")[2]] = target
    found: dict[str, tuple[str, int]] = {}
    for sheet in (e for e in book.iter() if e.tag.endswith("}sheet")):
        key = next((v for k, v in sheet.attrib.items() if k.endswith("}id")), None)
        name = targets.get(key, "")
        size = archive.getinfo(name).file_size if name in archive.NameToInfo else 0
        found[sheet.get("name", "")] = (name, size)
    dated = next((e for e in book.iter() if e.tag.endswith("}workbookPr")), None)
    since_1904 = dated is not None and dated.get("date1904", "0") in ("1", "true")
    return Parts(found, kinds.get("sharedStrings", ""), kinds.get("styles", ""), since_1904)


def refuse_entities(archive: zipfile.ZipFile) -> None:
    """Raise ValueError if the XML declares entities: bombs do, and no program that writes workbooks."""
    for part in archive.infolist():
        if part.filename.endswith((".xml", ".rels")) and not part.is_dir():
            with archive.open(part) as file:
                if b"<!ENTITY" in file.read(4096).replace(b"\0", b""):
                    raise ValueError(f"the XML of {part.filename} declares entities")


def _xml(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    with archive.open(name) as file:
        text = file.read(_MOST)
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise Unusual
    return ElementTree.fromstring(text)  # noqa: S314 (no entities of its own)


def _meanings(archive: zipfile.ZipFile, name: str) -> list[int]:
    """What each style makes of a number."""
    root = _xml(archive, name)
    codes = {
        int(e.get("numFmtId", "0")): e.get("formatCode", "") for e in root.iter() if e.tag.endswith("}numFmt")
    }
    used = next((e for e in root if e.tag.endswith("}cellXfs")), ())
    found = [int(e.get("numFmtId", "0")) for e in used]
    return [values.meaning_of(number, codes.get(number)) for number in found] or [values.PLAIN]
