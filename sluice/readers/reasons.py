"""Why a cell is not of its column's type, in words that say what to write instead."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from sluice.contracts.model import Column
from sluice.readers.spellings import sample
from sluice.readers.values import kind

_SHOWN = 80
_BITS = {"smallint": 16, "integer": 32, "bigint": 64}
_LAST_SECOND = datetime(2024, 12, 31, 23, 59, 59)
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
    "UUID": ("not_a_uuid", "a UUID such as 0b5e8f6c-2d1a-4c3b-9e7f-1a2b3c4d5e6f"),
    "INTEGER": ("not_an_integer", "a whole number"),
}


def untyped(column: Column, text: str) -> tuple[str, str]:
    """The reason and the message for a cell that can't be typed."""
    family = kind(column)
    reason, wanted = REASONS.get(family, ("not_typed", f"a value of type {column.duckdb_type}"))
    if column.numbers:
        whole = family == "INTEGER"
        wanted = f"a {'whole ' * whole}number such as {sample(column.numbers, whole)}"
    if family in ("INTEGER", "DECIMAL"):
        wanted += _fitting(column)
    if column.booleans:
        wanted += f", or {' or '.join((*column.booleans.true, *column.booleans.false))}"
    if column.formats:
        wanted = f"{wanted.partition(' such as ')[0]} such as {' or '.join(_examples(column.formats))}"
    return reason, f"{column.name}: {shown(text)} is not {wanted}."


def _fitting(column: Column) -> str:
    """What the type has room for."""
    if decimal := re.fullmatch(r"\w+\((\d+),\s*(\d+)\)", column.postgres_type):
        scale = int(decimal[2])
        return f" with at most {int(decimal[1]) - scale} digits before the point and {scale} after it"
    if bits := _BITS.get(column.postgres_type):
        return f" between {-(2 ** (bits - 1)):,} and {2 ** (bits - 1) - 1:,}"
    return f" that fits {column.postgres_type}"


def _examples(formats: Sequence[str]) -> Iterator[str]:
    """The last second of a year in each format, as people write it."""
    seen = set()
    for one in formats:
        text = _LAST_SECOND.strftime(one.replace("%z", "Z").replace("%Z", "UTC"))
        if text not in seen:
            yield text
        seen.add(text)


def shown(text: str) -> str:
    """A cell's text for a message."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
