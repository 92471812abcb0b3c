"""Parquet files are read in the portions that their writer made, so that wide rows stay few at a time."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sluice.warehouse.copy import parquet_batches


@pytest.mark.parametrize("sizes", [[], [5], [3, 100, 1]])
def test_a_batch_spans_no_row_groups(tmp_path: Path, sizes: list[int]) -> None:
    path = tmp_path / "rows.parquet"
    schema = pa.schema([("n", pa.int64()), ("text", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        for size in sizes:
            writer.write_batch(pa.record_batch({"n": range(size), "text": ["x"] * size}, schema=schema))
    batches = list(parquet_batches(path, ["n"]))
    assert [batch.num_rows for batch in batches] == sizes
    assert all(batch.schema.names == ["n"] for batch in batches)
