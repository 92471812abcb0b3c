"""A glance at a job: the first rows that it published, and the first records that it turned away."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sluice.contracts.model import Contract
from sluice.contracts.registry import load_contract
from sluice.errors import DataRefused
from sluice.jobs import ledger
from sluice.jobs.preview import rows_of
from sluice.warehouse.connection import Warehouse
from tests.jobs.appending import write
from tests.jobs.conftest import ITEMS
from tests.jobs.loading import load, run


def preview(warehouse: Warehouse, job_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ledger.get(warehouse, job_id)["result_data"]["data_preview"]
    return found


def test_the_first_rows_are_those_that_were_published(
    warehouse: Warehouse, items: Contract, tmp_path: Path
) -> None:
    first = write(tmp_path / "first.csv", [("1", "one", "1"), ("2", "two", "")])
    done = load(warehouse, items, first, mode="upsert")
    assert preview(warehouse, done.job_id) == [
        {"id": 1, "label": "one", "amount": "1.00"},
        {"id": 2, "label": "two", "amount": None},
    ]
    rows = [("1", "one", "1"), ("9", "bad", "-1"), ("x", "", ""), ("3", "old", "3"), ("3", "new", "3")]
    rows += [(str(number), "more", "") for number in range(4, 20)]
    again = load(warehouse, items, write(tmp_path / "again.csv", rows), mode="upsert")
    assert [(row["id"], row["label"]) for row in preview(warehouse, again.job_id)] == [
        (3, "new"),
        *((number, "more") for number in range(4, 8)),
    ]
    errors = ledger.get(warehouse, again.job_id)["details"]["errors"]
    assert [(error["record_no"], error["reason"]) for error in errors[:2]] == [
        (2, "minimum"),
        (3, "not_an_integer"),
    ]
    nothing = load(warehouse, items, first, mode="upsert")
    assert (nothing.unchanged, preview(warehouse, nothing.job_id)) == (2, [])


def test_the_rows_of_several_files_are_one_preview(
    warehouse: Warehouse, items: Contract, tmp_path: Path
) -> None:
    paths = [
        write(tmp_path / f"{start}.csv", [(str(start + n), "x", "") for n in range(3)]) for start in (10, 20)
    ]
    done = load(warehouse, items, *paths)
    assert [row["id"] for row in preview(warehouse, done.job_id)] == [10, 11, 12, 20, 21]


def test_a_refused_job_tells_its_rejects_and_may_be_tried_again(
    warehouse: Warehouse, items: Contract, tmp_path: Path
) -> None:
    rule = "    quality:\n      - {type: library, metric: rowCount, mustBeGreaterThan: 5}\n"
    (tmp_path / "c.odcs.yaml").write_text(ITEMS.replace("    properties:\n", f"{rule}    properties:\n"))
    strict = load_contract(tmp_path / "c.odcs.yaml")[0]
    path = write(tmp_path / "bad.csv", [("1", "one", "1"), ("9", "bad", "-1"), ("x", "odd", "")])
    with pytest.raises(DataRefused):
        load(warehouse, strict, path)
    (job,) = ledger.listing(warehouse, organization_id=1)
    for _ in range(2):
        kept = [(row["record_no"], row["reason"]) for row in ledger.rejects(warehouse, job["job_id"])]
        assert kept == [(2, "minimum"), (3, "not_an_integer")]
        job = ledger.get(warehouse, job["job_id"])
        assert [error["line"] for error in job["details"]["errors"]] == [3, 4]
        ledger.requeue(warehouse, job["job_id"])
        request = {**job["details"]["request"], "job_id": job["job_id"], "dataset": job["dataset"]}
        with pytest.raises(DataRefused):
            run(warehouse, strict, request)
    ledger.requeue(warehouse, job["job_id"])
    write(path, [("1", "one", "1")])
    assert run(warehouse, items, request).published == 1
    assert not list(ledger.rejects(warehouse, job["job_id"]))
    assert "errors" not in ledger.get(warehouse, job["job_id"])["details"]


def test_a_preview_reads_no_further_than_it_must(items: Contract, tmp_path: Path) -> None:
    """It is made while the table is being published, of a file of any size."""
    path = tmp_path / "rows.parquet"
    with pq.ParquetWriter(
        path, pa.schema({"_record_no": pa.int64(), "id": pa.int64()}), compression="none"
    ) as file:
        for first in (1, 100_001):
            numbers = pa.array(range(first, first + 100_000), pa.int64())
            file.write_table(pa.table({"_record_no": numbers, "id": numbers}))
    last = pq.read_metadata(path).row_group(1).column(0)
    with path.open("r+b") as file:
        file.seek(last.dictionary_page_offset or last.data_page_offset)
        file.write(b"\xff" * 1000)
    stage = SimpleNamespace(rows_path=path)
    assert [row["id"] for row in rows_of(stage, [2, 3], items)] == [2, 3]
    with pytest.raises(OSError, match="page header"):
        rows_of(stage, [2, 100_002], items)
