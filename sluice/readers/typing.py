"""From text cells to the contract's types: one SQL projection that never changes a value on its way."""

import re
from collections.abc import Sequence

from sluice.contracts.model import Column, Contract
from sluice.readers.base import cell
from sluice.readers.header import Mapping, unique_names
from sluice.readers.spellings import boolean, number
from sluice.readers.spool import quote_text

_BLANKS = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"
_DATE = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}"
_CLOCK = r"\d{1,2}:\d{2}(:\d{2}(\.\d{1,6}0*)?)?"
_ZONE = r"\s?(Z|z|UTC|[+-]\d{2}(:?\d{2})?)"
_INTEGER = r"[+-]?\d+"
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)"
_FLOAT = _NUMBER + r"([eE][+-]?\d+)?"
_UUID = r"\{?[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?"
# What DuckDB's JSON accepts and PostgreSQL's does not, looked for outside of strings.
_LOOSE_JSON = r",\s*[\]}]|[nN][aA][nN]|[iI][nN][fF]|[eE][+-]?\d{5,}"
_JSON_NUL = r"(^|[^\\])(\\\\)*\\u0000"

ANY_UNKNOWN = -1
REASONS = {
    "BOOLEAN": ("not_a_boolean", "true or false (also t/f, yes/no, y/n, 1/0)"),
    "DATE": ("not_a_date", "a date such as 2024-12-31"),
    "TIMESTAMP": ("not_a_timestamp", "a date and time such as 2024-12-31 23:59:59"),
    "TIMESTAMPTZ": ("not_a_timestamp", "a date and time such as 2024-12-31T23:59:59Z"),
    "TIME": ("not_a_time", "a time such as 23:59:59"),
    "DOUBLE": ("not_a_number", "a number such as 12.5"),
    "FLOAT": ("not_a_number", "a number such as 12.5"),
    "DECIMAL": ("not_a_decimal", "a number such as 12.50"),
    "JSON": ("not_json", "valid JSON"),
    "UUID": ("not_a_uuid", "a UUID"),
    "INTEGER": ("not_an_integer", "a whole number"),
}
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
    """The column's type family: a key of ``REASONS``, or VARCHAR.

    JSON and UUID travel as text, so that PostgreSQL's type tells.
    """
    if column.postgres_type in ("json", "jsonb", "uuid"):
        return "UUID" if column.postgres_type == "uuid" else "JSON"
    name = re.sub(r"\(.*\)", "", column.duckdb_type).strip().upper()
    name = _SPELLINGS.get(name, name)
    return "INTEGER" if "INT" in name and name != "INTERVAL" else name


def projection(
    mapping: Mapping, contract: Contract, header: Sequence[str], relation: str, numbered: bool
) -> str:
    """The SELECT that types ``relation``.

    Columns: the contract's, ``_extra``, ``_record_no`` (if ``numbered``), then ``_bad`` (list of positions of
    cells that cannot be typed, -1 for some unknown one; NULL for a good row) and ``_cells`` (JSON object, for
    bad rows only).
    """
    known = {c.name: (c, mapping.positions[c.name]) for c in contract.columns if c.name in mapping.positions}
    casts, values = [], []
    for column, position in known.values():
        text = cell(position)
        if cast := _cast(column, text):
            casts.append(f"{cast} AS r{position}")
        values.append(f"{_value(column, text, f'r{position}')} AS t{position}")
    number = ", _record_no" if numbered else ""
    every = ", ".join(cell(i) for i in range(len(header)))
    raw = f"SELECT {', '.join(['*', *casts])} FROM {relation}"  # noqa: S608
    values.append(f"{_unknown(mapping, contract, header)} AS _unknown")
    typed = f"SELECT {', '.join([every + number, *values])} FROM ({raw})"  # noqa: S608
    outputs = [
        f"t{known[c.name][1]} AS {quote_name(c.name)}"
        if c.name in known
        else f"NULL::{_output_type(c)} AS {quote_name(c.name)}"
        for c in contract.columns
    ]
    bad = _bad(contract, mapping, known)
    cells = f"to_json({_struct(header, range(len(header)))})"
    flags = f"{bad} AS _bad, CASE WHEN _bad IS NOT NULL THEN {cells} END AS _cells"
    kept = "_unknown" if contract.drift == "keep" else "NULL::VARCHAR"
    outputs.append(f"{kept} AS _extra{number}")
    return f"SELECT {', '.join(outputs)}, {flags} FROM ({typed})"  # noqa: S608


def typed(column: Column, text: str) -> str:
    """SQL for the value of a cell, exactly as ``projection`` types it; NULL where it can't, or where it is empty."""
    return _value(column, text, _cast(column, text) or "NULL")


