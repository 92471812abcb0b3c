"""Where the table of a delimited file stands: header, first record, and what is written around it."""

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sluice.errors import ReadError
from sluice.readers.account import Kind, Skipped
from sluice.readers.dialect import (
    SAMPLE_RECORDS,
    SEPARATOR,
    Sample,
    boolean,
    column_kinds,
    find_dialect,
    is_header,
    kind,
)
from sluice.readers.records import RECORD_LIMIT, Dialect, Record
from sluice.readers.tables import Region, find_region

_SAMPLE = 1 << 18
_OTHER_SAMPLE = 1 << 15
_LINE_END = re.compile(r"\r\n|\r|\n")
MARKERS = ("#", "//", "--", ";", "%")
RULE = re.compile(r"[-=_+|:*~ \t]*[-=_*~]{3}[-=_+|:*~ \t]*")
PLAIN = ("number", "date", "time", "link")
_HABIT = 3  # short records that make a habit
_YEARS = range(1800, 2200)


@dataclass(frozen=True, slots=True)
class Layout:
    """``skip``: records before the first data record, blank lines included. ``padding``: empty cells that follow
    the header's last cell in the records. ``record_size``: characters of a usual record.

    ``lead``: each line before the first data record. ``comment``: what comment lines begin with. ``short``: empty
    cells at a record's end are left out. ``last``: the table's last line if others follow, which ``after`` names.
    ``again``: the header's text, where it stands between records too.
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
    width = _usual([*plain, *later])
    first, headed = _start(plain, width, options)
    bad = next((r for r in plain[: first + headed] if r.reason and r is plain[max(first, 0)]), None)
    if bad:
        raise ReadError(
            f"The header of {path} cannot be read: {bad.reason.replace('_', ' ')}.",
            hint="Check the first line, or give the delimiter and quote as source options.",
            file=path,
            line=bad.line,
        )
    body = plain[first + headed :]
    header, padding = list(plain[first].cells), 0
    if headed:
        named, padding = _padding(header, body)
        del header[named:]
    else:
        header = [f"column_{i}" for i in range(1, max(width, 1) + 1)]
    title = plain[first].raw
    good = (r for r in (*body, *later) if not r.reason and r.raw != title)
    rows = [r.cells for r in good if len(r.cells) >= len(header)]
    kinds = tuple(column_kinds(rows, len(header)))
    before = [r for r in found if r.line < plain[first].line and r not in notes]
    lead = _lead(text, before, notes, plain[first], region, headed=headed)
    again = headed and is_header(header, kinds) and any(r.raw == title for r in body)
    quoted = dialect.quote and any(dialect.quote in r.raw for r in before)
    end = _LINE_END.search(text)
    multi = len(_LINE_END.findall(plain[first].raw)) if headed else 0
    return Layout(
        dialect=dialect,
        header=tuple(header),
        has_header=headed,
        skip=len(lead) - multi,
        padding=padding,
        line_end=end[0] if end else "\n",
        record_size=sum(len(record.raw) for record in raw) // len(raw),
        kinds=kinds,
        lead=lead,
        comment=comment,
        short=_leaves_out([*body, *later], len(header), kinds),
        last=region.last,
        after=_after(text, region) if region.last else (),
        again=title if again else None,
        warnings=region.warnings,
        exact=bool(quoted or comment or region.last or again),
    )


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
        if len(strange) > len(marked) / 2 and not all(RULE.fullmatch(r.raw) for r in strange):
            return marker
    return ""


def _start(found: Sequence[Record], width: int, options: dict[str, str]) -> tuple[int, bool]:
    """Where the table begins, and whether with a header."""
    wanted = boolean("header", options["header"]) if "header" in options else None
    if width == 1:
        return 0, _has_header(found, 0, width) if wanted is None else wanted
    first = next((i for i, r in enumerate(found) if _fits(r, width) and not _is_title(found, i, width)), 0)
    if wanted is False:
        return first, False
    rows = [r.cells for r in found[first + 1 :] if _fits(r, width)]
    kinds = column_kinds(rows, width)
    clear = bool(rows) and is_header(found[first].cells, kinds)
    if first and not clear and _may_head(found, first, width):
        return first - 1, True
    return first, _has_header(found, first, width) if wanted is None else wanted


def _fits(record: Record, width: int) -> bool:
    return not record.reason and len(record.cells) == width


def _may_head(found: Sequence[Record], first: int, width: int) -> bool:
    """A row of another width right before the first usual one is its header if it has several names."""
    row, below = found[first - 1], found[first]
    if below.line - row.line != 1 + len(_LINE_END.findall(row.raw)):
        return False
    if row.reason:
        return first == 1
    named = [cell for cell in row.cells if cell.strip()]
    texts = sum(kind(cell) not in ("number", "date", "time") for cell in named)
    return len(named) > 1 and texts == len(named) and (first == 1 or len(named) >= width - 1)


def _is_title(found: Sequence[Record], at: int, width: int) -> bool:
    """A title or its metadata, padded with empty cells to the width of the table that begins below."""
    filled = [i for i, cell in enumerate(found[at].cells) if cell.strip()]
    if width < 3 or len(filled) > min(2, width - 2) or (filled and filled[0] > 0):
        return False
    below = [sum(bool(c.strip()) for c in r.cells) for r in found[at + 1 : at + 12] if _fits(r, width)]
    usual = sorted(below)[len(below) // 2] if below else 0
    return usual > len(filled) + 1 and max(below) >= width - 1


def _has_header(found: Sequence[Record], at: int, width: int) -> bool:
    """False if the first row is clearly a record: its cells are typed like the columns below."""
    row = found[at].cells
    kinds = [kind(cell) for cell in row]
    rows = [r.cells for r in found[at + 1 :] if _fits(r, width)]
    if not rows:
        plain = [k in PLAIN for k in kinds if k != "empty"]
        return not any(plain) or _rises(row, kinds) or len(found) > at + 1
    below = column_kinds(rows, width)
    typed = [(k, b) for k, b in zip(kinds, below, strict=False) if b not in ("text", "empty")]
    if not any(k == b for k, b in typed) or any(k not in (b, "empty") for k, b in typed):
        return True
    matching = sum(k == b and k in PLAIN for k, b in typed)
    if not matching and len(rows) < _HABIT:
        return True
    years = [c.strip() for c, k in zip(row, kinds, strict=True) if k == "number"]
    return _rises(row, kinds) and not any(
        _rises(one, [kind(c) for c in one]) and (len(years[0]) < 4 or one[-1].strip()[:2] == years[-1][:2])
        for one in rows[:20]
    )


def _rises(row: Sequence[str], kinds: Sequence[str]) -> bool:
    """Numbers that name columns: years, or one more than the last."""
    numbers = [cell.strip() for cell, k in zip(row, kinds, strict=False) if k == "number"]
    if len(numbers) < 2 or not all(n.isdecimal() and len(n) < 9 for n in numbers):
        return False
    values = [int(n) for n in numbers]
    steps = {b - a for a, b in itertools.pairwise(values)}
    return len(steps) == 1 and steps != {0} and (values[0] in _YEARS or steps == {1})


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
    first: Record,
    region: Region,
    *,
    headed: bool,
) -> tuple[Skipped, ...]:
    """Each line up to the first data record."""
    size = len(_LINE_END.findall(first.raw)) + 1 if headed else 0
    stop = first.line + size
    kinds: dict[int, Kind] = {}
    named: list[tuple[Sequence[Record], Kind]] = [(before, "preamble"), (notes, "comment")]
    if headed:
        named.append(([first], "header"))
    for records, name in named:
        for record in records:
            for line in range(record.line, record.line + len(_LINE_END.findall(record.raw)) + 1):
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
