"""The command line: one app, its sub-commands, and the one place where errors become exit codes."""

import os
import sys
from typing import Annotated

import typer

from sluice.cli import output
from sluice.errors import BugError, SluiceError

HELP = """Ingest files, URLs and objects into PostgreSQL: every row checked, none lost, none doubled.

Start with `sluice demo`, then load a file of your own:

    sluice load bugs.csv --dataset bugs

Exit codes: 0 done, 1 the data was refused, 2 usage or set-up.
Settings: SLUICE_HOME (state, default .sluice), SLUICE_DATABASE_URL (a PostgreSQL 14+ of your own),
SLUICE_CONTRACTS (folders with your own contracts, separated by ':').
"""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and Prefect's own log.")] = False,
) -> None:
    """Options that every command has."""
    if debug:
        os.environ["SLUICE_DEBUG"] = "1"


def main() -> None:
    """Run a command line; this is what ``sluice`` calls."""
    from sluice.cli import (
        commands,
    )  # registers the commands; imported here to keep `main` importable from them

    commands.register(app)
    try:
        app(standalone_mode=False)
    except SluiceError as problem:
        raise SystemExit(_report(problem)) from None
    except (KeyboardInterrupt, typer.Abort):
        output.err.print("stopped; nothing was half-done.")
        raise SystemExit(130) from None
    except typer.Exit as done:
        raise SystemExit(done.exit_code) from None
    except Exception as unforeseen:
        raise SystemExit(_foreign(unforeseen)) from None


def _report(problem: SluiceError) -> int:
    if os.environ.get("SLUICE_DEBUG"):
        output.err.print_exception()
    output.error(problem, as_machine="--json" in sys.argv)
    return problem.exit_code


def _foreign(problem: Exception) -> int:
    if isinstance(problem, typer.TyperException):
        output.err.print(f"error: {problem}", markup=False)
        output.err.print(f"  next: sluice {' '.join(sys.argv[1:2])} --help", markup=False)
        return 2
    if isinstance(problem, BrokenPipeError):
        return 0
    hint = "Run it again with `sluice --debug ...` and report what it prints."
    return _report(BugError(f"{type(problem).__name__}: {problem}", hint=hint))
