"""How old a dataset's newest load is, against what its contract promises."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sluice.contracts.model import Contract
from sluice.jobs.freshness import Freshness, freshness
from sluice.warehouse.connection import Connection, Warehouse
from tests.jobs.loading import load


@pytest.fixture
def daily(items: Contract) -> Contract:
    return replace(items, freshness_hours=24)


def stand(warehouse: Warehouse, contract: Contract, organization_id: int = 1) -> Freshness:
    return freshness(warehouse, [contract], organization_id)[contract.dataset]


def age(connection: Connection, hours: float) -> None:
    """Let all loads be that much older."""
    connection.execute("UPDATE sluice.loads SET published_at = published_at - %s", [timedelta(hours=hours)])


def test_a_dataset_is_fresh_until_its_sla_has_passed(
    warehouse: Warehouse, connection: Connection, daily: Contract, items: Contract, tmp_path: Path
) -> None:
    assert stand(warehouse, daily).state == "never loaded"
    path = tmp_path / "input.csv"
    path.write_text("id,label\n1,a\n")
    load(warehouse, daily, path)
    loaded = stand(warehouse, daily)
    assert (loaded.state, loaded.late_hours) == ("fresh", 0)
    assert loaded.loaded_at is not None
    assert abs(datetime.now(UTC) - loaded.loaded_at) < timedelta(minutes=2)
    age(connection, 27.5)
    assert stand(warehouse, daily).words == "late by 3 h"
    assert stand(warehouse, daily).as_dict()["late_hours"] == 3.5
    assert stand(warehouse, items).state == "no SLA"
    assert stand(warehouse, daily, organization_id=2).state == "never loaded"


def test_rows_that_came_again_count_and_rejects_do_not(
    warehouse: Warehouse, connection: Connection, daily: Contract, tmp_path: Path
) -> None:
    path = tmp_path / "input.csv"
    path.write_text("id,label\n1,a\n")
    load(warehouse, daily, path, mode="upsert")
    age(connection, 30)
    bad = tmp_path / "bad.csv"
    bad.write_text("id,label\nx,a\n")
    load(warehouse, daily, bad)
    assert stand(warehouse, daily).state == "late"
    assert load(warehouse, daily, path, mode="upsert").unchanged == 1
    assert stand(warehouse, daily).state == "fresh"


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (24.001, "late by 1 min"),
        (24.5, "late by 30 min"),
        (25, "late by 1 h"),
        (71.9, "late by 47 h"),
        (96, "late by 3 days"),
        (24, "fresh"),
    ],
)
def test_lateness_is_told_in_the_unit_that_fits(hours: float, words: str) -> None:
    assert Freshness(24, datetime.now(UTC), hours).words == words
