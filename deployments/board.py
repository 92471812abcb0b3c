"""What ``make up`` shows: what runs where, and what to try next."""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deployments.settings import PlatformSettings


class Board:
    """Short lines on a terminal; the same without colour in a pipe."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stdout, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """One line of progress."""
        self._console.print(f"[dim]›[/] {text}")

    def complain(self, text: str) -> None:
        """One line about trouble."""
        self._console.print(f"[bold red]![/] {text}", markup=True)

    def ready(self, settings: PlatformSettings, warehouse: str, seconds: float) -> None:
        """The board itself, once everything runs. ``seconds``: how long the start took."""
        self._console.print(f"\n[bold green]Sluice is up[/] after {seconds:.1f} s. Ctrl-C stops it.\n")
        self._console.print(_grid(places(settings, warehouse)))
        self._console.print("\nTry next:")
        self._console.print(_grid(suggestions(settings)), "")


def places(settings: PlatformSettings, warehouse: str) -> list[tuple[str, str]]:
    """What runs where."""
    return [
        ("Prefect UI", settings.ui_url),
        ("Prefect API", settings.api_url),
        ("Warehouse", warehouse),
        ("Logs", _short(settings.logs)),
    ]


def suggestions(settings: PlatformSettings) -> list[tuple[str, str]]:
    """What to do next, each with one command or one address."""
    return [
        ("start a run from a form", f"{settings.ui_url}/deployments  (standard-manual, Custom run)"),
        ("load your own file", "sluice load FILE --dataset projects"),
        ("see what was loaded", "sluice jobs"),
    ]


def _grid(rows: list[tuple[str, str]]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for name, value in rows:
        grid.add_row(f"  {name}", value)
    return grid


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
