"""Parquet, Arrow and Feather."""

import datetime as dt
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyarrow import feather
from pyarrow import parquet as pq

from cases import HEADER, ROWS, Case, refused

TABLE = pa.table(
    dict(zip(HEADER, ([r[0] for r in ROWS], [int(r[1]) for r in ROWS], [r[2] for r in ROWS]), strict=True))
)


def written(write: Callable[[Any, io.BytesIO], object], table: pa.Table = TABLE) -> bytes:
    """What the writer makes of the table."""
    out = io.BytesIO()
    write(table, out)
    return out.getvalue()


def stream(table: pa.Table, out: io.BytesIO) -> None:
    """Arrow's format for streams."""
    with pa.ipc.new_stream(out, table.schema) as target:
        target.write_table(table)


VALUES = pa.table(
    {
        "big": pa.array([2**63 - 1, None]),
        "money": [Decimal("1.10"), Decimal("-12345678901234567890.01")],
        "moment": pa.array([dt.datetime(2024, 1, 1, 3, tzinfo=dt.UTC), None], pa.timestamp("us", "UTC")),
        "list": pa.array([[1, 2], None]),
        "kind": pa.array(["x", "y"]).dictionary_encode(),
    }
)
TWICE = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])

CASES = [
    Case("parquet.parquet", "Parquet.", written(pq.write_table)),
    Case("parquet-named-csv.csv", "Parquet named .csv.", written(pq.write_table)),
    Case(
        "feather.feather",
        "Feather.",
        written(lambda table, out: feather.write_feather(table, out, compression="uncompressed")),
    ),
    Case("arrow-stream.arrows", "Arrow's format for streams.", written(stream)),
    Case(
        "values-exact.parquet",
        "Long numbers, decimals, moments, lists and categories.",
        written(pq.write_table, VALUES),
        ("big", "money", "moment", "list", "kind"),
        (
            ("9223372036854775807", "1.10", "2024-01-01 03:00:00Z", "[1, 2]", "x"),
            ("", "-12345678901234567890.01", "", "", "y"),
        ),
    ),
    Case(
        "names-twice.arrow", "Two columns have one name.", written(stream, TWICE), ("a", "a"), (("1", "2"),)
    ),
    Case("no-rows.parquet", "Columns and no row.", written(pq.write_table, TABLE.slice(0, 0)), rows=()),
    refused(
        "cut-off.parquet", "Parquet that is cut off.", written(pq.write_table)[:-30], "Parquet", "cut off"
    ),
    refused(
        "cut-off.feather",
        "Feather that is cut off.",
        written(lambda table, out: feather.write_feather(table, out, compression="uncompressed"))[:-60],
        "Arrow",
        "cut off",
    ),
]
