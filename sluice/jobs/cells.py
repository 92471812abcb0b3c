"""Typed records back as text cells, written so that the reader types them again to the same values."""

from collections.abc import Sequence

import duckdb

from sluice.contracts.model import Column, Contract
from sluice.contracts.sql import identifier, literal
from sluice.readers.base import Stage
from sluice.security import lake

_PACKED = """
SELECT _record_no, json_merge_patch(to_json(struct_pack({cells})), coalesce(_extra, '{{}}'))
FROM read_parquet($path) WHERE _record_no IN (SELECT unnest($numbers))
"""


def cells_of(stage: Stage, numbers: Sequence[int], contract: Contract) -> dict[int, str]:
    """The cells of these staged records by number, each a JSON object of text by column name."""
    staged = _names(stage)
    columns = [column for column in contract.columns if column.name in staged]
    cells = ", ".join(f"{identifier(column.name)} := {_text(column)}" for column in columns)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        values = {"path": lake.location(connection, stage.rows_path), "numbers": list(set(numbers))}
        return dict(connection.execute(_PACKED.format(cells=cells), values).fetchall())


def _names(stage: Stage) -> set[str]:
    with lake.parquet(stage.rows_path) as file:
        return set(file.schema_arrow.names)


def _text(column: Column) -> str:
    """SQL for the column's value as text. Where the contract names formats, ISO may not be one of them."""
    name = identifier(column.name)
    plain = f"CAST({name} AS VARCHAR)"
    if column.numbers and column.numbers.decimal != ".":
        return f"replace({plain}, '.', {literal(column.numbers.decimal)})"
    if column.duckdb_type not in ("DATE", "TIMESTAMP", "TIMESTAMPTZ"):
        return plain
    # The first format that keeps the whole value: one without a clock loses the time of day.
    formats = f"[{', '.join(map(literal, column.formats))}]"
    written = [f"strftime({name}, {literal(one)})" for one in column.formats]
    cases = "".join(
        f" WHEN TRY_CAST(try_strptime({text}, {formats}) AS {column.duckdb_type}) = {name} THEN {text}"
        for text in written
    )
    return f"CASE{cases} ELSE {plain} END" if cases else plain
