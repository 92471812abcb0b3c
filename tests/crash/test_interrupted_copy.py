"""A load that ends in the middle of the COPY from its stage into a table with rows."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sluice.warehouse.connection import Connection, Warehouse
from tests.crash import model
from tests.crash.checks import check_after_crash, check_again
from tests.crash.conftest import Inputs, Zygote

# The row in the middle of the file waits for a lock that the test holds.
STALL = """
CREATE FUNCTION data.stall() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END $$;
CREATE TRIGGER stall BEFORE INSERT ON data.items FOR EACH ROW WHEN (NEW.id = {middle})
EXECUTE FUNCTION data.stall();
SELECT pg_advisory_lock(42)
"""
WAITING = """
SELECT pid, query FROM pg_stat_activity JOIN pg_locks USING (pid)
 WHERE locktype = 'advisory' AND objid = 42 AND NOT granted
"""


@pytest.fixture
def admin(database: Warehouse, inputs: Inputs) -> Iterator[Connection]:
    """A session that holds up the COPY half way; closed, it lets it go on."""
    rows = inputs.rows["direct"]
    middle = next(row[0] for is_good, row in rows[len(rows) // 2 :] if is_good and row[1] != "again")
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(STALL.format(middle=middle).encode())
        yield connection


def stalled(admin: Connection) -> int:
    """Wait until the COPY is half way; returns its server process."""
    for _ in range(6000):
        if row := admin.execute(WAITING).fetchone():
            assert row[1].startswith('COPY "data"."items"')
            return int(row[0])
        admin.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("the COPY never came to the middle")


def test_killed_there_it_leaves_nothing_and_a_rerun_completes_it(
    zygote: Zygote, database: Warehouse, admin: Connection, inputs: Inputs, home: Path
) -> None:
    path, before = inputs.paths["direct"], model.standing()
    done = model.expected(inputs.rows["direct"], before, "direct")
    pid = zygote.begin(database, home, path, "direct")
    stalled(admin)
    os.kill(pid, signal.SIGKILL)
    zygote.end(pid)
    admin.close()
    assert check_after_crash(database, path, before, done) == "failed"
    assert zygote.load(database, home, path, "direct")["status"] == "completed"
    with database.connect(autocommit=True) as connection:
        check_again(connection, path, "failed", done)


@pytest.mark.parametrize("lost", ["this", "all"])
def test_without_its_connection_it_tries_again_and_completes(
    zygote: Zygote, database: Warehouse, admin: Connection, inputs: Inputs, home: Path, lost: str
) -> None:
    path, before = inputs.paths["direct"], model.standing()
    done = model.expected(inputs.rows["direct"], before, "direct")
    pid = zygote.begin(database, home, path, "direct", insist=True)
    server = stalled(admin)
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
    one = (
        f"pid = {server}"
        if lost == "this"
        else "datname = current_database() AND backend_type = 'client backend'"
    )
    admin.execute(f"{end} {one}".encode())
    admin.close()
    outcome = zygote.end(pid)
    assert outcome["status"] == "completed", outcome
    assert [text.partition(":")[0] for text in outcome["retried"]] == ["store"]
    assert check_after_crash(database, path, before, done) == "completed"
    assert zygote.load(database, home, path, "direct")["status"] == "completed"
    with database.connect(autocommit=True) as connection:
        check_again(connection, path, "completed", done)
