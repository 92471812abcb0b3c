"""The lines above a table's first record, and those below its last where other tables follow."""

from collections.abc import Sequence

from sluice.readers.account import Kind, Skipped
from sluice.readers.text.parts import Parts, Table
from sluice.readers.text.records import Record
from sluice.readers.text.tables import LINE_END, Region, end_line
from sluice.readers.text.tokens import Dialect

_SHOWN = 200  # characters


def lead_lines(text: str, parts: Parts, table: Table) -> tuple[Skipped, ...]:
    """Each line up to the first data record."""
    start = (table.top or table.body)[0].line
    stop = end_line(table.top[-1]) + 1 if table.top else start
    kinds: dict[int, Kind] = {}
    named: list[tuple[Sequence[Record], Kind]] = [
        (_before(parts, start), "preamble"),
        (parts.notes, "comment"),
        (table.top, "header"),
    ]
    for some, name in named:
        for record in some:
            for line in range(record.line, end_line(record) + 1):
                kinds[line] = "table" if table.region.is_other(line) else name
    lines = LINE_END.split(text, maxsplit=stop - 1)
    return tuple(
        Skipped(n, kinds.get(n, "blank"), lines[n - 1][:_SHOWN]) for n in range(1, stop) if n <= len(lines)
    )


def _before(parts: Parts, start: int) -> list[Record]:
    return [r for r in parts.found if r.line < start and r not in parts.notes]


def is_odd(text: str, parts: Parts, table: Table, lead: Sequence[Skipped], dialect: Dialect) -> bool:
    """Whether DuckDB can't skip these lines: they hold quotes, or several kinds of line ends (it goes by the first
    and loses records where later ones differ).
    """
    before = _before(parts, (table.top or table.body)[0].line)
    quoted = bool(dialect.quote) and any(dialect.quote in r.raw for r in before)
    return quoted or len(set(LINE_END.findall(text)[: len(lead) + 1])) > 1


def lines_after(text: str, region: Region) -> tuple[Skipped, ...]:
    """Each line below the table, where other tables follow."""
    if not region.last:
        return ()
    lines = LINE_END.split(text)
    if not lines[-1]:
        lines.pop()
    below = enumerate(lines[region.last :], region.last + 1)
    return tuple(Skipped(n, "table" if line.strip() else "blank", line[:_SHOWN]) for n, line in below)
