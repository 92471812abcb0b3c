"""A file as ``sluice read`` understands it."""

import csv
import io
from pathlib import Path

from sluice.readers import open_table
from sluice.readers.export import export


def understood(path: Path, **options: str):
    """Header, records, rejects as (line, reason), skipped lines as (line, kind), and the account."""
    table = open_table(path, options)
    out = io.StringIO(newline="")
    found = export(table, out, path.parent, memory_limit_mb=300, threads=0)
    rows = list(csv.reader(io.StringIO(out.getvalue(), newline="")))[1:]
    rejects = [(r.line, r.reason) for r in found.rejected]
    skipped = [(one.line, one.kind) for one in table.account.skipped]
    table.close()
    return found.header, rows, rejects, skipped, table.account
