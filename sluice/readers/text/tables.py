"""Several tables in one small file: the largest is read, the others are named."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from sluice.readers.text.kinds import column_kinds, is_header, kind, typed_columns
from sluice.readers.text.records import Record

LINE_END = re.compile(r"\r\n|\r|\n")
_METADATA = 30  # lines of names and values that may stand above a table
_LAST = 12  # records of a big file that show how it ends
_RUN = 3  # records of one width that can be a table of their own without a blank line before


class Region(NamedTuple):
    """The records around and in the table; ``last``: its last line (0: the file's); ``others``: lines of other
    tables, with their titles; ``width``: its usual one (0: not known).
    """

    records: Sequence[Record]
    last: int = 0
    others: tuple[range, ...] = ()
    warnings: tuple[str, ...] = ()
    width: int = 0

    def is_other(self, line: int) -> bool:
        """Whether the line belongs to another table."""
        return any(line in lines for lines in self.others)


class _Block(NamedTuple):
    records: Sequence[Record]
    width: int  # 0: text

    @property
    def lines(self) -> range:
        return range(self.records[0].line, end_line(self.records[-1]) + 1)


def end_line(record: Record) -> int:
    """The record's last line."""
    raw = record.raw
    return record.line + (len(LINE_END.findall(raw)) if "\n" in raw or "\r" in raw else 0)


def find_region(found: Sequence[Record]) -> Region:
    """The part of a whole file that holds its largest table."""
    blocks = _without_notes(_merge([part for block in _apart(found) for part in _split(block)]))
    tables = [b for b in blocks if b.width]
    if len(tables) < 2:
        return Region(found, width=tables[0].width if tables else 0)
    best = max(tables, key=lambda b: len(b.records) * b.width)
    place = blocks.index(best)
    before = max((i for i, b in enumerate(blocks[:place]) if b.width), default=-1)
    after = next((i for i, b in enumerate(blocks) if i > place and b.width), len(blocks))
    if after < len(blocks) and after - place > 1:
        after = place + 1  # the text between is the next one's title
    records = [r for b in blocks[before + 1 : after] for r in b.records]
    others = [b.lines for b in (*blocks[: before + 1], *blocks[after:])]
    named = "; ".join(
        f"lines {b.lines[0]} to {b.lines[-1]} ({', '.join(b.records[0].cells)[:60]})"
        for b in tables
        if b is not best
    )
    warning = f"The file holds {len(tables)} tables; the largest was read. Left out: {named}."
    return Region(
        records, end_line(records[-1]) if after < len(blocks) else 0, tuple(others), (warning,), best.width
    )


def _without_notes(blocks: list[_Block]) -> list[_Block]:
    """Names and values above a wider table are its metadata, no table."""
    first = next((i for i, b in enumerate(blocks) if b.width > 2), 0)
    for i, block in enumerate(blocks[:first]):
        rows = [r.cells for r in block.records if len(r.cells) > 1]
        keys = [row[0].strip() for row in rows]
        near = i + 1 == first and block.lines.stop == blocks[first].lines[0]
        kinds = {kind(row[1]) for row in rows[1:]}
        named = all(kind(key) == "text" for key in keys) and len(set(keys)) == len(keys) <= _METADATA
        if block.width and named and (near or len(kinds) > 1 or keys[0].endswith(":")):
            blocks[i] = block._replace(width=0)
    return blocks


def _apart(found: Sequence[Record]) -> list[list[Record]]:
    """Records between blank lines."""
    blocks: list[list[Record]] = []
    end = -1
    for record in found:
        if not blocks or record.line > end + 1:
            blocks.append([])
        blocks[-1].append(record)
        end = end_line(record)
    return blocks


def _split(block: list[Record]) -> list[_Block]:
    """Parts of different widths, where a header begins the later one."""
    starts = [0]
    widths = [0 if r.reason else len(r.cells) for r in block]
    for i in range(2, len(block) - _RUN + 1):
        width = widths[i]
        begins = width > 1 and widths[i - 1] != width and set(widths[i : i + _RUN]) == {width}
        if begins and Counter(widths[starts[-1] : i]).most_common(1)[0][0] == width:
            continue  # the table goes on behind records of another width
        if begins and widths[i - 1] == widths[i - 2] > 1 and _headed(block[i:], width):
            starts.append(i)
    parts = [block[a:b] for a, b in zip(starts, [*starts[1:], len(block)], strict=True)]
    return [_Block(part, _width(part)) for part in parts]


def _width(part: Sequence[Record]) -> int:
    """The width of nearly all its records, empty ones left out; 0 if it is no table."""
    filled = [r for r in part if r.reason or any(r.cells)]
    widths = Counter(len(r.cells) for r in filled if not r.reason)
    width, count = max(widths.items(), key=lambda item: (item[0] > 1, item[1]), default=(0, 0))
    return width if width > 1 and count > 1 and count >= 0.6 * len(filled) else 0


def _headed(part: Sequence[Record], width: int) -> bool:
    rows = [r.cells for r in part if not r.reason and len(r.cells) == width]
    return len(rows) > 1 and is_header(rows[0], column_kinds(rows[1:60], width))


def _merge(blocks: list[_Block]) -> list[_Block]:
    """A table that only goes on after a blank line is one: same width, no header of its own."""
    merged: list[_Block] = []
    for block in blocks:
        last = next((i for i in range(len(merged) - 1, -1, -1) if merged[i].width), None)
        goes_on = last is not None and (
            (block.width == merged[last].width and not _headed(block.records, block.width))
            or (block.width and block.records[0].raw == merged[last].records[0].raw)
            or (not block.width and _fits(block.records, merged[last].width))
        )
        if goes_on and last is not None:
            records = [r for b in merged[last:] for r in b.records] + list(block.records)
            merged[last:] = [_Block(records, merged[last].width)]
        else:
            merged.append(block)
    return merged


def other_below(tail: Sequence[Record], width: int, kinds: Sequence[str]) -> tuple[str, ...]:
    """What to say where the last records of a big file are unlike the table that it begins with."""
    rows = [r.cells for r in tail[-_LAST:] if not r.reason and len(r.cells) > 1 and any(r.cells)]
    typed = typed_columns(kinds)
    if len(rows) < _RUN or sum(_is_strange(row, width, typed, kinds) for row in rows) * 2 < len(rows):
        return ()
    return (
        "The end of the file is unlike its begin: another table may follow the first one. Split the file to read both.",
    )


def _is_strange(row: Sequence[str], width: int, typed: Sequence[int], kinds: Sequence[str]) -> bool:
    """Another width, or half of the typed columns hold something else."""
    if len(row) != width:
        return True
    others = sum(kind(row[i]) not in (kinds[i], "empty") for i in typed)
    return bool(others) and others * 2 >= len(typed)


def _fits(records: Sequence[Record], width: int) -> bool:
    return any(len(r.cells) == width for r in records)
