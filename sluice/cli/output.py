"""How commands speak: tables on a terminal, one JSON value for machines, one sentence for an error."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sluice.errors import SluiceError

# In a pipe nothing is wrapped: another program or a log reads it.
out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 400)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def say(text: str) -> None:
    """One line for the reader of standard output."""
    out.print(text, markup=False)


def note(text: str) -> None:
    """A line beside the result: only on a terminal, so that pipes stay silent."""
    if sys.stderr.isatty():
        err.print(f"[dim]{escape(text)}[/dim]")


def as_json(value: Any) -> None:
    """Print one JSON value."""
    sys.stdout.write(json.dumps(value, default=_plain, ensure_ascii=False, indent=2) + "\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> None:
    """Print rows under headings; numbers stand to the right."""
    listed = [list(row) for row in rows]
    shown = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for at, name in enumerate(columns):
        numeric = any(isinstance(row[at], int | float) for row in listed)
        solid = numeric or name in ("job", "dataset", "status", "line", "record", "reason", "created", "rule")
        shown.add_column(name, justify="right" if numeric else "left", overflow="fold", no_wrap=solid)
    for row in listed:
        shown.add_row(*(escape(_text(value)) for value in row))
    _print(shown)


def pairs(values: Mapping[str, Any]) -> None:
    """Print names and values in two columns, leaving out what is empty."""
    shown = Table(box=None, pad_edge=False, show_header=False)
    shown.add_column(style="bold")
    shown.add_column(overflow="fold")
    for name, value in values.items():
        if value not in (None, "", {}, []):
            shown.add_row(name, escape(_text(value)))
    _print(shown)


def _print(shown: Table) -> None:
    """Print a table without the blanks that fill its last column."""
    with out.capture() as captured:
        out.print(shown, soft_wrap=False)
    lines = captured.get().splitlines()
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in lines))


def error(problem: SluiceError, *, as_machine: bool = False) -> None:
    """Say what happened and what to do next."""
    if as_machine:
        as_json({"status": "failed", **problem.as_dict()})
    else:
        err.print(f"[bold red]error:[/bold red] {escape(problem.message)}")
        if problem.hint:
            err.print(f"  [bold]next:[/bold] {escape(problem.hint)}")


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M")
    if isinstance(value, dict | list):
        return json.dumps(value, default=_plain, ensure_ascii=False)
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return str(value)
