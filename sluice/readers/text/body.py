"""Which records of a delimited file belong to its table: comments, footers and blank lines are told apart."""

import re
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

_HELD = 50  # records of a wrong width at the end that may be a footer
_LONG = 2_000  # characters that no line of a footer has
_LINE_END = re.compile(r"\r\n|\r|\n")


class _Held(NamedTuple):
    """A record that may belong to the footer; ``gap``: a blank line stands before it; so many ``times`` in a row."""

    record: Record
    gap: bool
    times: int = 1


def table_records(found: Iterator[Record | Run], layout: Layout, account: Account) -> Iterator[Record | Run]:
    """Records of the table; what is none, or was mended, is noted in ``account``."""
    width, comment, again, closing = len(layout.header), layout.comment, layout.again, layout.closing
    held: deque[_Held] = deque()
    last_line, last_raw = len(layout.lead), ""
    for record in found:
        line, gap = record.line, False
        if layout.last and line > layout.last:
            break
        if line != last_line + 1:
            last_line += len(_LINE_END.findall(last_raw))
            gap = line > last_line + 1
            if gap:
                account.lines["blank"] += line - last_line - 1
        if isinstance(record, Run):
            last_line, last_raw = line + record.lines - 1, ""
            while held:
                yield from _released(held.popleft(), layout, account)
            yield record
            continue
        _, raw, cells, reason = record
        last_line, last_raw = line, raw
        plain = len(cells) == width and not reason and raw != again and not (closing and raw in closing)
        if plain and not (comment and raw.startswith(comment)):
            while held:
                yield from _released(held.popleft(), layout, account)
            yield record
            continue
        if raw == again:
            yield from _end(held, layout, account)
        if _is_bare(record, layout):
            _hold(held, record, gap=gap)
            continue
        mended = _untidy(record, layout, account)
        if mended is None:
            continue
        if mended is not record or reason not in ("", "bad_quote") or len(raw) > _LONG:
            while held:
                yield from _released(held.popleft(), layout, account)
            yield mended
            continue
        _hold(held, record, gap=gap)
        if len(held) > _HELD:
            yield from _released(held.popleft(), layout, account)
    yield from _end(held, layout, account)
    for one in layout.after:
        account.skip(one.kind, one.line, one.text)


def _is_bare(record: Record, layout: Layout) -> bool:
    return len(layout.header) > 1 and is_bare(record.raw, layout.dialect.delimiter)


def _fits(record: Record, layout: Layout) -> bool:
    return len(layout.header) <= len(record.cells) <= len(layout.header) + layout.padding


def _hold(held: deque[_Held], record: Record, *, gap: bool) -> None:
    """Add a record; of one that stands many times in a row only the first is kept."""
    last = held[-1] if held else None
    if last and not gap and last.record.raw == record.raw and not _LINE_END.search(record.raw):
        held[-1] = last._replace(times=last.times + 1)
    else:
        held.append(_Held(record, gap))


def _released(one: _Held, layout: Layout, account: Account) -> Iterator[Record]:
    """What was held, as the records that they are."""
    for place in range(one.times):
        record = one.record._replace(line=one.record.line + place)
        yield (_mended(record, layout, account) if _is_bare(record, layout) else record)


def _untidy(record: Record, layout: Layout, account: Account) -> Record | None:
    """The record, mended where one reading is clearly right; None if it is noted as something else."""
    raw, width = record.raw, len(layout.header)
    if width > 1 and raw.isspace() and layout.dialect.delimiter not in raw:
        account.skip("blank", record.line)
        return None
    if raw == layout.again:
        account.skip("header", record.line)
        return None
    if is_comment(record, layout.comment, layout.kinds):
        for number, text in enumerate(_LINE_END.split(raw), record.line):
            account.skip("comment", number, text)
        return None
    return _mended(record, layout, account)


def _mended(record: Record, layout: Layout, account: Account) -> Record:
    """The same record if it is as wide as the table, or no reading of it is clearly right."""
    count, width = len(record.cells), len(layout.header)
    if record.reason or count == width:
        return record
    if width < count <= width + layout.padding and not any(record.cells[width:]):
        return record._replace(cells=record.cells[:width])
    cells, repair = mend(record, layout)
    if repair:
        account.repairs[repair] += 1
        return record._replace(cells=cells)
    return record


def _end(held: deque[_Held], layout: Layout, account: Account) -> Iterator[Record]:
    """What stands last and has a wrong width or no cells: records, and then the footer and lines of delimiters."""
    around = f" \t{layout.dialect.delimiter}{layout.dialect.quote}"
    first = next(
        (
            i
            for i, (r, gap, _) in enumerate(held)
            if not _is_bare(r, layout)
            and (r.raw in layout.closing or is_footer(r, around, layout.kinds, apart=gap))
        ),
        len(held),
    )
    noted = first < len(held)
    while (
        first
        and _is_bare(held[first - 1].record, layout)
        and (noted or not _fits(held[first - 1].record, layout))
    ):
        first -= 1
    for _ in range(first):
        yield from _released(held.popleft(), layout, account)
    for record, _, times in held:
        empty = _is_bare(record, layout) or not (record.reason or any(c.strip() for c in record.cells))
        texts = _LINE_END.split(record.raw) * times
        for number, text in enumerate(texts, record.line):
            account.skip("blank" if empty else "footer", number, text)
    held.clear()
