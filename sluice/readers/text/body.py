"""Which records of a delimited file belong to its table: comments, footers and blank lines are told apart."""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from sluice.readers.account import Account
from sluice.readers.text.blocks import Run
from sluice.readers.text.closing import is_bare, is_footer
from sluice.readers.text.comments import is_comment
from sluice.readers.text.layout import Layout
from sluice.readers.text.mending import mend
from sluice.readers.text.records import Record
from sluice.readers.text.tables import LINE_END

_HELD = 50  # records of a wrong width at the end that may be a footer
_LONG = 2_000  # characters that no line of a footer has


class _Held(NamedTuple):
    """A record that may belong to the footer; ``gap``: a blank line stands before it; so many ``times`` in a row."""

    record: Record
    gap: bool
    times: int = 1


def table_records(found: Iterator[Record | Run], layout: Layout, account: Account) -> Iterator[Record | Run]:
    """Records of the table; what is none, or was mended, is noted in ``account``."""
    body, width = _Body(layout, account), len(layout.header)
    for record in found:
        if layout.last and record.line > layout.last:
            break
        gap = body.gap_before(record)
        if not isinstance(record, Run) and len(record.cells) > width:
            record = _without_padding(record, layout)
        if isinstance(record, Run) or body.is_plain(record):
            if body.held:
                yield from body.released()
            yield record
        else:
            yield from body.untidy(record, gap=gap)
    yield from body.end()
    for one in layout.after:
        account.skip(one.kind, one.line, one.text)


def _without_padding(record: Record, layout: Layout) -> Record:
    """Empty cells that all records have beyond the header are none of the table's, as DuckDB is told too."""
    width = len(layout.header)
    if len(record.cells) <= width + layout.padding and not any(record.cells[width:]):
        return record._replace(cells=record.cells[:width])
    return record


class _Body:
    """What was seen so far, and what may be the footer: ``held`` until it is clear."""

    def __init__(self, layout: Layout, account: Account) -> None:
        self._layout, self._account = layout, account
        self._width = len(layout.header)
        self._line, self._raw = len(layout.lead), ""
        self.held: deque[_Held] = deque()

    def gap_before(self, record: Record | Run) -> bool:
        """Whether blank lines stand above it; they are counted."""
        line, gap = record.line, False
        if line != self._line + 1:
            self._line += len(LINE_END.findall(self._raw))
            gap = line > self._line + 1
            if gap:
                self._account.lines["blank"] += line - self._line - 1
        if isinstance(record, Run):
            self._line, self._raw = line + record.lines - 1, ""
        else:
            self._line, self._raw = line, record.raw
        return gap

    def is_plain(self, record: Record) -> bool:
        """Whether it is clearly a record of the table."""
        layout, raw = self._layout, record.raw
        if record.reason or len(record.cells) != self._width or raw == layout.again:
            return False
        return raw not in layout.closing and not (layout.comment and raw.startswith(layout.comment))

    def untidy(self, record: Record, *, gap: bool) -> Iterator[Record]:
        """What is known to be records by now."""
        if record.raw == self._layout.again:
            yield from self.end()
        if self._is_bare(record):
            self._hold(record, gap=gap)
            return
        mended = self._understood(record)
        if mended is None:
            return
        if mended is not record or record.reason not in ("", "bad_quote") or len(record.raw) > _LONG:
            yield from self.released()
            yield mended
            return
        self._hold(record, gap=gap)
        if len(self.held) > _HELD:
            yield from self._released(self.held.popleft())

    def released(self) -> Iterator[Record]:
        """All that was held, as the records that they are."""
        while self.held:
            yield from self._released(self.held.popleft())

    def _released(self, one: _Held) -> Iterator[Record]:
        bare = self._is_bare(one.record)
        for place in range(one.times):
            record = one.record._replace(line=one.record.line + place) if place else one.record
            yield (self._mended(record) if bare else record)

    def _is_bare(self, record: Record) -> bool:
        return self._width > 1 and is_bare(record.raw, self._layout.dialect.delimiter)

    def _hold(self, record: Record, *, gap: bool) -> None:
        """Add a record; of one that stands many times in a row only the first is kept."""
        last = self.held[-1] if self.held else None
        if last and not gap and last.record.raw == record.raw and not LINE_END.search(record.raw):
            self.held[-1] = last._replace(times=last.times + 1)
        else:
            self.held.append(_Held(record, gap))

    def _understood(self, record: Record) -> Record | None:
        """The record, mended where one reading is clearly right; None if it is noted as something else."""
        raw, layout = record.raw, self._layout
        if self._width > 1 and raw.isspace() and layout.dialect.delimiter not in raw:
            self._account.skip("blank", record.line)
            return None
        if raw == layout.again:
            self._account.skip("header", record.line)
            return None
        if is_comment(record, layout.comment, layout.kinds, layout.dialect.delimiter):
            for number, text in enumerate(LINE_END.split(raw), record.line):
                self._account.skip("comment", number, text)
            return None
        return self._mended(record)

    def _mended(self, record: Record) -> Record:
        """The same record if it is as wide as the table, or no reading of it is clearly right."""
        if record.reason or len(record.cells) == self._width:
            return record
        cells, repair = mend(record, self._layout)
        if repair:
            self._account.repairs[repair] += 1
            return record._replace(cells=cells)
        return record

    def end(self) -> Iterator[Record]:
        """What stands last and has a wrong width or no cells: records, and then the footer and lines of delimiters."""
        for _ in range(self._footer()):
            yield from self._released(self.held.popleft())
        for record, _, times in self.held:
            empty = self._is_bare(record) or not (record.reason or any(c.strip() for c in record.cells))
            texts = LINE_END.split(record.raw) * times
            for number, text in enumerate(texts, record.line):
                self._account.skip("blank" if empty else "footer", number, text)
        self.held.clear()

    def _footer(self) -> int:
        """Where the footer begins in what is held, with the lines of delimiters above it. Without a footer, such lines
        are records if they are as wide as the table.
        """
        first = next((i for i, one in enumerate(self.held) if self._closes(one)), len(self.held))
        noted = first < len(self.held)
        while first and self._is_bare(above := self.held[first - 1].record):
            if not noted and len(above.cells) == self._width:
                break
            first -= 1
        return first

    def _closes(self, one: _Held) -> bool:
        layout, record = self._layout, one.record
        around = f" \t{layout.dialect.delimiter}{layout.dialect.quote}"
        return not self._is_bare(record) and (
            record.raw in layout.closing or is_footer(record, around, layout.kinds, apart=one.gap)
        )
