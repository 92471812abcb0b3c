"""Excel and OpenDocument sheets: the sheet that holds a table, each value as the text a person would write.

Merged cells have their value in the first cell only. Hidden rows, columns and sheets count. Formulas give the value
that was stored with them; nothing is computed, macros and links to other files are never followed.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sluice.errors import ReadError, SetupError
from sluice.readers.account import Account
from sluice.readers.base import Reject, cell
from sluice.readers.sheets.layout import Layout, is_table, lay_out
from sluice.readers.sheets.process import take_out
from sluice.readers.sheets.refusals import check
from sluice.readers.spool import WorkFolder, quote_text
from sluice.readers.text.dialect import boolean
from sluice.readers.text.records import readable

_METADATA = 10  # rows of names and values that may stand above a table
_NAMED = 10  # tables that are left out and named


class ExcelTable:
    """One sheet, taken out into Parquet when opened. Implements ``RawTable``."""

    format = "excel"

    def __init__(self, path: Path, options: dict[str, str], work: WorkFolder) -> None:
        self.path = path
        self._work = work
        self.account = Account()
        check(path)
        told = take_out(path, options.get("sheet", ""), work.path)
        self._sheet = _choose(told, path, options.get("sheet", ""), self.account)
        self._asked = boolean("header", options["header"]) if "header" in options else None
        self.record_size: int = self._sheet["size"]
        self.details: dict[str, Any] = {"sheet": self._sheet["name"]}
        self._lay_out(lay_out(self._sheet, self._asked))
        self._warn()

    def expect(self, known: Callable[[str], bool]) -> None:
        """A first row that was taken for a record is the header if most of its cells are ``known`` names."""
        if self._layout.headers or self._asked is not None:
            return
        layout = lay_out(self._sheet, True)
        if sum(map(known, layout.names)) * 2 > len(layout.names):
            self._lay_out(layout)

    def _lay_out(self, layout: Layout) -> None:
        self._layout, self.header = layout, layout.names
        before = self._sheet["before"]
        self._skipped, self._ends = before + len(layout.titles) + len(layout.headers), before + layout.ends
        account = self.account
        account.lines.clear()
        account.skipped.clear()
        account.warnings += layout.warnings
        for kind, rows in (
            ("preamble", layout.titles),
            ("header", layout.headers),
            ("footer", layout.footers),
        ):
            for line, cells in rows:
                account.skip(kind, line, " ".join(text for text in cells if text))  # type: ignore[arg-type]
        for other in self._sheet["others"]:
            kind = "preamble" if _is_metadata(other, before) else "table"
            for line, text in other["told"]:
                account.skip(kind, line, text)  # type: ignore[arg-type]
            account.lines[kind] += other["rows"] - len(other["told"])
        account.skipped.sort()
        if blank := self._sheet["last"] - self._sheet["held"]:
            account.lines["blank"] += blank

    def _warn(self) -> None:
        sheet, account = self._sheet, self.account
        others = [other for other in sheet["others"] if not _is_metadata(other, sheet["before"])]
        if others:
            named = "; ".join(
                f"rows {o['first']} to {o['last']} ({', '.join(o['names'])[:60]})" for o in others[:_NAMED]
            )
            account.warnings.append(
                f"The sheet holds {len(others) + 1} tables; the largest was read. Left out: {named}."
            )
        if sheet["errors"]:
            found = ", ".join(f"{text} ({count:,})" for text, count in sheet["errors"].items())
            account.warnings.append(f"Cells hold errors of formulas, which stay as text: {found}.")
        if sheet["formulas"]:
            account.warnings.append(
                f"Formulas without a stored value are empty cells: {sheet['formulas']:,}. Open and save the file in "
                "a spreadsheet program to have them computed."
            )
        if sheet["unplaced"]:
            account.warnings.append(
                "Cells with errors of formulas may be empty and whole numbers of more than 15 digits rounded."
            )

    def _from(self) -> str:
        return f"read_parquet({quote_text(self._sheet['file'])})"

    def _beyond(self) -> list[str]:
        """Columns that no header names."""
        layout, filled = self._layout, self._sheet["filled"]
        end = layout.first + len(layout.names)
        return [cell(i) for i, count in enumerate(filled) if count and not layout.first <= i < end]

    def _records(self) -> str:
        return f"_row > {self._skipped} AND _row <= {self._ends}"

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        first = self._layout.first
        names = ", ".join(f"{cell(first + i)} AS {cell(i)}" for i in range(len(self.header)))
        fits = " AND ".join([self._records(), *(f"{name} = ''" for name in self._beyond())])
        return f"(SELECT {names}, _row - {self._skipped} AS _record_no FROM {self._from()} WHERE {fits})"  # noqa: S608

    def repair(self, error: Exception) -> bool:
        return False

    def broken(self, connection: duckdb.DuckDBPyConnection) -> Iterable[Reject]:
        beyond = self._beyond()
        if not beyond:
            return
        for batch in self._batches():
            filled = [pc.not_equal(batch[name], "") for name in beyond]
            bad = filled[0]
            for more in filled[1:]:
                bad = pc.or_(bad, more)
            for number, line, cells in self._rows(batch.filter(bad)):
                width = max(i for i, text in enumerate(cells, 1) if text)
                message = f"The record has {width} cells, the header {len(self.header)}."
                yield Reject(number, "too_many_cells", message, line=line, raw=_raw(cells))

    def _batches(self) -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(self._sheet["file"]) as file:
            for batch in file.iter_batches(1000):
                row = batch["_row"]
                yield batch.filter(pc.and_(pc.greater(row, self._skipped), pc.less_equal(row, self._ends)))

    def _rows(self, batch: pa.RecordBatch) -> Iterator[tuple[int, int, list[str]]]:
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield (
                values[-2] - self._skipped,
                values[-1],
                list(values[0 if any(values[: self._layout.first]) else self._layout.first : -2]),
            )

    def find(self, record_numbers: Iterable[int]) -> Iterator[tuple[int, int, str]]:
        wanted = pa.array(sorted(record_numbers), pa.int64())
        for batch in self._batches():
            chosen = pc.is_in(pc.subtract(batch["_row"], self._skipped), value_set=wanted)
            for number, line, cells in self._rows(batch.filter(chosen)):
                yield number, line, _raw(cells)

    def close(self) -> None:
        self._work.close()


def _is_metadata(other: dict[str, Any], before: int) -> bool:
    """Whether a few rows above the table are names and values, no table."""
    few = other["width"] <= 2 and other["rows"] <= _METADATA
    return bool(few and other["before"] < before and not other["values"])


def _raw(cells: Sequence[str]) -> str:
    return readable(json.dumps(cells, ensure_ascii=False))


def _choose(told: dict[str, Any], path: Path, wanted: str, account: Account) -> dict[str, Any]:
    """The wanted sheet, else the one with the largest table, else the first that holds anything."""
    if "unknown" in told:
        raise SetupError(
            f"{path} has no sheet '{told['unknown']}'.",
            hint=f"Its sheets: {', '.join(told['names'])}.",
            file=path,
        )
    held = [sheet for sheet in told["sheets"] if sheet["rows"]]
    if not held:
        if wanted:
            raise ReadError(f"The sheet '{wanted}' of {path} is empty.", hint="Name another one: sheet=NAME.")
        raise ReadError(f"{path} is empty: no sheet holds a table.", hint="Nothing was loaded.", file=path)
    chosen: dict[str, Any] = max(filter(is_table, held), key=_cells, default=held[0])
    others = [s["name"] for s in held if s is not chosen and (is_table(s) or not is_table(chosen))]
    others += told["unseen"]
    if others:
        account.warnings.append(
            f"The sheet '{chosen['name']}' is read; others that hold data: {', '.join(others)} (sheet=NAME reads one)."
        )
    return chosen


def _cells(sheet: dict[str, Any]) -> int:
    """Filled cells."""
    return sum(sheet["filled"])
