"""Which reader a file needs: its content decides, never its name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from sluice.errors import SetupError
from sluice.readers.account import Account
from sluice.readers.base import RawTable
from sluice.readers.bytes import head, naming
from sluice.readers.columnar.table import MAGIC, ColumnarTable
from sluice.readers.encodings import find_encoding
from sluice.readers.json.signs import is_json, wide_encoding
from sluice.readers.json.table import JsonTable
from sluice.readers.packed.wrappers import Unpacked, unpack
from sluice.readers.refusals import refuse_markup, refuse_other_kinds
from sluice.readers.sheets.table import ExcelTable
from sluice.readers.spool import WorkFolder
from sluice.readers.text.dialect import boolean
from sluice.readers.text.table import CsvTable

OPTIONS = {
    "format": "csv, json or excel, where the content does not tell",
    "encoding": "for example utf-8, cp1252, utf-16",
    "delimiter": "one or more characters; tab and space may be spelled out",
    "quote": "the character around quoted cells; empty: none",
    "escape": "the character before a quote inside a quoted cell",
    "header": "true or false",
    "sheet": "name or number (from 1) of an Excel sheet",
    "path": "names on the way to the list inside a JSON object, joined by dots: data.items",
    "member": "name of a file in a zip archive",
}
_FORMATS = ("csv", "json", "excel")
_WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


def open_table(path: Path, options: dict[str, str] | None = None, *, work: Path | None = None) -> RawTable:
    """The file as a table of text cells. ``work``: where temporary copies go (default: the system's place).

    Raises SourceError (missing, folder, no permission), ReadError (empty, damaged, no table), SetupError (options).
    """
    options = dict(options or {})
    check_options(options)
    folder = WorkFolder(work)
    try:
        return _open(path.expanduser().absolute(), options, folder)
    except BaseException:
        folder.close()
        raise


def check_options(options: Mapping[str, str]) -> None:
    """Raise SetupError for an option that no reader knows, or a value it can't have."""
    known = "; ".join(f"{name}: {what}" for name, what in OPTIONS.items())
    if unknown := sorted(options.keys() - OPTIONS.keys()):
        raise SetupError(f"Unknown source option {', '.join(unknown)}.", hint=f"Known options: {known}.")
    if (wanted := options.get("format")) and wanted not in _FORMATS:
        raise SetupError(f"Unknown format '{wanted}'.", hint=f"Write one of {', '.join(_FORMATS)}.")
    boolean("header", options.get("header", "true"))
    for name in ("delimiter", "quote", "escape"):
        text = options.get(name)
        if text is not None and (any(c in text for c in "\r\n\0") or (not text and name == "delimiter")):
            raise SetupError(f"The source option {name} may not be empty or a line end.", hint=OPTIONS[name])
        if text is not None and name != "delimiter" and len(text.encode()) > 1:
            raise SetupError(f"The source option {name} takes one ASCII character.", hint=OPTIONS[name])


def _open(path: Path, options: dict[str, str], folder: WorkFolder) -> RawTable:
    head(path)
    if options.get("format") == "excel" and not options.get("member"):
        return _open_plain(path, options, folder)
    found = unpack(path, folder.path, options.get("member", ""))
    if not found.wrappers:
        return _open_plain(path, options, folder)
    with naming(found.path, path, found.member):
        table: Any = UnpackedTable(_open_plain(found.path, options, folder), path, found)
    return table  # type: ignore[no-any-return]


class UnpackedTable:
    """A table from an unpacked copy: its errors name the file that was given, its details say how it was wrapped."""

    def __init__(self, table: RawTable, path: Path, found: Unpacked) -> None:
        self._table = table
        self.path = path
        self._found = found

    def __getattr__(self, name: str) -> Any:
        with naming(self._found.path, self.path, self._found.member):
            return getattr(self._table, name)

    @property
    def details(self) -> dict[str, Any]:
        """The table's own, and the wrappers from the outside in."""
        member = {"member": self._found.member} if self._found.member else {}
        return {**self._table.details, "wrappers": self._found.wrappers, **member}

    @property
    def account(self) -> Account:
        """The table's own, and which members of an archive were left out."""
        account = self._table.account
        if self._found.left_out and (note := self._note()) not in account.warnings:
            account.warnings.append(note)
        return account

    def _note(self) -> str:
        return f"Of the archive, {self._found.member} was read; left out: {', '.join(self._found.left_out)}."

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        """The table's own."""
        with naming(self._found.path, self.path, self._found.member):
            return self._table.relation(connection)


def _open_plain(path: Path, options: dict[str, str], folder: WorkFolder) -> RawTable:
    start = head(path)
    wanted = options.get("format")
    if wanted == "excel" or (not wanted and start.startswith(_WORKBOOK)):
        return ExcelTable(path, options, folder)
    if not wanted and start.startswith(MAGIC):
        return ColumnarTable(path, folder)
    refuse_other_kinds(path, start)
    encoding = find_encoding(path, options.get("encoding") or wide_encoding(start))
    refuse_markup(path, start.decode(encoding, "replace"))
    if wanted == "json" or (not wanted and is_json(path, start, encoding)):
        return JsonTable(path, encoding, folder, options.get("path", ""))
    with naming(folder.path / "utf8", path):
        return CsvTable(path, encoding, options, folder)
