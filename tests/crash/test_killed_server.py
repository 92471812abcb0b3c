"""PostgreSQL itself is killed with SIGKILL while a load publishes: all of the load stands, or none of it."""

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from sluice.jobs import recovery
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.embedded import Embedded
from tests.crash import model
from tests.crash.checks import check_after_crash, check_again, check_clean, check_completed, jobs
from tests.crash.conftest import KINDS, Inputs, Zygote, fill, wait_for

INSTANTS = 5


@pytest.fixture(scope="module")
def original(
    zygote: Zygote, module_server: Embedded, inputs: Inputs, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Fill the server's own database, to copy from."""
    module_server.ensure()
    fill(
        zygote, Warehouse.from_url(module_server.url()).prepare(), inputs, tmp_path_factory.mktemp("filling")
    )


@pytest.fixture
def copied(server: Embedded, original: None, request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    """A database with standing rows in a server of its own."""
    name = f"copy_{abs(hash(request.node.name))}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        # A sequence in a database copied by PostgreSQL's default strategy goes back when the server crashes.
        create = sql.SQL("CREATE DATABASE {} TEMPLATE sluice STRATEGY FILE_COPY")
        admin.execute(create.format(sql.Identifier(name)))
    yield Warehouse.from_url(server.url(name))
    server.ensure()


def kill(server: Embedded) -> None:
    pid = server.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while server.status().pid is not None:
        assert time.monotonic() < deadline, "the killed server goes on"
        time.sleep(0.01)


@pytest.mark.parametrize("number", range(INSTANTS))
def test_a_load_whose_server_was_killed_in_publish_is_whole_or_absent_and_a_rerun_completes_it(
    zygote: Zygote,
    durations: dict[tuple[str, str], float],
    server: Embedded,
    copied: Warehouse,
    inputs: Inputs,
    home: Path,
    number: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recovery, "GRACE_SECONDS", 0.2)  # nobody lives who would want his locks back
    mode = KINDS[number % len(KINDS)]
    before = model.standing()
    done = model.expected(inputs.rows[mode], before, mode)
    pid = zygote.begin(copied, home, inputs.paths[mode], mode)
    wait_for(home / "publishing")
    time.sleep(durations[mode, "publish"] * (number + random.Random(number).random()) / INSTANTS)
    kill(server)
    outcome = zygote.end(pid)
    assert outcome["status"] == "completed" or outcome["error"] == "RetryError", outcome
    server.ensure()
    status = check_after_crash(copied, inputs.paths[mode], before, done)
    assert status == "completed" or outcome["status"] == "failed"
    again = zygote.load(copied, home, inputs.paths[mode], mode)
    assert again["status"] == "completed", again
    with copied.connect(autocommit=True) as connection:
        check_again(connection, inputs.paths[mode], status, done)


@pytest.mark.parametrize("mode", ["direct", "replace"])
def test_a_load_starts_its_embedded_server_again_and_completes(
    zygote: Zygote,
    durations: dict[tuple[str, str], float],
    server: Embedded,
    copied: Warehouse,
    inputs: Inputs,
    home: Path,
    mode: str,
) -> None:
    pid = zygote.begin(copied, home, inputs.paths[mode], mode, insist=True, embedded=server.home)
    wait_for(home / "publishing")
    time.sleep(durations[mode, "publish"] * random.Random(mode).random())
    kill(server)
    outcome = zygote.end(pid)
    assert outcome["status"] == "completed", outcome
    server.ensure()
    with copied.connect(autocommit=True) as connection:
        check_completed(
            connection,
            jobs(connection, inputs.paths[mode])[0],
            model.expected(inputs.rows[mode], model.standing(), mode),
        )
        check_clean(connection)
