"""Delimited text: DuckDB's parser where the file is tidy, our own exact pass where it is not."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from sluice.readers.account import Account
from sluice.readers.base import Reject, cell
from sluice.readers.encodings import joined, other_encoding, replaced, to_utf8
from sluice.readers.spool import RejectFile, TableSpool, WorkFolder, quote_text
from sluice.readers.text.aligned import DELIMITER, aligned, original
from sluice.readers.text.blocks import ByteLines, Run, parts
from sluice.readers.text.body import table_records
from sluice.readers.text.clean import CleanCopy
from sluice.readers.text.ends import ended
from sluice.readers.text.escapes import escapes_outside_quotes
from sluice.readers.text.layout import find_layout
from sluice.readers.text.quotes import with_quotes_mended
from sluice.readers.text.records import Record, readable
from sluice.readers.text.scan import Scanner, may_hold_blank_lines

# No cell holds this, so DuckDB never turns a cell into NULL by itself.
_NEVER = "chr(1) || 'sluice' || chr(1)"
# Bytes that a DuckDB thread parses at a time: its default, 32 MB, costs memory and saves no time.
_BUFFER = 8 << 20
_AGAIN = "the header stands there again"
_NAMES = 20  # of the header that are compared
_MARKED = ("utf-8-sig", "utf-16", "utf-32")  # begin with a byte order mark

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
        self.path = path
        self._work = work
        self._options = options
        self._repaired: CleanCopy | TableSpool | None = None
        self._rejects: RejectFile | None = None
        self._counted = False
        self._drawn: Path | None = None
        self.account = Account()
        self._open(encoding)

    def _open(self, encoding: str) -> None:
        self._path = (
            self.path
            if encoding in ("utf-8", "utf-8-sig", "ascii")
            else to_utf8(self.path, encoding, self._work.path)
        )
        self._encoding = encoding
        marked = joined(self._path, self._work.path) if encoding in _MARKED else None
        self._path = marked.path if marked else self._path
        other = ended(self._path, self._options, self._work.path)
        self._path = other.path if other else self._path
        options, self._drawn, copy = self._options, None, None
        if "delimiter" not in options and (copy := aligned(self._path, self._work.path)):
            options = {**options, "delimiter": DELIMITER, "quote": ""}
            self._drawn, self._path = self._path, copy.path
        self._layout = find_layout(self._path, options)
        if marked and self._layout.has_header and self._layout.lead[-1].text == marked.first:
            self._layout = replace(self._layout, again=marked.first, exact=True)
        self.header = self._layout.header
        self.record_size = self._layout.record_size
        self.details: dict[str, Any] = {"encoding": encoding, **self._layout.as_dict()}
        if copy:
            self.details["delimiter"] = copy.delimiter
        if other:
            self.details["line_end"] = other.end
        self._note_lead()

    def _note_lead(self) -> None:
        """Begin the account anew, with what stands before the first data record."""
        account = self.account
        account.lines.clear()
        account.repairs.clear()
        account.skipped.clear()
        account.warnings[:] = self._layout.warnings
        for one in self._layout.lead:
            account.skip(one.kind, one.line, one.text)

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        if not self._repaired and (
            self._layout.exact or escapes_outside_quotes(self._path, self._layout.dialect)
        ):
            self.repair(ValueError("DuckDB would not read it, or take escapes for text"))
        if isinstance(self._repaired, CleanCopy):
            return self._read_csv(str(self._repaired.path), 1)
        if self._repaired:
            return self._repaired.relation()
        return self._read_csv(str(self._plain_path()), self._layout.skip)

    def _read_csv(self, path: str, skip: int) -> str:
        layout, dialect = self._layout, self._layout.dialect
        width = len(self.header)
        columns = ", ".join(f"'{cell(i)}': 'VARCHAR'" for i in range(width + layout.padding))
        source = (
            f"read_csv({quote_text(path)}, columns = {{{columns}}}, auto_detect = false, "
            f"header = false, skip = {skip}, delim = {quote_text(dialect.delimiter)}, "
            f"quote = {quote_text(dialect.quote)}, escape = {quote_text(dialect.escape)}, "
            f"nullstr = [{_NEVER}], compression = 'none', strict_mode = true, buffer_size = {_BUFFER})"
        )
        checks = []
        if layout.padding:
            # More cells than the header are fine only while they are empty.
            padding = " || ".join(cell(width + i) for i in range(layout.padding))
            checks.append(f"CASE WHEN {padding} = '' THEN true ELSE error('padding') END")
        if layout.title is not None and layout.again is None:
            same = " AND ".join(
                f"{cell(i)} = {quote_text(name)}" for i, name in enumerate(self.header[:_NAMES])
            )
            checks.append(f"CASE WHEN {same} THEN error('{_AGAIN}') ELSE true END")
        if not checks:
            return source
        kept = ", ".join(cell(i) for i in range(width))
        return f"(SELECT {kept} FROM {source} WHERE {' AND '.join(checks)})"  # noqa: S608

    def _plain_path(self) -> Path:
        """DuckDB takes some characters of a file name for a pattern; a link without them helps."""
        if not re.search(r"[*?\[\]{}]", str(self._path)):
            return self._path
        link = self._work.path / "input"
        if not link.is_symlink():
            link.symlink_to(self._path.resolve())
        return link

    def expect(self, known: Callable[[str], bool]) -> None:
        """A first row that was taken for a record is the header if most of its cells are ``known`` names."""
        if self._layout.has_header or "header" in self._options:
            return
        dialect = self._layout.dialect
        written = {"delimiter": dialect.delimiter, "quote": dialect.quote, "escape": dialect.escape}
        layout = find_layout(self._path, {**written, "header": "true"})
        if sum(map(known, layout.header)) * 2 > len(layout.header):
            self._layout, self.header = layout, layout.header
            self.details |= {"header": True}
            self._note_lead()

    def repair(self, error: Exception) -> bool:
        if _AGAIN in str(error) and self._layout.again is None:
            self._layout = replace(self._layout, again=self._layout.title)
            if isinstance(self._repaired, CleanCopy):
                self._repaired.remove()
            self._read_exactly(runs=True)
            return True
        if isinstance(self._repaired, CleanCopy):
            # DuckDB does not take even that: records of megabytes, for one.
            self._repaired.remove()
            self._read_exactly(runs=False)
            return True
        if self._repaired:
            return False
        if "unicode" in str(error) and self._encoding == "utf-8" and (other := other_encoding(self._path)):
            self._open(other)
            return True
        self._read_exactly(runs=True)
        return True

    def numbers(self, first: int, count: int) -> pa.Array:
        """The numbers of ``count`` records after the first ``first`` of the relation."""
        if isinstance(self._repaired, CleanCopy):
            return self._repaired.numbers(first, count)
        return pa.array(np.arange(first + 1, first + count + 1, dtype=np.int64))

    def _read_exactly(self, *, runs: bool) -> None:
        layout, folder = self._layout, self._work.path
        width = len(self.header)
        plain = not layout.dialect.quote
        # Without quotes, the copy could not tell an empty cell from a blank line, nor a delimiter that was escaped.
        runs = runs and not (plain and (width + layout.padding == 1 or layout.dialect.escape))
        good: CleanCopy | TableSpool = TableSpool(folder, self.header)
        if runs:
            good = CleanCopy(folder, layout.dialect, width, layout.padding)
        number = 0
        with RejectFile(folder / "broken.parquet") as rejects:
            for record in self._records(self.account, runs=runs):
                if isinstance(record, Run):
                    assert isinstance(good, CleanCopy)
                    good.add_run(number + 1, record)
                    number += len(record.ends)
                    continue
                number += 1
                cells, reason = record.cells, record.reason
                if broken := reason == "bad_encoding":
                    cells, reason = [replaced(text) for text in cells], ""
                if not reason and len(cells) != width:
                    reason = "too_few_cells" if len(cells) < width else "too_many_cells"
                if reason:
                    rejects.add(self._reject(number, record, reason))
                else:
                    good.add_cells(number, cells, len(record.raw))
                    self.account.repairs.update({"replaced_bytes": 1} if broken else {})
        good.close()
        self._repaired, self._rejects = good, rejects

    def _reject(self, number: int, record: Record, reason: str) -> Reject:
        message = MESSAGES[reason].format(
            found=len(record.cells), expected=len(self.header), encoding=self._encoding
        )
        return Reject(number, reason, message, line=record.line, raw=readable(record.raw))

    def _records(self, account: Account | None = None, *, runs: bool) -> Iterator[Record | Run]:
        """All records after the header, tidy ones in ``runs``; what else stands there is noted in ``account``."""
        layout = self._layout
        if account:
            self._note_lead()
        scanner = None
        if runs and not layout.last:
            # A line that begins so may be a comment, the header again, or a footer.
            marks = (
                layout.comment[:1] + (layout.again or "")[:1] + "".join({text[:1] for text in layout.closing})
            )
            scanner = Scanner(layout.dialect, len(self.header), layout.padding, marks)
        with self._path.open("rb") as file:
            lines, account = ByteLines(file), account or Account()
            found = parts(lines, layout.dialect, scanner, len(layout.lead))
            if layout.dialect.quote:
                found = with_quotes_mended(found, layout.dialect, len(self.header) + layout.padding, account)
            yield from table_records(found, layout, account)
            if lines.tail:
                account.lines["blank"] += lines.tail

    def broken(self, connection: duckdb.DuckDBPyConnection) -> Iterable[Reject]:
        if not self._repaired and not self._counted:
            self._counted = True
            if may_hold_blank_lines(self._path):
                deque(self._records(self.account, runs=True), maxlen=0)
        return self._rejects or ()

    def find(self, record_numbers: Iterable[int]) -> Iterator[tuple[int, int, str]]:
        found = self._find(record_numbers)
        return original(self._drawn, found) if self._drawn else found

    def _find(self, record_numbers: Iterable[int]) -> Iterator[tuple[int, int, str]]:
        wanted = iter(record_numbers)
        if (number := next(wanted, None)) is None:
            return
        count = 0
        for record in self._records(runs=True):
            before, size = count, len(record.ends) if isinstance(record, Run) else 1
            count += size
            while number <= count:
                place = number - before - 1
                line, raw = record.record(place) if isinstance(record, Run) else (record.line, record.raw)
                yield number, line, readable(raw)
                if (number := next(wanted, None)) is None:
                    return

    def close(self) -> None:
        self._work.close()
