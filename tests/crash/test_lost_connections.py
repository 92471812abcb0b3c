"""Connections that the server ends in the middle of a load: an error of the retry family, and a retry succeeds."""

import random
import time
from pathlib import Path

import psycopg
import pytest

from sluice.warehouse.connection import Warehouse
from tests.crash import model
from tests.crash.checks import check_after_crash, check_again
from tests.crash.conftest import KINDS, Inputs, Zygote, wait_for

END_ALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@pytest.mark.parametrize("part", ["whole", "publish"])
@pytest.mark.parametrize("mode", KINDS)
def test_a_load_that_lost_all_its_connections_completes_by_trying_the_step_again(
    zygote: Zygote,
    durations: dict[tuple[str, str], float],
    database: Warehouse,
    inputs: Inputs,
    home: Path,
    mode: str,
    part: str,
) -> None:
    before = model.standing()
    done = model.expected(inputs.rows[mode], before, mode)
    with psycopg.connect(database.url, autocommit=True) as admin:
        pid = zygote.begin(database, home, inputs.paths[mode], mode, insist=True)
        if part == "publish":
            wait_for(home / "publishing")
        time.sleep(durations[mode, part] * random.Random(f"{mode} {part}").random())
        admin.execute(END_ALL)
        outcome = zygote.end(pid)
    # The start of the job is no step, so it is not tried again.
    assert outcome["status"] == "completed" or (part, outcome["error"]) == ("whole", "RetryError"), outcome
    status = check_after_crash(database, inputs.paths[mode], before, done)
    assert status == outcome["status"] or (status, outcome["status"]) == ("unborn", "failed")
    again = zygote.load(database, home, inputs.paths[mode], mode)
    assert again["status"] == "completed", again
    with database.connect(autocommit=True) as connection:
        check_again(connection, inputs.paths[mode], status, done)