def bare(text: str) -> str:
    """SQL for the text without white space around it. Few texts have any, and looking costs a fifth of trimming."""
    last = f"right({text}, 1) IN (' ', chr(9), chr(10), chr(13), chr(160))"
    around = f"{text} < '!' OR starts_with({text}, chr(160)) OR {last}"
    return f"CASE WHEN {around} THEN trim({text}, {_BLANKS}) ELSE {text} END"


def is_empty(column: Column, text: str) -> str:
    """SQL: the cell is missing, empty or a null spelling."""
    return _is_null(column, text)


def quote_name(name: str) -> str:
    """A SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _struct(header: Sequence[str], positions: Sequence[int]) -> str:
    names = unique_names(header)
    return "{" + ", ".join(f"{quote_text(names[i])}: {cell(i)}" for i in positions) + "}"


def _unknown(mapping: Mapping, contract: Contract, header: Sequence[str]) -> str:
    """Text of the unknown cells: JSON where they are kept, else all in one; NULL if there are none."""
    texts = ", ".join(cell(i) for i in mapping.unknown)
    if not mapping.unknown:
        return "NULL::VARCHAR"
    if contract.drift == "reject":
        return f"concat({texts})"
    return f"CASE WHEN coalesce({texts}) IS NOT NULL THEN to_json({_struct(header, mapping.unknown)})::VARCHAR END"


def _bad(contract: Contract, mapping: Mapping, known: dict[str, tuple[Column, int]]) -> str:
    """Positions of bad cells. Cheap tests come first: most rows have no NULL where text stood."""
    suspects, tests = [], []
    for column, position in known.values():
        if kind(column) != "VARCHAR":
            suspects.append(f"t{position} IS NULL")
            tests.append((f"t{position} IS NULL AND NOT {_is_null(column, cell(position))}", position))
    if mapping.unknown and contract.drift == "reject":
        suspects.append("_unknown <> ''")
        tests.append(("_unknown <> ''", ANY_UNKNOWN))
    elif mapping.unknown:
        suspects.append("contains(_unknown, '\\u0000')")
        tests.append((f"regexp_matches(_unknown, '{_JSON_NUL}')", ANY_UNKNOWN))
    if not tests:
        return "NULL::INTEGER[]"
    found = ", ".join(f"CASE WHEN {test} THEN {position} END" for test, position in tests)
    worst = " OR ".join(f"({test})" for test, _ in tests)
    return f"CASE WHEN {' OR '.join(suspects)} THEN CASE WHEN {worst} THEN [{found}] END END"


def _is_null(column: Column, text: str) -> str:
    """True for a missing cell or a null spelling; white space around does not count."""
    spellings = ", ".join(quote_text(value) for value in dict.fromkeys(("", *column.null_values)))
    return f"({text} IS NULL OR {text} IN ({spellings}) OR trim({text}, {_BLANKS}) IN ({spellings}))"


def _output_type(column: Column) -> str:
    return "VARCHAR" if kind(column) in ("VARCHAR", "JSON", "UUID") else column.duckdb_type


def _cast(column: Column, text: str) -> str:
    """DuckDB's own cast, which is lenient; ``_value`` decides where to believe it."""
    match kind(column):
        case "VARCHAR" | "JSON" | "UUID" | "TIMESTAMPTZ":
            return ""
        case "DATE" | "TIMESTAMP" if column.formats:
            return ""
        case _ if column.numbers:
            return ""
        case _:
            return f"TRY_CAST({text} AS {column.duckdb_type})"


def _value(column: Column, text: str, cast: str) -> str:
    """SQL for the typed value, NULL where the text is a null spelling or not of the type."""
    value = _parsed(column, text, cast)
    spelled = "".join(column.null_values)
    if kind(column) == "VARCHAR" or not (
        spelled and (kind(column) == "BOOLEAN" or re.search(r"\d", spelled))
    ):
        return value
    return f"CASE WHEN {_is_null(column, text)} THEN NULL ELSE {value} END"


def _parsed(column: Column, text: str, cast: str) -> str:
    """A cast is believed if it gives the same text back; the rest must match the type's strict pattern."""
    trimmed = f"trim({text}, {_BLANKS})"
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
            return _strict(text, f"{cast}::VARCHAR = {text}", cast, _INTEGER, again)
        case "DECIMAL":
            scale = _scale(column.duckdb_type)
            digits = rf"[+-]?(\d+\.?|\d*\.\d{{1,{scale}}}0*)" if scale else r"[+-]?\d+(\.0*)?"
            return _strict(text, f"{cast}::VARCHAR = {text}", cast, digits, again)
        case "DOUBLE" | "FLOAT":
            fits = f"CASE WHEN isfinite({again}) THEN {again} END"
            return _strict(
                text, f"isfinite({cast}) AND regexp_full_match({text}, '{_FLOAT}')", cast, _FLOAT, fits
            )
        case "DATE":
            return _date(column, text, cast)
        case "TIMESTAMP" | "TIMESTAMPTZ":
            return _timestamp(column, text, cast)
        case "TIME":
            midnight = "TIME '24:00:00'"
            fits = f"CASE WHEN {again} < {midnight} THEN {again} END"
            if column.formats:
                plain = _strict(text, "false", cast, _CLOCK, fits)
                return f"coalesce({_formats(column, text)}::TIME, {plain})"
            return _strict(text, f"{cast}::VARCHAR = {text} AND {cast} < {midnight}", cast, _CLOCK, fits)
        case "JSON":
            return _json(column, text)
        case "UUID":
            return _strict(text, "false", text, _UUID, f"TRY_CAST({trimmed} AS UUID)::VARCHAR")
        case _:
            return f"CASE WHEN {cast}::VARCHAR = {text} THEN {cast} END"


