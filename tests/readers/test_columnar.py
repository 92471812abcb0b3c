"""Parquet and Arrow: exact text of each value, NULL missing, damaged files refused."""

import datetime as dt
import tempfile
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.errors import ReadError
from sluice.readers import open_table

from .conftest import cells, column, contract

TABLE = pa.table(
    {
        "big": pa.array([2**63 - 1, None]),
        "money": [Decimal("1.10"), Decimal("-12345678901234567890.01")],
        "ratio": [0.1, 1e21],
        "single": pa.array([0.1, 3], pa.float32()),
        "bytes": [b"\x00\xff", None],
        "moment": pa.array(
            [dt.datetime(2024, 1, 1, 3, tzinfo=dt.UTC), None], pa.timestamp("us", "Europe/Berlin")
        ),
        "day": [dt.date(2024, 2, 29), None],
        "list": pa.array([[Decimal("1.10"), None], None], pa.list_(pa.decimal128(5, 2))),
        "nested": [{"a": 1, "b": None}, None],
        "kind": pa.array(["x", "y"]).dictionary_encode(),
    }
)
ROWS = [
    [
        "9223372036854775807",
        "1.10",
        "0.1",
        "0.1",
        "00ff",
        "2024-01-01 03:00:00Z",
        "2024-02-29",
        "[1.10, null]",
        '{"a": 1, "b": null}',
        "x",
    ],
    [None, "-12345678901234567890.01", "1e+21", "3", None, None, None, None, None, "y"],
]


def stream(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_stream(path, table.schema) as out:
        out.write_table(table)


WRITERS = {"parquet": pq.write_table, "feather": feather.write_feather, "stream": stream}


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_values_come_as_exact_text(tmp_path, writer):
    writer(TABLE, tmp_path / "x")
    table = open_table(tmp_path / "x")
    assert (table.header, cells(table)) == (tuple(TABLE.column_names), ROWS)


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_a_cut_off_file_is_refused(tmp_path, writer):
    writer(TABLE, tmp_path / "x")
    content = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(content[: len(content) // 2])
    with pytest.raises(ReadError, match="cannot be read"):
        open_table(tmp_path / "x")


def test_feather_1_and_encrypted_parquet_are_refused(tmp_path):
    for magic, told in ((b"FEA1", "version 1"), (b"PARE", "encrypted")):
        (tmp_path / "x").write_bytes(magic + b"\0" * 50 + magic)
        with pytest.raises(ReadError, match=told):
            open_table(tmp_path / "x")


def test_cells_that_cannot_be_typed_are_rejects(tmp_path, load):
    pq.write_table(pa.table({"a": ["1", "x"], "b": [1, 2]}), tmp_path / "x")
    staged = load(tmp_path / "x", contract(column("a", "INTEGER"), "b"))
    assert staged.reasons == [(2, "a", "not_an_integer")]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.none() | st.text(max_size=8), st.none() | st.integers(-(2**63), 2**63 - 1)), max_size=5
    )
)
def test_any_table_comes_back(rows):
    with tempfile.TemporaryDirectory() as folder:
        names = pa.schema([("a", pa.string()), ("b", pa.int64())])
        made = pa.table([pa.array([row[i] for row in rows], names.types[i]) for i in (0, 1)], schema=names)
        pq.write_table(made, Path(folder) / "x")
        got = cells(open_table(Path(folder) / "x"))
    assert got == [[a, None if b is None else str(b)] for a, b in rows]
