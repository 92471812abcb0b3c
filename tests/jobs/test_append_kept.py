"""Append leaves out what the audit rejected, and nothing else, whatever the rows are."""

from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sluice.contracts.model import Contract
from sluice.errors import BugError
from sluice.jobs import append, ledger, steps
from sluice.quality.verdict import Verdict
from sluice.readers.base import Stage
from sluice.warehouse.connection import Warehouse
from tests.jobs.appending import APPENDED, Steps, rows, write
from tests.jobs.loading import load
from tests.jobs.test_publish import Row as Cells
from tests.jobs.test_publish import as_stored, expected, good, marked, table


def stage_with(folder: Path, numbers: list[int], rejected: list[tuple[int, int]]) -> tuple[Stage, Verdict]:
    """A stage of load 5 with these records, and a verdict that rejects (load, record)."""
    pq.write_table(pa.table({"_record_no": pa.array(numbers, pa.int64())}), folder / "rows.parquet", 3)
    loads, records = zip(*rejected, strict=True) if rejected else ((), ())
    table = {"_load_id": pa.array(loads, pa.int64()), "_record_no": pa.array(records, pa.int64())}
    pq.write_table(pa.table(table), folder / "verdict.parquet", 2)
    return Stage(folder, 5, len(numbers), len(numbers), 0), Verdict(folder, rejected=len(set(rejected)))


@pytest.mark.parametrize(
    ("rejected", "left"),
    [
        ([], [2, 3, 5, 7, 8, 9, 12]),
        ([(5, 2), (5, 5), (5, 5), (5, 5), (5, 5), (5, 12)], [3, 7, 8, 9]),
        ([(4, 3), (4, 9), (5, 3), (6, 2), (6, 12)], [2, 5, 7, 8, 9, 12]),
        ([(5, n) for n in (2, 3, 5, 7, 8, 9, 12)], []),
        ([(4, 2), (6, 2)], [2, 3, 5, 7, 8, 9, 12]),
    ],
)
def test_kept_leaves_out_the_rejected(
    tmp_path: Path, rejected: list[tuple[int, int]], left: list[int]
) -> None:
    stage, verdict = stage_with(tmp_path, [2, 3, 5, 7, 8, 9, 12], rejected)
    assert [n for batch in append.kept(stage, verdict) for n in batch["_record_no"].to_pylist()] == left


@pytest.mark.parametrize(
    ("numbers", "rejected"),
    [
        ([2, 3, 5, 7, 8], [4]),
        ([2, 3, 5, 7, 8], [9]),
        ([2, 3, 5, 7, 8], [1]),
        ([7, 8, 9, 2, 3], [3, 8]),
        ([], [1]),
    ],
)
def test_a_rejected_record_that_is_not_found_stops_the_publish(
    tmp_path: Path, numbers: list[int], rejected: list[int]
) -> None:
    stage, verdict = stage_with(tmp_path, numbers, [(5, n) for n in rejected])
    with pytest.raises(BugError, match="not in the stage"):
        list(append.kept(stage, verdict))


def test_a_copy_that_fails_half_way_leaves_the_connection_usable(
    standing: Warehouse, items: Contract, tmp_path: Path
) -> None:
    work = Steps.of(standing, items)
    many = [(str(n), "n", "1") for n in range(10, 60_000)]
    stage = work.convert(write(tmp_path / "many.csv", many))
    pq.write_table(
        pa.table({"_load_id": [stage.load_id], "_record_no": [59_995]}), tmp_path / "verdict.parquet"
    )
    with standing.connect() as connection:
        connection.execute("CREATE TEMP TABLE before ()")
        with pytest.raises(BugError, match="not in the stage"):
            append.copied(connection, items, [stage], Verdict(tmp_path, rejected=1))
        assert connection.execute("SELECT FROM before").fetchall() == []
        assert rows(connection) == APPENDED[:2]


def rising(stage: Stage) -> tuple[str, ...]:
    """``id`` where it only rises, by brute force."""
    ids = pq.read_table(stage.rows_path)["id"].to_pylist()
    return ("id",) if ids and None not in ids and all(a < b for a, b in pairwise(ids)) else ()


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],  # a load takes a tenth of a second: shrinking would take minutes
)
@given(
    before=st.lists(good, min_size=1, max_size=6, unique_by=lambda r: r[0]),
    found=marked,
    cut=st.integers(0, 40),
    ordered=st.booleans(),
)
def test_any_rows_are_published_or_rejected_twice_in_a_row(
    module_warehouse: Warehouse,
    items: Contract,
    tmp_path: Path,
    before: list[Cells],
    found: list[tuple[bool, Cells]],
    cut: int,
    ordered: bool,
) -> None:
    if ordered:
        found.sort(key=lambda one: int(one[1][0]) if one[1][0].isdigit() else 0)
    parts = [part for part in (found[:cut], found[cut:]) if part]
    paths = [write(tmp_path / f"{n}.csv", [row for _, row in part]) for n, part in enumerate(parts)]
    with module_warehouse.connect(autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS data.items")
        load(module_warehouse, items, write(tmp_path / "before.csv", before))
        standing = {row[0]: as_stored(row) for row in before}
        for _ in range(2):
            standing, counts = expected(found, standing, "append")
            work = Steps.of(module_warehouse, items)
            stages = [work.convert(path, number) for number, path in enumerate(paths)]
            assert not any(work.has_incoming(number) for number in range(len(paths)))
            assert all(stage.rising == rising(stage) for stage in stages)
            outcome = work.publish(*stages)
            assert (outcome.published, outcome.rejected) == (counts["published"], counts["rejected"])
            assert outcome.published + outcome.rejected == outcome.read == len(found)
            assert sum(outcome.reasons.values()) == outcome.rejected
            kept = {(r["load_id"], r["record_no"]) for r in ledger.rejects(module_warehouse, outcome.job_id)}
            assert len(kept) == outcome.rejected
            assert table(connection) == sorted(standing.values(), key=lambda row: int(row[0]))
            steps.clean(module_warehouse, work.job)