def _strict(text: str, believed: str, cast: str, pattern: str, value: str) -> str:
    matches = f"regexp_full_match(trim({text}, {_BLANKS}), '{pattern}')"
    return f"CASE WHEN {believed} THEN {cast} WHEN {text} = '' THEN NULL WHEN {matches} THEN {value} END"


def _json(column: Column, text: str) -> str:
    without_strings = f"regexp_replace({text}, '\"([^\"\\\\]|\\\\.)*\"', '0', 'g')"
    strict = f"NOT regexp_matches({without_strings}, '{_LOOSE_JSON}') AND NOT regexp_matches({text}, '{_JSON_NUL}')"
    valid = f"CASE WHEN json_valid({text}) THEN {strict} ELSE false END"
    return f"CASE WHEN {_is_null(column, text)} THEN NULL WHEN {valid} THEN {text} END"


def _string(column: Column, text: str) -> str:
    spellings = column.null_values
    if len(spellings) == 1:
        return f"nullif({text}, {quote_text(spellings[0])})"
    listed = ", ".join(quote_text(value) for value in spellings)
    return f"CASE WHEN {text} IN ({listed}) THEN NULL ELSE {text} END" if spellings else text


def _scale(duckdb_type: str) -> int:
    found = re.search(r"\(\s*\d+\s*,\s*(\d+)\s*\)", duckdb_type)
    return int(found[1]) if found else 0 if "(" in duckdb_type else 3


def _formats(column: Column, text: str) -> str:
    """``%Y`` also takes two digits, and they would be a year of antiquity: those with ``%y`` are tried first."""
    ordered = sorted(column.formats, key=lambda one: "%y" not in one)
    listed = ", ".join(quote_text(value) for value in ordered)
    written = f"({bare(text)})"
    if any("%z" in one for one in ordered):
        written = f"regexp_replace({written}, '[Zz]$', '+00')"
    parsed = f"try_strptime({written}, [{listed}])"
    return (
        f"CASE WHEN year({parsed}) > 99 THEN {parsed} END" if any("%Y" in one for one in ordered) else parsed
    )


def _date(column: Column, text: str, cast: str) -> str:
    if column.formats:
        parsed = _formats(column, text)
        return f"CASE WHEN {parsed} = date_trunc('day', {parsed}) THEN {parsed}::DATE END"
    day = f"TRY_CAST(trim({text}, {_BLANKS}) AS DATE)"
    again = f"CASE WHEN year({day}) > 0 THEN {day} END"
    # Ten characters that begin with a digit and give such a year can only be a plain date.
    years = f"{cast} BETWEEN DATE '1000-01-01' AND DATE '9999-12-31'"
    plain = f"strlen({text}) = 10 AND {text} BETWEEN '0' AND ':' AND {years}"
    return _strict(text, plain, cast, rf"{_DATE}([T ]00:00(:00(\.0+)?)?)?", again)


def _timestamp(column: Column, text: str, cast: str) -> str:
    """Through TIMESTAMPTZ (the session's zone is UTC), since a cast to TIMESTAMP drops the offset."""
    zoned = kind(column) == "TIMESTAMPTZ"
    if column.formats:
        return f"{_formats(column, text)}::{column.duckdb_type}"
    # DuckDB wants no space before the offset, and a colon in it.
    tidy = rf"regexp_replace(trim({text}, {_BLANKS}), '\s?([+-]\d\d):?(\d\d)$', '\1:\2')"
    again = f"TRY_CAST({tidy} AS TIMESTAMPTZ)"
    value = f"CASE WHEN year({again}) BETWEEN 1 AND 9999 THEN {again}{'' if zoned else '::' + column.duckdb_type} END"
    plain = "false" if zoned else f"{cast}::VARCHAR = {text} AND year({cast}) BETWEEN 1 AND 9999"
    return _strict(text, plain, "NULL" if zoned else cast, rf"{_DATE}([T ]{_CLOCK}({_ZONE})?)?", value)
