"""PostgreSQL's failures as our errors, by SQLSTATE: what the caller should do about each."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import pq
from sqlalchemy.exc import DBAPIError

from sluice import deadline
from sluice.errors import BugError, DataRefused, InputError, RetryError, SetupError, SluiceError

ILLEGAL_MOVE = "SL001"
NO_TEXT = "22P05"  # what a zero byte in JSON is refused with
# SQLSTATEs, or their classes (the first two characters), that pass by themselves.
_PASSING = {
    "08": "The connection to the warehouse failed.",
    "40": "The warehouse undid the transaction because of another one.",
    "53200": "The warehouse is out of memory.",
    "53300": "The warehouse has no connection left.",
    "55P03": "A lock in the warehouse was not free in time.",
    "57014": "The warehouse cancelled the statement, or it took too long.",
    "57P": "The warehouse is shutting down or restarting.",
    # Only two loads of the same key at the same time get here: each load looks for duplicates first.
    "23505": "Another load wrote the same key at the same time.",
}
_SETUP = {
    "28": ("The warehouse refused the login.", "Check user and password of SLUICE_DATABASE_URL."),
    "3D": ("The database does not exist.", "Create it, or correct SLUICE_DATABASE_URL."),
    "42P01": ("A table of Sluice is missing.", "Run `sluice db migrate`."),
    "3F": ("A schema of Sluice is missing.", "Run `sluice db migrate`."),
    "25006": ("The warehouse is read-only.", "Name the primary server in SLUICE_DATABASE_URL."),
    "53100": ("The warehouse's disk is full.", "Free space on the disk of the PostgreSQL server."),
    "53": ("The warehouse is out of a resource.", "See the PostgreSQL server's log."),
    "58": ("The warehouse can't use its disk.", "See the PostgreSQL server's log."),
    "XX": ("The warehouse found damage in itself.", "See the PostgreSQL server's log."),
}


@contextmanager
def translated() -> Iterator[None]:
    """Raise the errors of psycopg and SQLAlchemy in the block as ours."""
    try:
        yield
    except (psycopg.Error, DBAPIError) as cause:
        raise mapped(cause) from cause


def mapped(cause: BaseException) -> SluiceError:
    """Our error for a failure on an open connection. Row values and passwords never get into it.

    What would pass by itself, once the step's deadline is over, came of it: then all that is at work is cancelled.
    """
    if isinstance(cause, SluiceError):
        return cause
    if isinstance(cause, DBAPIError) and cause.orig is not None:
        return mapped(cause.orig)
    if not isinstance(cause, psycopg.Error):
        return BugError(f"{type(cause).__name__} where the warehouse was used.", hint="Please report it.")
    state, said = cause.sqlstate or "", cause.diag.message_primary or ""
    facts = _facts(cause)
    for length in (5, 3, 2):
        if text := _PASSING.get(state[:length]):
            return deadline.ran_out() or RetryError(_join(text, said), hint="Try again.", **facts)
        if found := _SETUP.get(state[:length]):
            return SetupError(_join(found[0], said), hint=found[1], **facts)
    return _other(cause, state, said, facts)


def _other(cause: psycopg.Error, state: str, said: str, facts: dict[str, str]) -> SluiceError:
    if not state and isinstance(cause, (psycopg.OperationalError, psycopg.InterfaceError)):
        return deadline.ran_out() or RetryError(
            "The connection to the warehouse was lost.", hint="Try again."
        )
    if state == NO_TEXT or (not state and isinstance(cause, psycopg.DataError)):  # refused before it was sent
        return InputError("A value holds what PostgreSQL can't keep, such as a zero byte.")
    if state == ILLEGAL_MOVE:
        return InputError(said, hint=cause.diag.message_hint or "", **facts)
    if state == "42501":
        hint = (
            "Grant the warehouse's user that right (`GRANT ... TO`), or name an owner in SLUICE_DATABASE_URL."
        )
        return SetupError(_join("The warehouse's user lacks a right.", said), hint=hint, **facts)
    if state[:2] in ("22", "23", "54"):
        return DataRefused(_join("The warehouse refused a value.", said), **facts)
    return BugError(said or type(cause).__name__, hint="Please report it.", **facts)


def not_connected(cause: psycopg.Error, conninfo: str, where: str) -> SluiceError:
    """Our error for a connection that could not be made. ``where``: the server, without a password.

    libpq gives no SQLSTATE here, so the server is asked whether it answers at all.
    """
    if isinstance(cause, psycopg.ProgrammingError):
        return SetupError(
            "SLUICE_DATABASE_URL is not a PostgreSQL URL.", hint="postgresql://USER@HOST/DATABASE"
        )
    said = str(cause).strip().splitlines()[-1].strip().rstrip(".?")
    answer = pq.PGconn.ping(conninfo.encode())
    if answer == pq.Ping.REJECT:
        return RetryError(f"The warehouse at {where} is starting or stopping.", hint="Try again in a moment.")
    if answer != pq.Ping.OK:
        hint = "Check that PostgreSQL runs there and that SLUICE_DATABASE_URL is right."
        return RetryError(f"The warehouse at {where} can't be reached: {said}.", hint=hint, server=where)
    # The only signs that libpq hands on; a server that speaks another language gets a SetupError.
    if "too many" in said or "connection slots" in said:
        return RetryError(
            f"The warehouse at {where} has no connection left.", hint="Try again.", server=where
        )
    # It answers again by now, but it was restarting.
    if any(sign in said for sign in ("database system is", "terminating", "closed the connection")):
        return RetryError(f"The warehouse at {where} hung up: {said}.", hint="Try again.", server=where)
    hint = "Check user, password, database and TLS options of SLUICE_DATABASE_URL."
    return SetupError(f"The warehouse at {where} refused the login: {said}.", hint=hint, server=where)


def _facts(cause: psycopg.Error) -> dict[str, str]:
    names = {
        "sqlstate": cause.sqlstate,
        "table": cause.diag.table_name,
        "column": cause.diag.column_name,
        "constraint": cause.diag.constraint_name,
    }
    return {name: value for name, value in names.items() if value}


def _join(text: str, said: str) -> str:
    return f"{text.removesuffix('.')}: {said}." if said else text
