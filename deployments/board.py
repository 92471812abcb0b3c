"""What ``make up`` shows: what runs where, and what to try next."""

import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from deployments.settings import PlatformSettings
from sluice.settings import program

Rows = list[tuple[str, str]]


class Board:
    """Short lines on a terminal; the same without colour in a pipe."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stdout, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """One line of progress."""
        self._console.print(f"[dim]›[/] {escape(text)}")

    def complain(self, text: str) -> None:
        """One line about trouble."""
        self._console.print(f"[bold red]![/] {escape(text)}")

    def ready(self, places: Rows, suggestions: Rows, seconds: float) -> None:
        """The board itself, once everything runs. ``seconds``: how long the start took."""
        self._console.print(f"\n[bold green]Sluice is up[/] after {seconds:.1f} s. Ctrl-C stops it.\n")
        self._console.print(_grid(places))
        self._console.print("\nTry next:")
        self._console.print(_grid(suggestions) + "\n")


def places(settings: PlatformSettings, warehouse: str) -> Rows:
    """What runs where."""
    return [
        ("Prefect UI", settings.ui_url),
        ("Prefect API", settings.api_url),
        ("Gateway", f"{settings.gateway_address}/docs"),
        ("Warehouse", warehouse),
        ("Logs", _short(settings.logs)),
    ]


def suggestions(form_url: str) -> Rows:
    """What to do next, each with one command or one address."""
    sluice = program()
    return [
        ("start a run from a form", form_url),
        ("load your own file", f"{sluice} load FILE --dataset projects"),
        ("see what was loaded", f"{sluice} jobs"),
    ]


def _grid(rows: Rows) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {escape(value)}" for name, value in rows)


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
