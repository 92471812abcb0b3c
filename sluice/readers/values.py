"""SQL for the value of a cell in its column's type; a value never changes on its way."""

import re

from sluice.contracts.model import Column
from sluice.readers import moments
from sluice.readers.spellings import boolean, number
from sluice.readers.spool import quote_text
from sluice.readers.texts import BLANKS, bare, is_empty, strict

_INTEGER = r"[+-]?\d+"
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)"
_FLOAT = _NUMBER + r"([eE][+-]?\d+)?"
_UUID = r"\{?[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?"
# What DuckDB's JSON accepts and PostgreSQL's does not, looked for outside of strings.
_LOOSE_JSON = r",\s*[\]}]|[nN][aA][nN]|[iI][nN][fF]|[eE][+-]?\d{5,}"
JSON_NUL = r"(^|[^\\])(\\\\)*\\u0000"
_SPELLINGS = {
    "TEXT": "VARCHAR",
    "STRING": "VARCHAR",
    "BOOL": "BOOLEAN",
    "NUMERIC": "DECIMAL",
    "REAL": "FLOAT",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ",
    "DATETIME": "TIMESTAMP",
}


def kind(column: Column) -> str:
    """The column's type family: a key of ``reasons.REASONS``, or VARCHAR.

    JSON and UUID travel as text, so that PostgreSQL's type tells.
    """
    if column.postgres_type in ("json", "jsonb", "uuid"):
        return "UUID" if column.postgres_type == "uuid" else "JSON"
    name = re.sub(r"\(.*\)", "", column.duckdb_type).strip().upper()
    name = _SPELLINGS.get(name, name)
    return "INTEGER" if "INT" in name and name != "INTERVAL" else name


def typed(column: Column, text: str) -> str:
    """SQL for the value, exactly as ``typing.projection`` types it; NULL where it can't, or where it is empty."""
    return value(column, text, cast(column, text) or "NULL")


def cast(column: Column, text: str) -> str:
    """DuckDB's own cast, which is lenient; ``value`` decides where to believe it."""
    match kind(column):
        case "VARCHAR" | "JSON" | "UUID" | "TIMESTAMPTZ":
            return ""
        case "DATE" | "TIMESTAMP" if column.formats:
            return ""
        case _ if column.numbers:
            return ""
        case _:
            return f"TRY_CAST({text} AS {column.duckdb_type})"


def value(column: Column, text: str, cast: str) -> str:
    """SQL for the typed value, NULL where the text is a null spelling or not of the type."""
    parsed = _parsed(column, text, cast)
    spelled = "".join(column.null_values)
    if kind(column) == "VARCHAR" or not (
        spelled and (kind(column) == "BOOLEAN" or re.search(r"[\d-]", spelled))
    ):
        return parsed
    return f"CASE WHEN {is_empty(column, text)} THEN NULL ELSE {parsed} END"


def _parsed(column: Column, text: str, cast: str) -> str:
    """A cast is believed if it gives the same text back; the rest must match the type's strict pattern."""
    trimmed = f"trim({text}, {BLANKS})"
    again = f"TRY_CAST({trimmed} AS {column.duckdb_type})"
    match kind(column):
        case "VARCHAR":
            return _string(column, text)
        case "BOOLEAN":
            usual = f"CASE WHEN {cast} IS NOT NULL THEN {cast} WHEN {text} <> '' THEN {again} END"
            return boolean(column.booleans, f"({bare(text)})", usual) if column.booleans else usual
        case "INTEGER" | "DECIMAL" | "DOUBLE" | "FLOAT" as family if column.numbers:
            scale = {"INTEGER": None, "DECIMAL": _scale(column.duckdb_type)}.get(family, -1)
            return number(column.numbers, column.duckdb_type, f"({bare(text)})", scale)
        case "INTEGER":
            return strict(text, f"{cast}::VARCHAR = {text}", cast, _INTEGER, again)
        case "DECIMAL":
            scale = _scale(column.duckdb_type)
            digits = rf"[+-]?(\d+\.?|\d*\.\d{{1,{scale}}}0*)" if scale else r"[+-]?\d+(\.0*)?"
            return strict(text, f"{cast}::VARCHAR = {text}", cast, digits, again)
        case "DOUBLE" | "FLOAT":
            fits = f"CASE WHEN isfinite({again}) THEN {again} END"
            return strict(
                text, f"isfinite({cast}) AND regexp_full_match({text}, '{_FLOAT}')", cast, _FLOAT, fits
            )
        case "DATE":
            return moments.date(column, text, cast)
        case "TIMESTAMP" | "TIMESTAMPTZ":
            return moments.timestamp(column, text, cast, kind(column) == "TIMESTAMPTZ")
        case "TIME":
            return moments.time(column, text, cast)
        case "JSON":
            return _json(column, text)
        case "UUID":
            return strict(text, "false", text, _UUID, f"TRY_CAST({trimmed} AS UUID)::VARCHAR")
        case _:
            return f"CASE WHEN {cast}::VARCHAR = {text} THEN {cast} END"


def _json(column: Column, text: str) -> str:
    without_strings = f"regexp_replace({text}, '\"([^\"\\\\]|\\\\.)*\"', '0', 'g')"
    strict = (
        f"NOT regexp_matches({without_strings}, '{_LOOSE_JSON}') AND NOT regexp_matches({text}, '{JSON_NUL}')"
    )
    valid = f"CASE WHEN json_valid({text}) THEN {strict} ELSE false END"
    return f"CASE WHEN {is_empty(column, text)} THEN NULL WHEN {valid} THEN {text} END"


def _string(column: Column, text: str) -> str:
    spellings = column.null_values
    if len(spellings) == 1:
        return f"nullif({text}, {quote_text(spellings[0])})"
    listed = ", ".join(quote_text(value) for value in spellings)
    return f"CASE WHEN {text} IN ({listed}) THEN NULL ELSE {text} END" if spellings else text


def _scale(duckdb_type: str) -> int:
    found = re.search(r"\(\s*\d+\s*,\s*(\d+)\s*\)", duckdb_type)
    return int(found[1]) if found else 0 if "(" in duckdb_type else 3
