"""What is known to rise is not searched for repeats, and the verdict is the same."""

import dataclasses
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.quality import audit
from sluice.readers.rising import Rising
from tests.quality.conftest import contract_of, rejects, unique

CELL = st.one_of(st.none(), st.integers(0, 6))
ROWS = st.lists(st.fixed_dictionaries({"id": CELL, "code": CELL.map(lambda v: v and str(v))}), max_size=6)


def rising(path: Path) -> tuple[str, ...]:
    watched = Rising(["id", "code"])
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(2):
            watched.see(batch)
    return watched.names


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, ordered=st.booleans())
def test_the_verdict_is_that_of_a_search(stage_of, tmp_path, rows, ordered):
    if ordered:
        rows = [{**row, "id": number} for number, row in enumerate(rows)]
    contract = contract_of(unique("id"), unique("code"), unique("code", "id"))
    stage = stage_of(rows)
    known = dataclasses.replace(stage, rising=rising(stage.rows_path))
    assert not ordered or not rows or "id" in known.rising
    searched, spared = [
        audit([one], contract, mode="append", directory=tmp_path / name)
        for name, one in (("searched", stage), ("spared", known))
    ]
    assert rejects(spared) == rejects(searched)
    assert (spared.reasons, spared.score) == (searched.reasons, searched.score)


@pytest.mark.parametrize("stages", [1, 2])
def test_only_within_one_stage_is_a_rising_column_unique(stage_of, tmp_path, stages):
    made = [
        dataclasses.replace(stage_of([{"id": 1}, {"id": 2}], n), rising=("id",)) for n in range(1, stages + 1)
    ]
    verdict = audit(made, contract_of(unique("id")), mode="append", directory=tmp_path / "verdict")
    assert verdict.rejected == 2 * (stages - 1)
