"""Two processes that load at the same instant: one after the other in effect, and never twice."""

from pathlib import Path

import pytest

from sluice.warehouse.connection import Warehouse
from tests.crash import model
from tests.crash.checks import check_clean, check_completed, jobs
from tests.crash.conftest import KINDS, Inputs, Zygote


@pytest.mark.parametrize("mode", KINDS)
def test_of_two_loads_of_the_same_file_one_publishes_and_one_finds_it_done(
    zygote: Zygote, database: Warehouse, inputs: Inputs, home: Path, mode: str
) -> None:
    done = model.expected(inputs.rows[mode], model.standing(), mode)
    pids = [zygote.begin(database, home, inputs.paths[mode], mode) for _ in range(2)]
    outcomes = sorted((zygote.end(pid) for pid in pids), key=lambda outcome: -outcome["read"])
    assert [outcome["status"] for outcome in outcomes] == ["completed", "completed"]
    first, second = outcomes
    assert {name: first[name] for name in done.numbers} == done.numbers
    assert second["read"] == 0
    assert second["skipped"][0]["job_id"] == first["job_id"]
    with database.connect(autocommit=True) as connection:
        published = [job for job in jobs(connection, inputs.paths[mode]) if job["job_id"] == first["job_id"]]
        check_completed(connection, published[0], done)
        check_clean(connection)


@pytest.mark.parametrize("mode", KINDS)
def test_of_two_forced_loads_the_second_meets_the_rows_of_the_first(
    zygote: Zygote, database: Warehouse, inputs: Inputs, home: Path, mode: str
) -> None:
    once = model.expected(inputs.rows[mode], model.standing(), mode)
    twice = model.expected(inputs.rows[mode], once.rows, mode)
    pids = [zygote.begin(database, home, inputs.paths[mode], mode, force=True) for _ in range(2)]
    outcomes = [zygote.end(pid) for pid in pids]
    assert [outcome["status"] for outcome in outcomes] == ["completed", "completed"], outcomes
    found = [{name: outcome[name] for name in once.numbers} for outcome in outcomes]
    assert sorted(found, key=str) == sorted([once.numbers, twice.numbers], key=str)
    with database.connect(autocommit=True) as connection:
        assert model.stored(connection) == twice.rows
        assert model.stored(connection, 2) == model.FOREIGN
        check_clean(connection)


def test_of_two_forced_replaces_of_clean_rows_both_put_their_table_in_place(
    zygote: Zygote, database: Warehouse, inputs: Inputs, home: Path
) -> None:
    # Clean rows get their keys before the publish, for a table that the rival may swap meanwhile.
    pids = [zygote.begin(database, home, inputs.clean, "replace", force=True) for _ in range(2)]
    outcomes = [zygote.end(pid) for pid in pids]
    assert [outcome["status"] for outcome in outcomes] == ["completed", "completed"], outcomes
    with database.connect(autocommit=True) as connection:
        assert model.stored(connection) == {row[0]: row for row in model.clean()}
        assert model.stored(connection, 2) == model.FOREIGN
        check_clean(connection)
