"""What happens to records that cannot be typed: one reject a bad cell, then merged with the broken records."""

import heapq
import json
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sluice.contracts.model import Contract
from sluice.readers.base import Numbering, RawTable, Reject
from sluice.readers.header import Mapping, unique_names
from sluice.readers.reasons import shown, untyped
from sluice.readers.spool import RejectFile
from sluice.readers.typing import ANY_UNKNOWN
from sluice.readers.values import kind


def bad_rows(batch: pa.RecordBatch, typed: pa.RecordBatch) -> pa.BooleanArray | None:
    """True for rows with cells that cannot be typed or hold a NUL character; None if there is no such row."""
    flags = batch["_bad"]
    bad = pc.is_valid(flags) if flags.null_count < batch.num_rows else None
    nul = nul_rows(typed)
    return bad if nul is None else nul if bad is None else pc.or_(bad, nul)


def nul_rows(batch: pa.RecordBatch) -> pa.BooleanArray | None:
    """True for rows with texts that hold a NUL character; None if there is no such row."""
    bad = None
    for column in batch.columns:
        if pa.types.is_string(column.type) and _holds_nul(column):
            found = pc.fill_null(pc.match_substring(column, "\0"), False)
            bad = pc.or_(bad, found) if bad is not None else found
    return bad


def nul_rejects(texts: pa.RecordBatch, header: Sequence[str], numbers: pa.Array) -> Iterator[Reject]:
    """One reject for each record that holds a NUL character, which no database takes."""
    rows = zip(numbers.to_pylist(), *(texts[i].to_pylist() for i in range(len(header))), strict=True)
    for number, *cells in rows:
        name, text = next((n, t) for n, t in zip(header, cells, strict=True) if t and "\0" in t)
        yield Reject(number, *_nul(name, text), column=name)


def record_numbers(table: RawTable, batch: pa.RecordBatch, before: int) -> pa.Array:
    """The numbers of the records of a batch of the table's relation, of which ``before`` records came before."""
    if "_record_no" in batch.schema.names:
        return batch["_record_no"]
    if isinstance(table, Numbering):
        return table.numbers(before, batch.num_rows)
    return pa.array(np.arange(before + 1, before + batch.num_rows + 1, dtype=np.int64))


def _holds_nul(column: pa.StringArray) -> bool:
    """PostgreSQL takes no NUL in text. A look at the text of all rows at once costs next to nothing."""
    _, offsets, text = column.buffers()
    if text is None or not len(column):
        return False
    bounds = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    used = np.frombuffer(text, np.uint8)[bounds[0] : bounds[-1]]
    return bool(used.size) and not used.all()


class Explainer:
    """Makes rejects from the rows that ``bad_rows`` found."""

    def __init__(self, header: Sequence[str], contract: Contract, mapping: Mapping) -> None:
        self._names = unique_names(header)
        self._columns = {position: contract.column(name) for name, position in mapping.positions.items()}
        self._unknown, self._strict = mapping.unknown, contract.drift == "reject"
        self._strings = [c.name for c in contract.columns if kind(c) == "VARCHAR"]

    def explain(self, rows: pa.RecordBatch, numbers: pa.Array) -> Iterator[Reject]:
        """One reject for each bad cell, in order of records. ``rows``: as ``typing.projection`` gives them."""
        texts = {name: rows[name].to_pylist() for name in self._strings}
        known = zip(numbers.to_pylist(), rows["_bad"].to_pylist(), rows["_cells"].to_pylist(), strict=True)
        for row, (number, bad, written) in enumerate(known):
            cells = _without_nul(written)
            values = json.loads(written) if written else {}
            for position in bad or ():
                if position is not None:
                    for name, reason, message in self._faults(position, values):
                        yield Reject(number, reason, message, column=name, cells=cells)
            for name, column in texts.items():
                if column[row] is not None and "\0" in column[row]:
                    reason, message = _nul(name, column[row])
                    yield Reject(number, reason, message, column=name, cells=cells)

    def _faults(self, position: int, values: dict[str, str | None]) -> Iterator[tuple[str, str, str]]:
        """Column, reason and message of a bad cell, or of all unknown cells that may not stand."""
        if position != ANY_UNKNOWN:
            column = self._columns[position]
            yield column.name, *untyped(column, values[self._names[position]] or "")
            return
        for name in (self._names[i] for i in self._unknown):
            text = values[name] or ""
            if "\0" in text:
                yield name, *_nul(name, text)
            elif text and self._strict:
                yield name, "unknown_column", f"{name}: the contract does not know this column."


def _nul(name: str, text: str) -> tuple[str, str]:
    return "nul_character", f"{name}: {shown(text)} holds a NUL character."


def _without_nul(cells: str | None) -> str | None:
    """PostgreSQL's JSON takes no NUL either."""
    if not cells or "\\u0000" not in cells:
        return cells
    values = {name: text and text.replace("\0", "\ufffd") for name, text in json.loads(cells).items()}
    return json.dumps(values, ensure_ascii=False)


def merged(table: RawTable, broken: Iterable[Reject], untyped: RejectFile) -> Iterator[Reject]:
    """Both by record number, with line and raw text."""
    located = table.find(_distinct(untyped)) if untyped.rows else iter(())
    return heapq.merge(broken, _placed(untyped, located), key=lambda r: r.record_no)


def _distinct(rejects: RejectFile) -> Iterator[int]:
    last = 0
    for reject in rejects:
        if reject.record_no != last:
            last = reject.record_no
            yield last


def _placed(rejects: RejectFile, located: Iterator[tuple[int, int, str]]) -> Iterator[Reject]:
    number, line, raw = 0, 0, ""
    for r in rejects:
        if number < r.record_no:
            number, line, raw = next(located)
        yield Reject(r.record_no, r.reason, r.message, line, r.column, raw, r.cells)
