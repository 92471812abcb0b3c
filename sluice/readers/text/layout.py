"""Where the table of a delimited file stands: header, first record, and what is written around it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sluice.errors import ReadError
from sluice.readers.account import Skipped
from sluice.readers.duck import check_width
from sluice.readers.text.closing import closing_rows
from sluice.readers.text.dialect import boolean, find_dialect
from sluice.readers.text.kinds import column_kinds
from sluice.readers.text.lead import is_odd, lead_lines, lines_after
from sluice.readers.text.parts import Parts, Table, find_table, parts_of
from sluice.readers.text.sample import Sample, sample_of
from sluice.readers.text.tables import LINE_END, other_below
from sluice.readers.text.tokens import Dialect
from sluice.readers.text.widths import leaves_out


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


def find_layout(path: Path, options: dict[str, str]) -> Layout:
    """The layout of a UTF-8 file; ``options`` that are given are believed. Raises ReadError if it has no record."""
    sample = sample_of(path)
    if not sample.head.strip():
        what = "holds only blank lines" if sample.head else "is empty: it has no header"
        raise ReadError(f"{path} {what}.", hint="Nothing was loaded; check where it was made.", file=path)
    dialect = find_dialect(sample, options)
    parts = parts_of(sample, dialect)
    check_width(path, min(len(r.cells) for r in parts.raw[:2]))
    wanted = boolean("header", options["header"]) if "header" in options else None
    table = find_table(sample, dialect, parts, wanted)
    _refuse_broken(table, path)
    return _layout(sample, dialect, parts, table)


def _refuse_broken(table: Table, path: Path) -> None:
    if bad := next((r for r in table.top if r.reason), None):
        raise ReadError(
            f"The header of {path} cannot be read: {bad.reason.replace('_', ' ')}.",
            hint="Check the first line, or give the delimiter and quote as source options.",
            file=path,
            line=bad.line,
        )


def _layout(sample: Sample, dialect: Dialect, parts: Parts, table: Table) -> Layout:
    text, region, columns, body = sample.head, table.region, table.columns, [*table.body, *parts.later]
    width = len(columns.names)
    kinds = tuple(column_kinds(table.rows(body), width))
    lead = lead_lines(text, parts, table)
    title = table.title()
    again = title if any(r.raw == title for r in body) else None
    closing = closing_rows(table.body if sample.whole else parts.tail, dialect, kinds)
    odd = table.mended or is_odd(text, parts, table, lead, dialect)
    return Layout(
        dialect=dialect,
        header=tuple(columns.names),
        has_header=bool(table.top),
        skip=len(lead) - sum(len(LINE_END.findall(r.raw)) for r in table.top),
        padding=columns.padding,
        record_size=sum(len(record.raw) for record in parts.raw) // len(parts.raw),
        kinds=kinds,
        lead=lead,
        comment=parts.comment,
        short=leaves_out(body, width, kinds),
        lacking=columns.lacking,
        last=region.last,
        after=lines_after(text, region),
        title=title,
        again=again,
        closing=closing,
        warnings=(*region.warnings, *_below(sample, parts, table), *table.warnings),
        exact=bool(odd or parts.comment or region.last or again or closing or columns.lacking),
    )


def _below(sample: Sample, parts: Parts, table: Table) -> tuple[str, ...]:
    if sample.whole:
        return ()
    width = len(table.columns.names)
    return other_below(parts.tail, width, column_kinds(table.rows(table.body), width))
