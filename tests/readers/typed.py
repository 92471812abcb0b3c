"""Texts through typed columns: what comes of them."""

import json
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

from sluice.readers import open_table, stage

from .conftest import column, contract


def typed(texts, *columns):
    """Each text through one column of each given kind: (values by column, rejects)."""
    names = [c.name for c in columns]
    return typed_records([dict.fromkeys(names, text) for text in texts], *columns)


def typed_records(records, *columns):
    """Records that need not have all columns, staged: (rows, rejects)."""
    wanted = contract("key", *columns)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.json"
        path.write_text(json.dumps([{"key": "k", **record} for record in records]))
        done = stage(open_table(path), wanted, Path(folder) / "s", load_id=1, organization_id=1)
        return pq.read_table(done.rows_path).to_pylist(), pq.read_table(done.rejects_path).to_pylist()


def accepts(duckdb_type, good, **more):
    rows, rejects = typed(list(good), column("c", duckdb_type, **more))
    assert rejects == []
    assert [row["c"] for row in rows] == list(good.values())


def rejects(duckdb_type, reason, bad, **more):
    rows, found = typed(bad, column("c", duckdb_type, **more))
    assert [row["c"] for row in rows] == []
    assert [(r["column"], r["reason"]) for r in found] == [("c", reason)] * len(bad)
    for reject, text in zip(found, bad, strict=True):
        assert repr(text[:80])[:-1] in reject["message"]
