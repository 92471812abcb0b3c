"""Where the table of a delimited file stands: header, first record, and what is written around it."""

import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sluice.errors import ReadError
from sluice.readers.account import Kind, Skipped
from sluice.readers.closing import RULE, closing_rows, may_close
from sluice.readers.dialect import (
    SAMPLE_RECORDS,
    SEPARATOR,
    Sample,
    boolean,
    column_kinds,
    find_dialect,
    kind,
)
from sluice.readers.encodings import replaced
from sluice.readers.heading import find_heading
from sluice.readers.records import RECORD_LIMIT, Dialect, Record, records
from sluice.readers.tables import Region, end_line, find_region, other_below

_SAMPLE = 1 << 18
_OTHER_SAMPLE = 1 << 15
_LINE_END = re.compile(r"\r\n|\r|\n")
MARKERS = ("#", "//", "--", ";", "%")
_HABIT = 3  # short records that make a habit


@dataclass(frozen=True, slots=True)
class Layout:
    """``skip``: records before the first data record, blank lines included. ``padding``: empty cells that follow
    the header's last cell in the records. ``record_size``: characters of a usual record.

    ``lead``: each line before the first data record. ``comment``: what comment lines begin with. ``short``: empty
    cells at a record's end are left out. ``last``: the table's last line if others follow, which ``after`` names.
    ``again``: the header's text, where it stands between records too. ``closing``: texts of a footer's lines that have
    as many cells as the table.
    ``exact``: not for DuckDB.
    """

    dialect: Dialect
    header: tuple[str, ...]
    has_header: bool
    skip: int
    padding: int
    line_end: str
    record_size: int
    kinds: tuple[str, ...] = ()
    lead: tuple[Skipped, ...] = ()
    comment: str = ""
    short: bool = False
    last: int = 0
    after: tuple[Skipped, ...] = ()
    again: str | None = None
    closing: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    exact: bool = False

    def as_dict(self) -> dict[str, Any]:
        """What was found, for people."""
        return {
            "delimiter": self.dialect.delimiter if len(self.header) > 1 else "",
            "quote": self.dialect.quote,
            "escape": self.dialect.escape,
            "header": self.has_header,
        }


def find_layout(path: Path, options: dict[str, str]) -> Layout:
    """The layout of a UTF-8 file; ``options`` that are given are believed. Raises ReadError if it has no record."""
    sample = _sample(path)
    text = sample.head
    if not text.strip("\r\n"):
        what = "holds only blank lines" if text else "is empty: it has no header"
        raise ReadError(f"{path} {what}.", hint="Nothing was loaded; check where it was made.", file=path)
    dialect = find_dialect(sample, options)
    raw = sample.records(dialect, SAMPLE_RECORDS if not sample.whole else 1 << 20)
    found = [r for r in raw if r.raw.strip() or dialect.delimiter in r.raw]
    later = sample.later(dialect)
    comment = _comment([*found, *later], dialect)
    notes = [r for r in found if comment and r.raw.startswith(comment)]
    plain = [r for r in found if r not in notes] if notes else found
    plain = plain[bool(SEPARATOR.match(text)) and len(plain) > 1 :] or raw
    region = find_region(plain) if sample.whole else Region(plain)
    plain = list(region.records)
    width = _named_width([*plain, *later], region.width)
    wanted = boolean("header", options["header"]) if "header" in options else None
    plain, mended = _readable(plain, width, dialect)
    heading = find_heading(plain, width, wanted)
    top = plain[heading.first : heading.first + heading.rows]
    if bad := next((r for r in top if r.reason), None):
        raise ReadError(
            f"The header of {path} cannot be read: {bad.reason.replace('_', ' ')}.",
            hint="Check the first line, or give the delimiter and quote as source options.",
            file=path,
            line=bad.line,
        )
    body = plain[heading.first + heading.rows :]
    header, padding = heading.names, 0
    if top:
        named, padding = _padding(header, body)
        del header[named:]
    else:
        header = [f"column_{i}" for i in range(1, max(width, 1) + 1)]
    titles = {r.raw for r in top}
    good = [r for r in (*body, *later) if not r.reason and r.raw not in titles]
    rows = _alike([r.cells for r in good if not may_close(r.cells)], len(header), padding)
    first = [r.cells for r in body if not r.reason and r.raw not in titles]
    kinds = tuple(column_kinds(rows, len(header)))
    start = top[0].line if top else body[0].line
    before = [r for r in found if r.line < start and r not in notes]
    lead = _lead(text, before, notes, top, start, region)
    again = len(top) == 1 and _is_again(top[0], body, later)
    tail = _tail(sample, dialect, body)
    closing = closing_rows(tail, len(header), kinds)
    quoted = dialect.quote and any(dialect.quote in r.raw for r in before)
    end = _LINE_END.search(text)
    start_kinds = column_kinds(_alike(first, len(header), padding), len(header))
    below = () if sample.whole else other_below(tail, len(header), start_kinds)
    return Layout(
        dialect=dialect,
        header=tuple(header),
        has_header=bool(top),
        skip=len(lead) - sum(len(_LINE_END.findall(r.raw)) for r in top),
        padding=padding,
        line_end=end[0] if end else "\n",
        record_size=sum(len(record.raw) for record in raw) // len(raw),
        kinds=kinds,
        lead=lead,
        comment=comment,
        short=_leaves_out([*body, *later], len(header), kinds),
        last=region.last,
        after=_after(text, region) if region.last else (),
        again=top[0].raw if again else None,
        closing=closing,
        warnings=(*region.warnings, *below, *heading.warnings, *(mended if top else ())),
        exact=bool(quoted or comment or region.last or again or closing or (top and mended)),
    )


