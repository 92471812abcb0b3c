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


FAR = 2_534_023_008_000  # seconds; Arrow writes no year so late
TYPES = {
    "decimal256": (pa.array([Decimal("1" * 50 + ".0012")], pa.decimal256(60, 4)), "1" * 50 + ".0012"),
    "decimal_negative_scale": (pa.array([Decimal("1E+5")], pa.decimal128(5, -3)), "100000"),
    "second": (pa.array([-1], pa.timestamp("s")), "1969-12-31 23:59:59"),
    "millisecond": (pa.array([1500], pa.timestamp("ms")), "1970-01-01 00:00:01.5"),
    "microsecond": (pa.array([-1], pa.timestamp("us")), "1969-12-31 23:59:59.999999"),
    "nanosecond": (pa.array([1_500_000_001], pa.timestamp("ns")), "1970-01-01 00:00:01.500000001"),
    "zone": (pa.array([1], pa.timestamp("ns", "America/New_York")), "1970-01-01 00:00:00.000000001Z"),
    "offset": (pa.array([0], pa.timestamp("s", "+02:00")), "1970-01-01 00:00:00Z"),
    "far": (pa.array([FAR], pa.timestamp("s")), "82269-12-29 00:00:00"),
    "date32": (pa.array([3_000_000], pa.date32()), "10183-09-21"),
    "date64": (pa.array([86_400_000 * 3_000_000], pa.date64()), "10183-09-21"),
    "time32": (pa.array([1], pa.time32("ms")), "00:00:00.001"),
    "time64": (pa.array([1], pa.time64("ns")), "00:00:00.000000001"),
    "duration": (pa.array([-1_500_000_001], pa.duration("ns")), "-00:00:01.500000001"),
    "long_duration": (pa.array([2**62], pa.duration("s")), "1281023894007607:45:04"),
    "half": (pa.array([0.5], pa.float16()), "0.5"),
    "double": (pa.array([1e15]), "1000000000000000"),
    "infinity": (pa.array([float("-inf")]), "-inf"),
    "unsigned": (pa.array([2**64 - 1], pa.uint64()), "18446744073709551615"),
    "null": (pa.nulls(1), None),
    "large_string": (pa.array(["a"], pa.large_string()), "a"),
    "string_view": (pa.array(["a"], pa.string_view()), "a"),
    "large_binary": (pa.array([b"\0\xff"], pa.large_binary()), "00ff"),
    "binary_view": (pa.array([b"\0\xff"], pa.binary_view()), "00ff"),
    "fixed_binary": (pa.array([b"ab"], pa.binary(2)), "6162"),
    "dictionary": (pa.array([1.5]).dictionary_encode(), "1.5"),
    "large_list": (pa.array([[1, None]], pa.large_list(pa.int8())), "[1, null]"),
    "fixed_list": (pa.array([[1, 2]], pa.list_(pa.int8(), 2)), "[1, 2]"),
    "list_view": (pa.array([[1]], pa.list_view(pa.int8())), "[1]"),
    "list_of_durations": (pa.array([[1]], pa.list_(pa.duration("ns"))), '["00:00:00.000000001"]'),
    "map": (pa.array([[("a", 1), ("b", None)]], pa.map_(pa.string(), pa.int32())), '[["a", 1], ["b", null]]'),
    "runs": (pa.RunEndEncodedArray.from_arrays(pa.array([1], pa.int32()), pa.array(["p"])), "p"),
    "uuid": (
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0123456789abcdef"], pa.binary(16))),
        "30313233-3435-3637-3839-616263646566",
    ),
    "bool8": (pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1], pa.int8())), "true"),
}


@pytest.mark.parametrize(("values", "text"), TYPES.values(), ids=TYPES)
def test_every_type_comes_as_exact_text(tmp_path, values, text):
    stream(pa.table({"a": values}), tmp_path / "x")
    assert cells(open_table(tmp_path / "x")) == [[text]]


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


def test_wrong_bytes_in_a_parquet_text_are_replaced_in_their_cell_only(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(
        pa.table({"a": ["Zoe", "fine", None], "b": ["x", "y", "z"]}),
        path,
        compression="none",
        use_dictionary=False,
    )
    path.write_bytes(path.read_bytes().replace(b"Zoe", b"Zo\xe9"))
    table = open_table(path)
    assert cells(table) == [["Zo\ufffd", "x"], ["fine", "y"], [None, "z"]]
    assert table.account.repairs == {"replaced_bytes": 1}
