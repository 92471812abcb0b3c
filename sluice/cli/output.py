"""How commands speak: tables on a terminal, one JSON value for machines, one sentence for an error."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import IO, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sluice.errors import SetupError, SluiceError
from sluice.settings import program

LONG = 200  # characters


class _Console(Console):
    """Goes on in silence where its reader has left."""

    def on_broken_pipe(self) -> None:
        _abandon(self.file)


# In a pipe nothing is wrapped: another program or a log reads it.
out = Console(width=None if sys.stdout.isatty() else 400)
err = _Console(stderr=True, soft_wrap=True, highlight=False)


def write(text: str) -> bool:
    """Print text as it stands; returns whether somebody still reads. Raises SetupError where it can't be written.

    A reader that has left, as in ``sluice load ... | head -1``, does not change what the command does.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _abandon(sys.stdout)
        return False
    except OSError as error:
        _abandon(sys.stdout)
        hint = "What the command did stands; `sluice jobs` shows it."
        raise SetupError(f"The output can't be written: {error.strerror}.", hint=hint) from error
    return True


def _abandon(stream: IO[str]) -> None:
    """Let what is still in the stream's buffer go nowhere, or the interpreter's end would fail with it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def callable_here(text: str) -> str:
    """The text with its `sluice ...` commands as they can be called from here."""
    return text.replace("`sluice ", f"`{program()} ")


def say(text: str) -> None:
    """One line for the reader of standard output."""
    write(f"{_printable(text)}\n")


def one_line(text: Any, limit: int = LONG) -> Any:
    """A text on one line, its line ends shown as ⏎, cut after ``limit`` characters; anything else as it is."""
    if not isinstance(text, str):
        return text
    start = text[:limit]
    shown = start.replace("\r\n", "⏎").replace("\n", "⏎").replace("\r", "⏎").replace("\t", " ")
    return shown + "…" * (len(text) > limit)


def aside(text: str) -> None:
    """A line beside the result that must be heard: to standard error, also where that is no terminal."""
    err.print(escape(text), soft_wrap=True)


def note(text: str) -> None:
    """A line beside the result: only on a terminal, so that pipes stay silent."""
    if sys.stderr.isatty():
        err.print(f"[dim]{escape(text)}[/dim]")


def as_json(value: Any) -> None:
    """Print one JSON value."""
    write(json.dumps(value, default=_plain, ensure_ascii=False, indent=2) + "\n")


def as_json_array(values: Iterable[Any]) -> None:
    """Print values as one JSON array while they come, a line each."""
    before = "[\n"
    for value in values:
        if not write(before + json.dumps(value, default=_plain, ensure_ascii=False)):
            return
        before = ",\n"
    write("[]\n" if before == "[\n" else "\n]\n")


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
    drawn = StringIO()
    Console(file=drawn, width=out.width, force_terminal=out.is_terminal, highlight=False).print(shown)
    lines = drawn.getvalue().splitlines()
    write("".join(f"{line.rstrip()}\n" for line in lines))


def error(problem: SluiceError, *, as_machine: bool = False) -> None:
    """Say what happened and what to do next."""
    if as_machine:
        as_json({"status": "failed", **problem.as_dict()})
    else:
        err.print(f"[bold red]error:[/bold red] {escape(_printable(problem.message))}")
        if problem.hint:
            err.print(f"  [bold]next:[/bold] {escape(_printable(callable_here(problem.hint)))}")


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
    return _printable(str(value))


def _printable(text: str) -> str:
    """The text without what a terminal would obey."""
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return str(value)