def _alike(rows: list[list[str]], width: int, padding: int) -> list[list[str]]:
    """Those with as many cells as the table has; if there are none, those with more."""
    return [r for r in rows if width <= len(r) <= width + padding] or [r for r in rows if len(r) > width]


def _readable(plain: list[Record], width: int, dialect: Dialect) -> tuple[list[Record], tuple[str, ...]]:
    """The records, with a broken first one of the table's width made readable, and what to say if it is the header."""
    place = next(
        (
            i
            for i, r in enumerate(plain)
            if r.reason in ("bad_encoding", "bad_quote") or len(r.cells) == width
        ),
        0,
    )
    row = plain[place]
    if row.reason == "bad_encoding" and len(row.cells) == width:
        cells, what = (
            [replaced(cell) for cell in row.cells],
            "holds bytes that are no text in the file's encoding; they were replaced",
        )
    elif row.reason == "bad_quote" and row.raw.count(dialect.delimiter) == width - 1:
        cells, what = (
            row.raw.split(dialect.delimiter),
            "has quotes that do not match; they were taken for text",
        )
    else:
        return plain, ()
    mended = row._replace(cells=cells, reason="")
    return [*plain[:place], mended, *plain[place + 1 :]], (f"Line {row.line}, the header, {what}.",)


def _is_again(title: Record, body: Sequence[Record], later: Sequence[Record]) -> bool:
    """Whether the header, all names of their own, stands between the records as well."""
    names = [cell.strip() for cell in title.cells]
    plain = all(kind(name) == "text" for name in names) and len(set(names)) == len(names) > 1
    return plain and any(r.raw == title.raw for r in (*body, *later))


def _tail(sample: Sample, dialect: Dialect, body: Sequence[Record]) -> Sequence[Record]:
    """The last records, as far as they were looked at."""
    if sample.whole:
        return body
    return list(records(io.StringIO(sample.others[-1], newline=""), dialect))[1:]


