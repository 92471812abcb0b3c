"""The command line: one app, its sub-commands, and the one place where errors become exit codes."""

import atexit
import os
import sys
from typing import Annotated

import typer

from sluice.cli import output
from sluice.errors import BugError, SetupError, SluiceError
from sluice.settings import program

HELP = """Ingest files, URLs and objects into PostgreSQL: every row checked, none lost, none doubled.

Start with `sluice demo`, then load a file of your own:

    sluice load bugs.csv --dataset bugs

Exit codes: 0 done, 1 the data was refused, 2 usage or set-up.

Settings:
SLUICE_HOME: state, default .sluice
SLUICE_DATABASE_URL: a PostgreSQL 14+ of your own
SLUICE_CONTRACTS: folders with your own contracts, separated by ':'
"""

INTERRUPTED = 130

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
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
    atexit.register(_silence)  # registered first, so it comes last
    code = _run()
    if code == INTERRUPTED:  # nobody waits for what is still imported in a thread
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def _silence() -> None:
    """DuckDB's bindings list on standard error what a failed run still holds when the interpreter ends."""
    if not os.environ.get("SLUICE_DEBUG"):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _run() -> int:
    try:
        # Takes a second, so Ctrl-C may come in it; and at the top the commands could not import this module.
        from sluice.cli import commands

        commands.register(app)
        # Without its own error handling, Typer returns the code of an Exit (130 for Ctrl-C) instead of raising it.
        code = app(standalone_mode=False)
    except SluiceError as problem:
        return _report(problem)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as unforeseen:
        return _foreign(unforeseen)
    if code == INTERRUPTED:
        output.err.print("stopped; nothing was half-done.")
    return code if isinstance(code, int) else 0


def _report(problem: SluiceError) -> int:
    if os.environ.get("SLUICE_DEBUG"):
        output.err.print_exception()
    output.error(problem, as_machine="--json" in sys.argv)
    return problem.exit_code


def _foreign(problem: Exception) -> int:
    if isinstance(problem, typer.TyperException):
        if str(problem):  # empty after a bare `sluice`, which has shown its help
            known = {command.name for command in app.registered_commands} | {
                group.name for group in app.registered_groups
            }
            command = next((f"{word} " for word in sys.argv[1:] if word in known), "")
            output.err.print(f"error: {problem}", markup=False)
            output.err.print(f"  next: {program()} {command}--help", markup=False)
        return 2
    if isinstance(problem, OSError) and problem.strerror:
        where = f"{problem.filename}: " if problem.filename else ""
        hint = "Check the path, its permissions and the disk; `sluice --debug ...` shows where it happened."
        return _report(SetupError(f"{where}{problem.strerror}.", hint=hint))
    hint = "Run it again with `sluice --debug ...` and report what it prints."
    return _report(BugError(f"{type(problem).__name__}: {problem}", hint=hint))
