"""Which records of a delimited file belong to its table: comments, footers and blank lines are told apart."""

import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from sluice.readers.account import Account
from sluice.readers.blocks import Run
from sluice.readers.dialect import kind
from sluice.readers.layout import MARKERS, RULE, Layout
from sluice.readers.records import Record

_CHUNK = 8 << 20
_HELD = 50  # records of a wrong width at the end that may be a footer
_LONG = 2_000  # characters that no line of a footer has
_LINE_END = re.compile(r"\r\n|\r|\n")
_COUNT = re.compile(r"\(?\s*[\d,.]+ (rows?|records?|lines?|entries|results?)\b.*", re.IGNORECASE)
_CLOSING = re.compile(
    r"\W*(grand |sub-?)?(totals?|sum|summe|gesamt|notes?|source|sources|quelle|end of \w+|eof|footnotes?|legend|"
    r"disclaimer|copyright|generated|exported|created|printed|average|mean)\b",
    re.IGNORECASE,
)


def table_records(found: Iterator[Record | Run], layout: Layout, account: Account) -> Iterator[Record | Run]:
    """Records of the table; what is none, or was mended, is noted in ``account``."""
    width, comment, again = len(layout.header), layout.comment, layout.again
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
        if len(cells) == width and not reason and raw != again and not (comment and raw.startswith(comment)):
            while held:
                yield held.popleft()[0]
            yield record
            continue
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
    if layout.short and count < width and _is_typed(record.cells, layout):
        account.repairs["short_record"] += 1
        return record._replace(cells=record.cells + [""] * (width - count))
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


def _is_typed(cells: list[str], layout: Layout) -> bool:
    """Whether the cells are like those of the columns they would fall in."""
    return all(
        below in ("text", "empty") or kind(cell) in (below, "empty")
        for cell, below in zip(cells, layout.kinds, strict=False)
    )


def _end(held: deque[tuple[Record, bool]], layout: Layout, account: Account) -> Iterator[Record]:
    """What stands last and has a wrong width: records, and then the footer."""
    closed = False
    for record, gap in held:
        closed = closed or _is_footer(record, layout, apart=gap)
        if not closed:
            yield record
            continue
        for number, text in enumerate(_LINE_END.split(record.raw), record.line):
            account.skip("footer", number, text)
    for one in layout.after:
        account.skip(one.kind, one.line, one.text)


def _is_footer(record: Record, layout: Layout, *, apart: bool) -> bool:
    """A line of a wrong width that differs in kind from the records; ``apart``: after a blank line."""
    text = record.raw.strip(f" \t{layout.dialect.delimiter}{layout.dialect.quote}")
    first = record.cells[0].strip() if record.cells else text
    if not text or len(layout.header) == 1:
        return False
    if RULE.fullmatch(text) or _COUNT.fullmatch(text):
        return True
    below = layout.kinds[0]
    if below not in ("text", "empty"):
        return bool(first) and kind(first) == "text"
    return bool(_CLOSING.match(first)) or text[0] in "#*%" or (apart and len(text.split()) > 1)


def blank_lines(path: Path, quote: str) -> int:
    """Blank lines outside quoted cells, in a file whose quotes are in order."""
    count, inside, before = 0, 0, b"\n"
    mark = quote.encode()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if chunk.startswith(b"\xef\xbb\xbf") and file.tell() == len(chunk):
                chunk = chunk[3:]
            text = before + chunk
            position = len(before)
            if b"\n\n" in text or b"\n\r" in text or (b"\r" in text and re.search(rb"\r[\r]", text)):
                for found in re.finditer(rb"(?<=[\r\n])(?:\r\n|(?<!\r)\n|\r)+", text):
                    if mark:
                        inside ^= text.count(mark, position, found.start()) & 1
                        position = max(found.start(), position)
                    if not inside:
                        count += len(re.findall(rb"\r\n|\r|\n", found[0]))
            if mark:
                inside ^= text.count(mark, position) & 1
            before = text[-1:]
    return count
