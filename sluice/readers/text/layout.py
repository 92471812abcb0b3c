"""Where the table of a delimited file stands: header, first record, and what is written around it."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sluice.errors import ReadError
from sluice.readers.account import Kind, Skipped
from sluice.readers.duck import check_width
from sluice.readers.encodings import replaced
from sluice.readers.text.closing import closing_rows, may_close
from sluice.readers.text.comments import find_comment
from sluice.readers.text.dialect import (
    SAMPLE_RECORDS,
    SEPARATOR,
    Sample,
    boolean,
    column_kinds,
    find_dialect,
    kind,
)
from sluice.readers.text.heading import Heading, find_heading
from sluice.readers.text.records import RECORD_LIMIT, Dialect, Record, records
from sluice.readers.text.tables import Region, end_line, find_region, other_below
from sluice.readers.text.widths import Columns, fitted, leaves_out, named_width

_SAMPLE = 1 << 18
_OTHER_SAMPLE = 1 << 15
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Layout:
    """``skip``: records before the first data record, blank lines included. ``padding``: empty cells that follow
    the header's last cell in the records. ``record_size``: characters of a usual record.

    ``lead``: each line before the first data record. ``comment``: what comment lines begin with. ``short``: empty
    cells at a record's end are left out; ``lacking``: that many in all records. ``last``: the table's last line if
    others follow, which ``after`` names. ``title``: the header's text if no record can be like it; ``again``: the same,
    where it stands between records too. ``closing``: texts of lines of a footer, or of no cells at the end.
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
    lacking: int = 0
    last: int = 0
    after: tuple[Skipped, ...] = ()
    title: str | None = None
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


class _Parts(NamedTuple):
    """What was looked at. ``found``: records of the head; ``notes``: its comments; ``later``: records of the middle and
    the end; ``tail``: the last ones.
    """

    found: Sequence[Record]
    notes: Sequence[Record]
    later: Sequence[Record]
    tail: Sequence[Record]
    comment: str


def find_layout(path: Path, options: dict[str, str]) -> Layout:
    """The layout of a UTF-8 file; ``options`` that are given are believed. Raises ReadError if it has no record."""
    sample = _sample(path)
    text = sample.head
    if not text.strip():
        what = "holds only blank lines" if text else "is empty: it has no header"
        raise ReadError(f"{path} {what}.", hint="Nothing was loaded; check where it was made.", file=path)
    dialect = find_dialect(sample, options)
    raw = sample.records(dialect, SAMPLE_RECORDS if not sample.whole else 1 << 20)
    check_width(path, min(len(r.cells) for r in raw[:2]))
    parts = _parts(sample, dialect, raw)
    region, plain = _table(sample, parts, raw)
    width = named_width([*plain, *parts.later], region.width)
    plain, mended = _readable(plain, width, dialect)
    heading = find_heading(
        plain, width, boolean("header", options["header"]) if "header" in options else None
    )
    top = plain[heading.first : heading.first + heading.rows]
    _refuse_broken(top, path)
    body = plain[heading.first + heading.rows :]
    columns = _columns(heading, width, body, parts.later)
    width = len(columns.names)
    titles = {r.raw for r in top}
    kinds, above = (
        tuple(column_kinds(_rows(some, titles, columns), width)) for some in ((*body, *parts.later), body)
    )
    start = (top or body)[0].line
    before = [r for r in parts.found if r.line < start and r not in parts.notes]
    lead = _lead(text, before, parts.notes, top, start, region)
    title = top[0].raw if len(top) == 1 and _is_title(top[0]) else None
    again = title if any(r.raw == title for r in (*body, *parts.later)) else None
    tail = body if sample.whole else parts.tail
    closing = closing_rows(tail, dialect, kinds)
    quoted = dialect.quote and any(dialect.quote in r.raw for r in before)
    end = _LINE_END.search(text)
    below = () if sample.whole else other_below(tail, width, above)
    told = mended if top else ()
    # DuckDB skips lines by the first line end, and loses records where later ones differ.
    mixed = len(set(_LINE_END.findall(text)[: len(lead) + 1])) > 1
    return Layout(
        dialect=dialect,
        header=tuple(columns.names),
        has_header=bool(top),
        skip=len(lead) - sum(len(_LINE_END.findall(r.raw)) for r in top),
        padding=columns.padding,
        line_end=end[0] if end else "\n",
        record_size=sum(len(record.raw) for record in raw) // len(raw),
        kinds=kinds,
        lead=lead,
        comment=parts.comment,
        short=leaves_out([*body, *parts.later], width, kinds),
        lacking=columns.lacking,
        last=region.last,
        after=_after(text, region) if region.last else (),
        title=title,
        again=again,
        closing=closing,
        warnings=(*region.warnings, *below, *heading.warnings, *columns.warnings, *told),
        exact=bool(
            quoted or parts.comment or region.last or again or closing or told or columns.lacking or mixed
        ),
    )


def _parts(sample: Sample, dialect: Dialect, raw: Sequence[Record]) -> _Parts:
    found = [r for r in raw if r.raw.strip() or dialect.delimiter in r.raw]
    later = sample.later(dialect)
    comment = find_comment([*found, *later], dialect.delimiter)
    notes = [r for r in found if comment and r.raw.startswith(comment)]
    tail: list[Record] = []
    if not sample.whole:
        tail = list(records(io.StringIO(sample.others[-1], newline=""), dialect))[1:]
    return _Parts(found, notes, later, tail, comment)


def _table(sample: Sample, parts: _Parts, raw: Sequence[Record]) -> tuple[Region, list[Record]]:
    """The part of the file that holds the table, and its records with what stands right above them."""
    noted = {r.line for r in parts.notes}
    plain = [r for r in parts.found if r.line not in noted]
    plain = plain[bool(SEPARATOR.match(sample.head)) and len(plain) > 1 :] or list(raw)
    region = find_region(plain) if sample.whole else Region(plain)
    return region, list(region.records)


def _refuse_broken(top: Sequence[Record], path: Path) -> None:
    if bad := next((r for r in top if r.reason), None):
        raise ReadError(
            f"The header of {path} cannot be read: {bad.reason.replace('_', ' ')}.",
            hint="Check the first line, or give the delimiter and quote as source options.",
            file=path,
            line=bad.line,
        )


def _columns(heading: Heading, width: int, body: Sequence[Record], later: Sequence[Record]) -> Columns:
    if heading.rows:
        return fitted(heading.names, [*body, *later])
    return Columns([f"column_{i}" for i in range(1, max(width, 1) + 1)])


def _rows(some: Sequence[Record], titles: set[str], columns: Columns) -> list[list[str]]:
    """Cells of good records, of those with as many cells as the table has if there are any."""
    good = [r.cells for r in some if not r.reason and r.raw not in titles and not may_close(r.cells)]
    width = len(columns.names)
    least = width - columns.lacking
    return [r for r in good if least <= len(r) <= width + columns.padding] or [
        r for r in good if len(r) > width
    ]


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


def _is_title(top: Record) -> bool:
    """Whether the header is all names of their own, which no record is."""
    names = [cell.strip() for cell in top.cells]
    return all(kind(name) == "text" for name in names) and len(set(names)) == len(names) > 1


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
        begun = text.lstrip("\r\n")
        if len(text) < size or "\n" in begun or "\r" in begun:
            return text, len(text) < size
        if size > RECORD_LIMIT:
            raise ReadError(
                f"The first line of {path} is longer than {RECORD_LIMIT:,} characters.",
                hint="Is this really a table, with line ends?",
                file=path,
            )
        size *= 8


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
