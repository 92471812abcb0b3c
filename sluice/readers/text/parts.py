"""Which records of the samples are comments, other tables, or the table with what stands right above it."""

from collections.abc import Sequence
from typing import NamedTuple

from sluice.readers.encodings import replaced
from sluice.readers.text.closing import may_close
from sluice.readers.text.comments import comments_of, find_comment
from sluice.readers.text.dialect import SEPARATOR
from sluice.readers.text.heading import Heading, find_heading
from sluice.readers.text.kinds import kind
from sluice.readers.text.records import Record
from sluice.readers.text.sample import SAMPLE_RECORDS, Sample
from sluice.readers.text.tables import Region, find_region
from sluice.readers.text.tokens import Dialect
from sluice.readers.text.units import is_rule
from sluice.readers.text.widths import Columns, fitted, named_width

_ALL = 1 << 20  # records: more than a sample holds


class Parts(NamedTuple):
    """What was looked at. ``raw``: records of the head; ``found``: those that are no white space; ``notes``: its
    comments; ``later``: records of the middle and the end; ``tail``: the last ones.
    """

    raw: Sequence[Record]
    found: Sequence[Record]
    notes: Sequence[Record]
    later: Sequence[Record]
    tail: Sequence[Record]
    comment: str


def parts_of(sample: Sample, dialect: Dialect) -> Parts:
    """The records of the samples."""
    raw = sample.records(dialect, _ALL if sample.whole else SAMPLE_RECORDS)
    found = [r for r in raw if r.raw.strip() or dialect.delimiter in r.raw]
    later = sample.later(dialect)
    comment = find_comment([*found, *later], dialect.delimiter)
    return Parts(raw, found, comments_of(found, comment), later, sample.tail(dialect), comment)


class Table(NamedTuple):
    """The table of a head: its header rows (``top``), records below them, columns, and what to say."""

    top: Sequence[Record]
    body: Sequence[Record]
    columns: Columns
    region: Region
    mended: bool
    warnings: tuple[str, ...]

    def rows(self, some: Sequence[Record]) -> list[list[str]]:
        """Cells of good records, of those with as many cells as the table has if there are any."""
        titles = {r.raw for r in self.top}
        good = [r.cells for r in some if not r.reason and r.raw not in titles and not may_close(r.cells)]
        width = len(self.columns.names)
        least, most = width - self.columns.lacking, width + self.columns.padding
        return [r for r in good if least <= len(r) <= most] or [r for r in good if len(r) > width]

    def title(self) -> str | None:
        """The header's text if it is all names of their own, which no record is."""
        rows = [r for r in self.top if not is_rule(r.cells)]
        if len(rows) != 1:
            return None
        names = [cell.strip() for cell in rows[0].cells]
        own = all(kind(name) == "text" for name in names) and len(set(names)) == len(names) > 1
        return rows[0].raw if own else None


def find_table(sample: Sample, dialect: Dialect, parts: Parts, wanted: bool | None) -> Table:
    """The table that the parts show; ``wanted``: whether it has a header, if known."""
    noted = {r.line for r in parts.notes}
    plain = [r for r in parts.found if r.line not in noted]
    plain = plain[bool(SEPARATOR.match(sample.head)) and len(plain) > 1 :] or list(parts.raw)
    region = find_region(plain) if sample.whole else Region(plain)
    width = named_width([*region.records, *parts.later], region.width)
    plain, told = _readable(list(region.records), width, dialect)
    heading = find_heading(plain, width, wanted)
    below = heading.first + heading.rows
    top, body = plain[heading.first : below], plain[below:]
    columns = _columns(heading, width, [*body, *parts.later])
    told = told if top else ()
    return Table(top, body, columns, region, bool(told), (*heading.warnings, *columns.warnings, *told))


def _columns(heading: Heading, width: int, body: Sequence[Record]) -> Columns:
    if heading.rows:
        return fitted(heading.names, body)
    return Columns([f"column_{i}" for i in range(1, max(width, 1) + 1)])


def _readable(plain: list[Record], width: int, dialect: Dialect) -> tuple[list[Record], tuple[str, ...]]:
    """The records, with a broken first one of the table's width made readable, and what to say if it is the header."""
    broken = ("bad_encoding", "bad_quote")
    place = next((i for i, r in enumerate(plain) if r.reason in broken or len(r.cells) == width), 0)
    row = plain[place]
    if row.reason == "bad_encoding" and len(row.cells) == width:
        cells = [replaced(cell) for cell in row.cells]
        what = "holds bytes that are no text in the file's encoding; they were replaced"
    elif row.reason == "bad_quote" and row.raw.count(dialect.delimiter) == width - 1:
        cells = row.raw.split(dialect.delimiter)
        what = "has quotes that do not match; they were taken for text"
    else:
        return plain, ()
    mended = row._replace(cells=cells, reason="")
    return [*plain[:place], mended, *plain[place + 1 :]], (f"Line {row.line}, the header, {what}.",)
