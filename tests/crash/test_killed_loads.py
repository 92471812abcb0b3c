"""Loads that are killed with SIGKILL at random instants: afterwards all of the load stands, or none of it."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from sluice.warehouse.connection import Warehouse
from tests.crash import model
from tests.crash.checks import check_after_crash, check_again, check_clean, check_completed, jobs
from tests.crash.conftest import KINDS, Inputs, Zygote, wait_for

# Random instants a kind, spread over the whole load, and again over its publish.
WHOLE, PUBLISH = 5, 3
INSTANTS = [("whole", n) for n in range(WHOLE)] + [("publish", n) for n in range(PUBLISH)]


@pytest.mark.parametrize("mode", KINDS)
def test_an_undisturbed_load_gives_what_the_model_says(
    zygote: Zygote, database: Warehouse, inputs: Inputs, home: Path, mode: str
) -> None:
    zygote.load(database, home, inputs.paths[mode], mode)
    with database.connect(autocommit=True) as connection:
        done = model.expected(inputs.rows[mode], model.standing(), mode)
        check_completed(connection, jobs(connection, inputs.paths[mode])[0], done)
        check_clean(connection)


@pytest.mark.parametrize(("part", "number"), INSTANTS)
@pytest.mark.parametrize("mode", KINDS)
def test_a_load_killed_at_a_random_instant_is_whole_or_absent_and_a_rerun_completes_it(
    zygote: Zygote,
    durations: dict[tuple[str, str], float],
    database: Warehouse,
    inputs: Inputs,
    home: Path,
    mode: str,
    part: str,
    number: int,
) -> None:
    before = model.standing()
    done = model.expected(inputs.rows[mode], before, mode)
    chance = random.Random(f"{mode} {part} {number}")
    share = (number + chance.random()) / (WHOLE if part == "whole" else PUBLISH)
    pid = zygote.begin(database, home, inputs.paths[mode], mode)
    if part == "publish":
        wait_for(home / "publishing")
    time.sleep(durations[mode, part] * share)
    os.kill(pid, signal.SIGKILL)
    zygote.end(pid)
    status = check_after_crash(database, inputs.paths[mode], before, done)
    again = zygote.load(database, home, inputs.paths[mode], mode)
    assert again["status"] == "completed", again
    with database.connect(autocommit=True) as connection:
        check_again(connection, inputs.paths[mode], status, done)
