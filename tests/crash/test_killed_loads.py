"""Loads that are killed with SIGKILL at random instants: afterwards all of the load stands, or none of it."""

import random
from pathlib import Path

import pytest

from sluice.warehouse.connection import Warehouse
from tests.conftest import new_database
from tests.crash import model
from tests.crash.checks import check_after_crash, check_again, check_clean, check_completed, jobs
from tests.crash.conftest import Inputs, Zygote

MODES = ("append", "upsert", "replace")
INSTANTS = 11


@pytest.fixture(scope="module")
def durations(
    zygote: Zygote, server_url: str, filled: str, inputs: Inputs, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, float]:
    """Seconds from the fork to the end of an undisturbed load, by mode."""
    measured = {}
    for mode in MODES:
        with new_database(server_url, filled) as url:
            answer = zygote.load(Warehouse.from_url(url), tmp_path_factory.mktemp("home"), inputs.path, mode)
        assert answer["outcome"]["status"] == "completed", answer
        measured[mode] = float(answer["seconds"])
    return measured


@pytest.mark.parametrize("mode", MODES)
def test_an_undisturbed_load_gives_what_the_model_says(
    zygote: Zygote, database: Warehouse, inputs: Inputs, home: Path, mode: str
) -> None:
    zygote.load(database, home, inputs.path, mode)
    with database.connect(autocommit=True) as connection:
        done = model.expected(inputs.rows, model.standing(), mode)
        check_completed(connection, jobs(connection, inputs.path)[0], done)
        check_clean(connection)


@pytest.mark.parametrize("instant", range(INSTANTS))
@pytest.mark.parametrize("mode", MODES)
def test_a_load_killed_at_a_random_instant_is_whole_or_absent_and_a_rerun_completes_it(
    zygote: Zygote,
    durations: dict[str, float],
    database: Warehouse,
    inputs: Inputs,
    home: Path,
    mode: str,
    instant: int,
) -> None:
    before = model.standing()
    done = model.expected(inputs.rows, before, mode)
    chance = random.Random(f"{mode} {instant}")
    after = durations[mode] * (instant + chance.random()) / INSTANTS
    zygote.load(database, home, inputs.path, mode, kill_after=after)
    status = check_after_crash(database, inputs.path, before, done)
    again = zygote.load(database, home, inputs.path, mode)
    assert again["outcome"]["status"] == "completed", again
    with database.connect(autocommit=True) as connection:
        check_again(connection, inputs.path, status, done)
