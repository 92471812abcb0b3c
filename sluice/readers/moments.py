"""SQL that reads dates, times of day and moments, as ISO writes them or in a contract's formats."""

from sluice.contracts.model import Column
from sluice.readers.months import english
from sluice.readers.spool import quote_text
from sluice.readers.texts import BLANKS, bare, strict

_DATE = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}"
_CLOCK = r"\d{1,2}:\d{2}(:\d{2}(\.\d{1,6}0*)?)?"
_ZONE = r"\s?(Z|z|UTC|[+-]\d{2}(:?\d{2})?)"


def date(column: Column, text: str, cast: str) -> str:
    """``cast``: DuckDB's own, which is lenient."""
    if column.formats:
        parsed = _formats(column, text)
        return f"CASE WHEN {parsed} = date_trunc('day', {parsed}) THEN {parsed}::DATE END"
    day = f"TRY_CAST(trim({text}, {BLANKS}) AS DATE)"
    again = f"CASE WHEN year({day}) > 0 THEN {day} END"
    # Ten characters that begin with a digit other than 0 and give such a year can only be a plain date.
    years = f"{cast} BETWEEN DATE '1000-01-01' AND DATE '9999-12-31'"
    plain = f"strlen({text}) = 10 AND {text} BETWEEN '1' AND ':' AND {years}"
    return strict(text, plain, cast, rf"{_DATE}([T ]00:00(:00(\.0+)?)?)?", again)


def timestamp(column: Column, text: str, cast: str, zoned: bool) -> str:
    """Through TIMESTAMPTZ (the session's zone is UTC), since a cast to TIMESTAMP drops the offset."""
    if column.formats:
        return f"{_formats(column, text)}::{column.duckdb_type}"
    # DuckDB wants no space before the offset, and a colon in it.
    tidy = rf"regexp_replace(trim({text}, {BLANKS}), '\s?([+-]\d\d):?(\d\d)$', '\1:\2')"
    again = f"TRY_CAST({tidy} AS TIMESTAMPTZ)"
    value = f"CASE WHEN year({again}) BETWEEN 1 AND 9999 THEN {again}{'' if zoned else '::' + column.duckdb_type} END"
    plain = "false" if zoned else f"{cast}::VARCHAR = {text} AND year({cast}) BETWEEN 1 AND 9999"
    return strict(text, plain, "NULL" if zoned else cast, rf"{_DATE}([T ]{_CLOCK}({_ZONE})?)?", value)


def time(column: Column, text: str, cast: str) -> str:
    """PostgreSQL's 24:00:00 is no time of day to DuckDB's readers."""
    again = f"TRY_CAST(trim({text}, {BLANKS}) AS {column.duckdb_type})"
    midnight = "TIME '24:00:00'"
    fits = f"CASE WHEN {again} < {midnight} THEN {again} END"
    if column.formats:
        plain = strict(text, "false", cast, _CLOCK, fits)
        return f"coalesce({_formats(column, text)}::TIME, {plain})"
    return strict(text, f"{cast}::VARCHAR = {text} AND {cast} < {midnight}", cast, _CLOCK, fits)


def _formats(column: Column, text: str) -> str:
    """``%Y`` also takes two digits, and they would be a year of antiquity: those with ``%y`` are tried first."""
    ordered = sorted(column.formats, key=lambda one: "%y" not in one)
    listed = ", ".join(quote_text(value) for value in ordered)
    written = f"({bare(text)})"
    if any("%z" in one for one in ordered):
        written = f"regexp_replace({written}, '[Zz]$', '+00')"
    parsed = f"try_strptime({written}, [{listed}])"
    for sign in "bB":
        if any(f"%{sign}" in one for one in ordered):
            dotted = any(f"%{sign}." in one for one in ordered)
            parsed = f"coalesce({parsed}, try_strptime({english(written, sign, dotted)}, [{listed}]))"
    return (
        f"CASE WHEN year({parsed}) > 99 THEN {parsed} END" if any("%Y" in one for one in ordered) else parsed
    )
