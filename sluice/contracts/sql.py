"""DuckDB SQL as text: quoted names and literals, and queries in the form that Great Expectations takes."""

import re
from functools import cache, lru_cache
from typing import Any

import duckdb

BATCH = "{batch}"
_TAKEN = re.compile(r"(?<![:\w\\]):\w+(?![:\w])|(?<=\\):\w*(?![:\w])")


def identifier(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    """A SQL literal for text, a number, a truth value or None."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


def for_gx(query: str, batch: str) -> str:
    """The query as Great Expectations takes it, ``batch`` (a word in it) standing for the rows judged.

    It passes through ``str.format`` and then SQLAlchemy's ``text``, so braces are doubled, and each colon that would
    name a parameter there, or lose the backslash before it, gets one that it will lose.
    """
    text = query.replace("{", "{{").replace("}", "}}")
    # From the right, because what follows a colon decides.
    for place in reversed([found.start() for found in re.finditer(":", text)]):
        if _TAKEN.match(text, place):
            text = f"{text[:place]}\\{text[place:]}"
    return text.replace(batch, BATCH)


def failing_rows_query(condition: str) -> str:
    """The Great Expectations query that lists the rows for which ``condition`` is true."""
    return for_gx(f"SELECT * FROM \0 WHERE {condition}", "\0")  # noqa: S608


@cache
def _probe() -> duckdb.DuckDBPyConnection:
    # Without threads, so that the process may fork.
    return duckdb.connect(config={"threads": 1, "async_threads": 0})


def query_problem(query: str) -> duckdb.Error | None:
    """The error that DuckDB would raise for this query; it is planned, not run."""
    return _error(f"EXPLAIN {query}")


@lru_cache(maxsize=1024)
def pattern_problem(pattern: str) -> str:
    """Why DuckDB (RE2) can't run this regular expression; '' if it can."""
    error = _error("SELECT regexp_matches('', ?)", pattern)
    return str(error).partition(": ")[2] if error else ""


def _error(query: str, *values: str) -> duckdb.Error | None:
    try:
        _probe().cursor().execute(query, values).fetchall()
    except duckdb.Error as error:
        return error
    return None
