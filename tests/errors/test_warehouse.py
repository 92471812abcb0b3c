"""A warehouse that is down, restarting, full or forbids: the right family, and nothing half-written."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from sluice.contracts.registry import load_contract
from sluice.errors import RetryError, SetupError
from sluice.jobs import ledger, recovery, steps
from sluice.jobs.recovery import recover
from sluice.quality.verdict import Verdict
from sluice.settings import settings
from sluice.warehouse import datasets
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.embedded import Embedded
from tests.conftest import new_database
from tests.errors.conftest import CONTRACT, GOOD
from tests.errors.ingest import (
    SECRET,
    check_no_files,
    check_nothing_left,
    check_said,
    count,
    ingest,
    validate,
)
from tests.errors.mounts import fill, small_disk

END_ALL = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.csv"
    path.write_bytes(GOOD)
    return path


def test_a_server_that_is_down_is_tried_again(closed_port: int, good: Path) -> None:
    down = Warehouse.from_url(f"postgresql://ann:{SECRET}@127.0.0.1:{closed_port}/sales")
    with pytest.raises(RetryError) as caught:
        ingest(down, str(good))
    check_said(
        caught.value,
        f"postgresql://ann@127.0.0.1:{closed_port}/sales",
        "can't be reached",
        "SLUICE_DATABASE_URL",
    )
    check_no_files()


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ann:{SECRET}@[::1/sales",
        f"host=h password={SECRET} nonsense",
        f"mysql://ann:{SECRET}@host/sales",
    ],
)
def test_a_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SetupError) as caught:
        Warehouse.from_url(url).connect()
    check_said(caught.value, "SLUICE_DATABASE_URL")


def test_a_database_that_does_not_exist_is_refused(server_url: str, good: Path) -> None:
    url = psycopg.conninfo.make_conninfo(server_url, dbname="nowhere", password=SECRET)
    with pytest.raises(SetupError) as caught:
        ingest(Warehouse.from_url(url), str(good))
    check_said(caught.value, '"nowhere" does not exist', "SLUICE_DATABASE_URL")
    check_no_files()


def test_a_server_that_shuts_down_is_tried_again(server: Embedded, good: Path) -> None:
    warehouse = Warehouse.from_url(server.url()).prepare()
    pid = server.status().pid
    assert pid is not None
    with warehouse.connect():  # the server waits for this session before it ends
        os.kill(pid, signal.SIGTERM)
        time.sleep(0.3)
        with pytest.raises(RetryError) as caught:
            ingest(warehouse, str(good))
    check_said(caught.value, "starting or stopping", "in a moment")
    check_no_files()
    while server.status().pid is not None:
        time.sleep(0.01)


@contextmanager
def fresh(server: Embedded, name: str) -> Iterator[Warehouse]:
    """A database of its own in a server that the test stops."""
    server.ensure()
    server.ensure_database(name)
    yield Warehouse.from_url(server.url(name)).prepare()
    server.ensure()
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.mark.parametrize("step", ["connect", "convert", "store"])
def test_a_server_that_stops_before_a_step_leaves_a_job_that_recovery_ends(
    module_server: Embedded, good: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "GRACE_SECONDS", 0.2)  # nobody lives who would want his locks back
    with fresh(module_server, f"stopped_{step}") as warehouse:
        with pytest.raises(RetryError) as caught:
            ingest(warehouse, str(good), before={step: module_server.stop})
        check_said(caught.value, "can't be reached")
        check_no_files()
        module_server.ensure()
        (job,) = recover(warehouse, settings().stage_dir)
        assert "died" in ledger.get(warehouse, job)["error_message"]
        with warehouse.connect() as connection:
            assert count(connection, "SELECT count(*) FROM pg_class WHERE relname LIKE 'incoming%'") == 0
        assert ingest(warehouse, str(good)).published == 2


@pytest.mark.parametrize("step", ["connect", "convert", "store"])
def test_a_restart_between_two_steps_is_not_noticed(module_server: Embedded, good: Path, step: str) -> None:
    def restart() -> None:
        module_server.stop()
        module_server.ensure()

    with fresh(module_server, f"restarted_{step}") as warehouse:
        assert ingest(warehouse, str(good), before={step: restart}).published == 2


def prepared(warehouse: Warehouse, path: Path) -> tuple[steps.Job, object]:
    request = {
        "dataset": "items", "sources": [{"path": str(path)}], "mode": "append", "organization_id": 1, "user_id": 1,
        "priority": "normal", "force": False, "warehouse": "", "job_id": "",
    }  # fmt: skip
    return steps.open_job(warehouse, request), load_contract(CONTRACT)[0]


def test_a_connection_lost_in_the_middle_of_a_copy_is_tried_again_and_the_next_try_succeeds(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    path = tmp_path / "many.csv"
    path.write_text("id,label,amount\n" + "".join(f"{n},a,1\n" for n in range(200_000)))
    contract, job = load_contract(CONTRACT)[0], None
    job = prepared(warehouse, path)[0]
    ended: list[int] = []

    def end(records: int) -> None:
        if not ended:
            ended.append(records)
            with psycopg.connect(warehouse.url, autocommit=True) as admin:
                admin.execute(END_ALL)

    with steps.working(warehouse, job):
        steps.connect(warehouse, contract, job)
        landed = steps.collect(warehouse, job, validate(str(path))[0], 0)
        with pytest.raises(RetryError) as caught:
            steps.convert(warehouse, contract, job, landed, 0, report=end)
        check_said(caught.value)
        stages = [steps.convert(warehouse, contract, job, landed, 0, report=end)]
        outcome = steps.store(warehouse, contract, job, stages, Verdict(job.directory), [], {})
    assert ended
    assert outcome.published == 200_000


def test_a_store_whose_answer_was_lost_says_the_same_when_it_is_tried_again(
    warehouse: Warehouse, good: Path
) -> None:
    contract = load_contract(CONTRACT)[0]
    job = prepared(warehouse, good)[0]
    with steps.working(warehouse, job):
        steps.connect(warehouse, contract, job)
        stages = [
            steps.convert(
                warehouse, contract, job, steps.collect(warehouse, job, validate(str(good))[0], 0), 0
            )
        ]
        first = steps.store(warehouse, contract, job, stages, Verdict(job.directory), [], {})
        again = steps.store(warehouse, contract, job, stages, Verdict(job.directory), [], {})
    assert again == first
    assert first.published == 2
    with warehouse.connect() as connection:
        assert count(connection, "SELECT count(*) FROM data.items") == 2
        assert count(connection, "SELECT count(*) FROM sluice.loads") == 1


@pytest.fixture
def full(server: Embedded) -> Iterator[Warehouse]:
    """A warehouse on a disk of 32 MB."""
    owner = server.data.stat()
    options = f"uid={owner.st_uid}", f"gid={owner.st_gid}", "mode=700"
    with (
        small_disk(server.home / "small", 32, *options) as disk,
        psycopg.connect(server.url("postgres"), autocommit=True) as admin,
    ):
        admin.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(sql.Literal(str(disk))))
        try:
            admin.execute('CREATE DATABASE "full" TABLESPACE small')
            yield Warehouse.from_url(server.url("full")).prepare()
        finally:
            (disk / "ballast").unlink(missing_ok=True)
            admin.execute('DROP DATABASE IF EXISTS "full" WITH (FORCE)')
            admin.execute("DROP TABLESPACE small")


@pytest.mark.parametrize("step", ["convert", "store"])
def test_a_warehouse_whose_disk_is_full_says_so(
    full: Warehouse, server: Embedded, tmp_path: Path, good: Path, step: str
) -> None:
    if step == "store":  # a table that stands is written in place
        ingest(full, str(good))
    path = tmp_path / "many.csv"
    chance = random.Random(1)
    path.write_text(
        "id,label,amount\n" + "".join(f"{n},{chance.randrange(10**7)},1\n" for n in range(10, 30_000))
    )
    leave = 1_000_000 if step == "convert" else 300_000
    with pytest.raises(SetupError) as caught:
        ingest(full, str(path), before={step: lambda: fill(server.home / "small", leave)})
    check_said(caught.value, "disk is full", "Free space")
    with full.connect() as connection:
        query = "SELECT status, error_message FROM sluice.ingestion_jobs ORDER BY id DESC LIMIT 1"
        assert connection.execute(query).fetchone() == ("failed", str(caught.value))
        assert count(connection, "SELECT count(*) FROM pg_class WHERE relname LIKE 'incoming%'") == 0
        assert count(connection, "SELECT count(*) FROM data.items") == (2 if step == "store" else 0)
    check_no_files()
    (server.home / "small" / "ballast").unlink()
    assert ingest(full, str(path)).published == 29_990


LEDGER = """
GRANT USAGE ON SCHEMA sluice TO {0}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sluice TO {0};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA sluice TO {0}
"""
STAGE = "GRANT CREATE ON SCHEMA sluice TO {0}"
READ = "GRANT USAGE ON SCHEMA data TO {0}; GRANT SELECT ON data.items TO {0}"


@pytest.mark.parametrize(
    ("grants", "told"),
    [
        ([], False),
        ([LEDGER], True),
        ([LEDGER, READ], True),
        ([LEDGER, STAGE, READ], True),
    ],
    ids=["nothing", "ledger", "no-stage", "no-write"],
)
def test_a_user_without_rights_is_told_which(
    server_url: str, template: str, good: Path, grants: list[str], told: bool
) -> None:
    role = f"clerk_{os.getpid()}"
    with new_database(server_url, template) as url, psycopg.connect(url, autocommit=True) as admin:
        if READ in grants:
            owner = Warehouse.from_url(url)
            with owner.connect() as connection:
                datasets.migrate(connection, load_contract(CONTRACT)[0])
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(SECRET))
        )
        try:
            for grant in grants:
                admin.execute(sql.SQL(grant).format(sql.Identifier(role)))
            clerk = Warehouse.from_url(psycopg.conninfo.make_conninfo(url, user=role, password=SECRET))
            with pytest.raises(SetupError) as caught:
                ingest(clerk, str(good))
            check_said(caught.value, "lacks a right", "permission denied for", "GRANT")
            if told:
                check_nothing_left(Warehouse.from_url(url), caught.value)
        finally:
            admin.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(role)))
