"""Which records of a delimited file belong to its table: comments, footers and blank lines are told apart."""

import re
from collections import deque
from collections.abc import Iterator

from sluice.readers.account import Account
from sluice.readers.blocks import Run
from sluice.readers.closing import is_footer
from sluice.readers.dialect import kind
from sluice.readers.layout import MARKERS, Layout
from sluice.readers.mending import mend
from sluice.readers.records import Record

_HELD = 50  # records of a wrong width at the end that may be a footer
_LONG = 2_000  # characters that no line of a footer has
_LINE_END = re.compile(r"\r\n|\r|\n")


def table_records(found: Iterator[Record | Run], layout: Layout, account: Account) -> Iterator[Record | Run]:
    """Records of the table; what is none, or was mended, is noted in ``account``."""
    width, comment, again, closing = len(layout.header), layout.comment, layout.again, layout.closing
    held: deque[tuple[Record, bool]] = deque()
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
                yield held.popleft()[0]
            yield record
            continue
        _, raw, cells, reason = record
        last_line, last_raw = line, raw
        plain = len(cells) == width and not reason and raw != again and not (closing and raw in closing)
        if plain and not (comment and raw.startswith(comment)):
            while held:
                yield held.popleft()[0]
            yield record
            continue
        if raw == again:
            yield from _end(held, layout, account)
            held.clear()
        mended = _untidy(record, layout, account)
        if mended is None:
            continue
        if mended is not record or reason not in ("", "bad_quote") or len(raw) > _LONG:
            while held:
                yield held.popleft()[0]
            yield mended
            continue
        held.append((record, gap))
        if len(held) > _HELD:
            yield held.popleft()[0]
    yield from _end(held, layout, account)
    for one in layout.after:
        account.skip(one.kind, one.line, one.text)


def _untidy(record: Record, layout: Layout, account: Account) -> Record | None:
    """The record, mended where one reading is clearly right; None if it is noted as something else."""
    raw, width = record.raw, len(layout.header)
    if width > 1 and raw.isspace() and layout.dialect.delimiter not in raw:
        account.skip("blank", record.line)
        return None
    if raw == layout.again:
        account.skip("header", record.line)
        return None
    if _is_comment(record, layout):
        for number, text in enumerate(_LINE_END.split(raw), record.line):
            account.skip("comment", number, text)
        return None
    count = len(record.cells)
    if record.reason or count == width:
        return record
    if width < count <= width + layout.padding and not any(record.cells[width:]):
        return record._replace(cells=record.cells[:width])
    cells, repair = mend(record, layout)
    if repair:
        account.repairs[repair] += 1
        return record._replace(cells=cells)
    return record


def _is_comment(record: Record, layout: Layout) -> bool:
    """A line that begins like a comment and is no record of the table."""
    raw, width = record.raw, len(layout.header)
    marker = layout.comment or next((m for m in MARKERS if raw.startswith(m)), "")
    if not marker or not raw.startswith(marker) or width == 1:
        return False
    spaced = raw[len(marker) : len(marker) + 1] in ("", " ", "\t")
    foreign = (
        layout.kinds[0] not in ("text", "empty")
        and kind(record.cells[0] if record.cells else raw) != layout.kinds[0]
    )
    if not record.reason and len(record.cells) == width:
        return bool(layout.comment) and (spaced or foreign)
    return bool(layout.comment) or (marker in ("#", "//", "--") and (spaced or foreign))


def _end(held: deque[tuple[Record, bool]], layout: Layout, account: Account) -> Iterator[Record]:
    """What stands last and has a wrong width: records, and then the footer."""
    around = f" \t{layout.dialect.delimiter}{layout.dialect.quote}"
    closed = False
    for record, gap in held:
        closed = closed or record.raw in layout.closing or is_footer(record, around, layout.kinds, apart=gap)
        if not closed:
            yield record
            continue
        empty = not any(cell.strip() for cell in record.cells) and not record.reason
        for number, text in enumerate(_LINE_END.split(record.raw), record.line):
            account.skip("blank" if empty else "footer", number, text)
