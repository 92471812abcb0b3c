"""Delimited text: DuckDB's parser where the file is tidy, our own exact pass where it is not."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from sluice.readers.base import Reject, cell
from sluice.readers.bytes import holds, other_encoding, to_utf8
from sluice.readers.dialect import find_layout
from sluice.readers.records import RECORD_LIMIT, Record, readable, records, skip_line, split_lines
from sluice.readers.spool import RejectFile, TableSpool, WorkFolder, quote_text

# No cell holds this, so DuckDB never turns a cell into NULL by itself.
_NEVER = "chr(1) || 'sluice' || chr(1)"
# Bytes that a DuckDB thread parses at a time: its default, 32 MB, costs memory and saves no time.
_BUFFER = 8 << 20

MESSAGES = {
    "too_few_cells": "The record has {found} cells, the header {expected}.",
    "too_many_cells": "The record has {found} cells, the header {expected}.",
    "unclosed_quote": "A quoted cell begins on this line and never ends.",
    "bad_quote": "A quoted cell is followed by more text before the next delimiter.",
    "bad_encoding": "The record holds bytes that are not valid {encoding}.",
    "too_long": "The record is longer than 16 million characters.",
}


class CsvTable:
    """One delimited file. Implements ``RawTable``."""

    format = "csv"

    def __init__(self, path: Path, encoding: str, options: dict[str, str], work: WorkFolder) -> None:
        self._source = path
        self._work = work
        self._options = options
        self._repaired: TableSpool | None = None
        self._rejects: RejectFile | None = None
        self._open(encoding)

    def _open(self, encoding: str) -> None:
        self._path = (
            self._source
            if encoding in ("utf-8", "utf-8-sig", "ascii")
            else to_utf8(self._source, encoding, self._work.path)
        )
        self._encoding = encoding
        self._layout = find_layout(self._path, self._options)
        self.header = self._layout.header
        self.record_size = self._layout.record_size
        self.details: dict[str, Any] = {"encoding": encoding, **self._layout.as_dict()}

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        if self._ends_in_escape():
            self.repair(ValueError("DuckDB does not notice an open quote then"))
        if self._repaired:
            return self._repaired.relation()
        layout, dialect = self._layout, self._layout.dialect
        width = len(self.header)
        columns = ", ".join(f"'{cell(i)}': 'VARCHAR'" for i in range(width + layout.padding))
        source = (
            f"read_csv({quote_text(str(self._plain_path()))}, columns = {{{columns}}}, auto_detect = false, "
            f"header = false, skip = {layout.skip}, delim = {quote_text(dialect.delimiter)}, "
            f"quote = {quote_text(dialect.quote)}, escape = {quote_text(dialect.escape)}, "
            f"nullstr = [{_NEVER}], compression = 'none', strict_mode = true, buffer_size = {_BUFFER})"
        )
        if not layout.padding:
            return source
        # More cells than the header are fine only while they are empty.
        padding = " || ".join(cell(width + i) for i in range(layout.padding))
        kept = ", ".join(cell(i) for i in range(width))
        return f"(SELECT {kept} FROM {source} WHERE CASE WHEN {padding} = '' THEN true ELSE error('padding') END)"  # noqa: S608

    def _plain_path(self) -> Path:
        """DuckDB takes some characters of a file name for a pattern; a link without them helps."""
        if not re.search(r"[*?\[\]{}]", str(self._path)):
            return self._path
        link = self._work.path / "input"
        if not link.is_symlink():
            link.symlink_to(self._path.resolve())
        return link

    def _ends_in_escape(self) -> bool:
        dialect = self._layout.dialect
        if dialect.escape == dialect.quote:
            return False
        with self._path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() == dialect.escape.encode()

    def repair(self, error: Exception) -> bool:
        if self._repaired:
            return False
        if "unicode" in str(error) and self._encoding == "utf-8" and (other := other_encoding(self._path)):
            self._open(other)
            return True
        self._read_exactly()
        return True

    def _read_exactly(self) -> None:
        spool = TableSpool(self._work.path, self.header)
        rejects = RejectFile(self._work.path / "broken.parquet")
        width, widest = len(self.header), len(self.header) + self._layout.padding
        for number, record in enumerate(self._records(), 1):
            cells, reason = record.cells, record.reason
            if not reason and len(cells) != width:
                if width < len(cells) <= widest and not any(cells[width:]):
                    cells = cells[:width]
                else:
                    reason = "too_few_cells" if len(cells) < width else "too_many_cells"
            if reason:
                rejects.add(self._reject(number, record, reason))
            else:
                spool.add_cells(number, cells, len(record.raw))
        rejects.close()
        spool.close()
        self._repaired, self._rejects = spool, rejects

    def _reject(self, number: int, record: Record, reason: str) -> Reject:
        message = MESSAGES[reason].format(
            found=len(record.cells), expected=len(self.header), encoding=self._encoding
        )
        return Reject(number, reason, message, line=record.line, raw=readable(record.raw))

    def _records(self) -> Iterator[Record]:
        """All records after the header."""
        layout = self._layout
        with self._path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            found = records(file, layout.dialect)
            if layout.has_header:
                next(found, None)
            for record in found:
                if (
                    len(self.header) > 1
                    and record.raw.isspace()
                    and layout.dialect.delimiter not in record.raw
                ):
                    continue
                yield record

    def broken(self, connection: duckdb.DuckDBPyConnection) -> Iterable[Reject]:
        return self._rejects or ()

    def find(self, record_numbers: Iterable[int]) -> Iterator[tuple[int, int, str]]:
        wanted = iter(record_numbers)
        if (number := next(wanted, None)) is None:
            return
        found = self._plain_lines() or ((record.line, record.raw) for record in self._records())
        for count, (line, raw) in enumerate(found, 1):
            if count == number:
                yield number, line, readable(raw)
                if (number := next(wanted, None)) is None:
                    return

    def _plain_lines(self) -> Iterator[tuple[int, str]] | None:
        """(line, text) of each record, if each line is a record; None if it may not be."""
        quote = self._layout.dialect.quote.encode()
        if self._layout.line_end == "\r" or (quote and holds(self._path, quote)):
            return None
        return self._each_line()

    def _each_line(self) -> Iterator[tuple[int, str]]:
        count, skip = 0, self._layout.skip
        with self._path.open("rb") as file:
            while raw := file.readline(RECORD_LIMIT):
                if len(raw) == RECORD_LIMIT and raw[-1] != 10:
                    skip_line(file)
                for part in split_lines(raw):
                    count += 1
                    text = part.decode("utf-8-sig" if count == 1 else "utf-8", "surrogateescape")
                    if count > skip and text and not self._is_blank(text):
                        yield count, text

    def _is_blank(self, text: str) -> bool:
        """A line of white space only, unless a cell can be that."""
        return text.isspace() and len(self.header) > 1 and self._layout.dialect.delimiter not in text

    def locate(self, record_numbers: Iterable[int]) -> dict[int, tuple[int, str]]:
        return {number: (line, raw) for number, line, raw in self.find(sorted(set(record_numbers)))}

    def close(self) -> None:
        self._work.close()


def open_csv(path: Path, encoding: str, options: dict[str, str], work: WorkFolder) -> CsvTable:
    """The file as a table. Raises ReadError if it has no header."""
    return CsvTable(path, encoding, options, work)
