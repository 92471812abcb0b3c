"""Which reader a file needs: its content decides, never its name."""

import re
from collections.abc import Mapping
from pathlib import Path

from sluice.errors import InputError, ReadError, SetupError
from sluice.readers.base import RawTable
from sluice.readers.bytes import find_encoding, gunzip, head
from sluice.readers.csv import CsvTable
from sluice.readers.dialect import boolean
from sluice.readers.excel import ExcelTable
from sluice.readers.json import JsonTable
from sluice.readers.spool import WorkFolder

OPTIONS = {
    "format": "csv, json or excel, where the content does not tell",
    "encoding": "for example utf-8, cp1252, utf-16",
    "delimiter": "one or more characters; tab and space may be spelled out",
    "quote": "the character around quoted cells; empty: none",
    "escape": "the character before a quote inside a quoted cell",
    "header": "true or false",
    "sheet": "name or number (from 1) of an Excel sheet",
}
_FORMATS = ("csv", "json", "excel")
_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


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
    if not head(path).startswith(_GZIP):
        return _open_plain(path, options, folder)
    unpacked = gunzip(path, folder.path)
    try:
        return _open_plain(unpacked, options, folder)
    except InputError as error:  # it names the copy
        message = error.message.replace(str(unpacked), str(path))
        raise type(error)(message, hint=error.hint, **{**error.facts, "file": path}) from error


def _open_plain(path: Path, options: dict[str, str], folder: WorkFolder) -> RawTable:
    start = head(path)
    wanted = options.get("format")
    if wanted == "excel" or (not wanted and start.startswith((_ZIP, _OLE))):
        return ExcelTable(path, options, folder)
    for magic, name in ((_GZIP, "a gzip file inside a gzip file"), (b"%PDF", "a PDF"), (b"PAR1", "Parquet")):
        if start.startswith(magic):
            raise ReadError(f"{path} is {name}.", hint="Export it as CSV, JSON or xlsx.", file=path)
    encoding = find_encoding(path, options.get("encoding", ""))
    if wanted == "json" or (not wanted and _is_json(start, encoding)):
        return JsonTable(path, encoding, folder)
    return CsvTable(path, encoding, options, folder)


def _is_json(start: bytes, encoding: str) -> bool:
    """An array of objects (or empty), or an object."""
    text = start.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    return bool(re.match(r'\[\s*[\[{\]]|\{\s*["}]|\[\s*$', text))