def _sample(path: Path) -> Sample:
    head, whole = _head(path)
    if whole:
        return Sample(head, True)
    size = path.stat().st_size
    others = []
    with path.open("rb") as file:
        for place in (size // 2, size - _OTHER_SAMPLE):
            file.seek(max(place, 0))
            text = file.read(_OTHER_SAMPLE).decode("utf-8", "surrogateescape")
            cut = _LINE_END.search(text)
            others.append(text[cut.end() :] if cut else "")
    return Sample(head, False, tuple(others))


def _head(path: Path) -> tuple[str, bool]:
    """The first part of the file, longer if its first record is, and whether it is the whole file."""
    size = _SAMPLE
    while True:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            text = file.read(size)
        if len(text) < size or re.search(r"[^\r\n][\r\n]", text):
            return text, len(text) < size
        if size > RECORD_LIMIT:
            raise ReadError(
                f"The first line of {path} is longer than {RECORD_LIMIT:,} characters.",
                hint="Is this really a table, with line ends?",
                file=path,
            )
        size *= 8


def _named_width(found: Sequence[Record], known: int) -> int:
    """The table's width: that of most records, or of the names above if most records leave out cells at their end."""
    usual, top = known or _usual(found), found[0]
    names = [cell.strip() for cell in top.cells]
    wide = len(names) > usual > 1 and not top.reason and len(set(names)) == len(names) and all(names)
    widths = Counter(len(r.cells) for r in found[1:] if not r.reason)
    full = widths[len(names)] > 1 and all(w <= len(names) for w in widths)
    return len(names) if wide and full and all(kind(name) == "text" for name in names) else usual


def _usual(found: Sequence[Record]) -> int:
    """The width of most records; one cell counts only where nothing is split."""
    widths = Counter(len(r.cells) for r in found if not r.reason)
    split = {w: n for w, n in widths.items() if w > 1}
    if not split:
        return 1
    return max(split, key=lambda w: split[w])  # of a draw the first, where the header is


def _comment(found: Sequence[Record], dialect: Dialect) -> str:
    """What begins lines that do not fit the table; '' if such lines are no habit, or records begin so too."""
    width = _usual(found)
    for marker in MARKERS:
        marked = [r for r in found if r.raw.startswith(marker)]
        if not marked or len(marked) == len(found) or marker.startswith(dialect.delimiter):
            continue
        if width == 1:
            head = next(i for i, r in enumerate(found) if not r.raw.startswith(marker))
            if marker != ";" and head == len(marked) and all(r.raw[len(marker) :][:1] == " " for r in marked):
                return marker
            continue
        strange = [r for r in marked if r.reason or len(r.cells) != width]
        apart = all(r.raw[len(marker) :][:1] in ("", " ") for r in marked)
        if len(strange) * 2 > len(marked) - apart and not all(RULE.fullmatch(r.raw) for r in strange):
            return marker
    return ""


def _padding(header: list[str], body: Sequence[Record]) -> tuple[int, int]:
    """How many header cells are columns, and how many (mostly empty) cells the records have beyond them."""
    named = len(header)
    while named > 1 and not header[named - 1].strip():
        named -= 1
    widths = [len(record.cells) for record in body if not record.reason]
    usual = max(set(widths), key=widths.count) if widths else len(header)
    if usual <= named:
        return named, 0
    tails = [any(record.cells[named:]) for record in body if len(record.cells) == usual]
    if sum(tails) * 2 > len(tails):
        return max(named, len(header)), 0
    return named, usual - named


def _lead(
    text: str,
    before: Sequence[Record],
    notes: Sequence[Record],
    top: Sequence[Record],
    start: int,
    region: Region,
) -> tuple[Skipped, ...]:
    """Each line up to the first data record."""
    stop = end_line(top[-1]) + 1 if top else start
    kinds: dict[int, Kind] = {}
    named: list[tuple[Sequence[Record], Kind]] = [(before, "preamble"), (notes, "comment"), (top, "header")]
    for some, name in named:
        for record in some:
            for line in range(record.line, end_line(record) + 1):
                kinds[line] = "table" if region.is_other(line) else name
    lines = _LINE_END.split(text, maxsplit=stop - 1)
    return tuple(
        Skipped(n, kinds.get(n, "blank"), lines[n - 1][:200]) for n in range(1, stop) if n <= len(lines)
    )


def _after(text: str, region: Region) -> tuple[Skipped, ...]:
    """Each line below the table, where other tables follow."""
    lines = _LINE_END.split(text)
    if not lines[-1]:
        lines.pop()
    below = enumerate(lines[region.last :], region.last + 1)
    return tuple(Skipped(n, "table" if line.strip() else "blank", line[:200]) for n, line in below)


def _leaves_out(body: Sequence[Record], width: int, kinds: Sequence[str]) -> bool:
    """Whether the file's writer leaves out empty cells at the end of a record: it never writes one."""
    good = [r.cells for r in body if not r.reason and len(r.cells) > 1]
    short = [row for row in good if len(row) < width]
    full = [row for row in good if len(row) == width]
    if len(short) < _HABIT or not full or any(not row[-1].strip() for row in full):
        return False
    typed = [i for i, k in enumerate(kinds) if k not in ("text", "empty")]
    return bool(typed) and all(
        kind(row[i]) in (kinds[i], "empty") for row in short for i in typed if i < len(row)
    )
