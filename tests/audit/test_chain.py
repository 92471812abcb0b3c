"""The chain: made by the warehouse, computed again here, the same for every value."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb

from sluice.audit import chain, log
from sluice.audit.anchoring import anchor
from sluice.audit.verify import verify
from sluice.jobs import creation, ledger
from sluice.queue import events
from sluice.settings import Settings
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.tenants import acting_for, confine

ODD = [
    "", "-", ":", "1:a", "é", "日本語", "😀", "a\u0300", "\u200f", "\n\r\t\"\\", "\x7f\x01", "null", "'; --",
    " " * 3000,
]  # fmt: skip
NUMBERS = [
    "1e400", "-1e-400", "0.10", "100", "1.0", "123456789012345678901234567890.000", "-0", "9007199254740993",
]  # fmt: skip
TIMES = [
    "infinity", "-infinity", "4713-01-01 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00",
    "1999-12-31 23:59:59.999999+00", "2026-03-29 02:30:00.000001 Europe/Berlin",
]  # fmt: skip
INSERT = """
INSERT INTO sluice.audit_log (organization_id, user_id, at, event, job_id, load_id, dataset, details)
VALUES (1, %s, %s, %s, %s, %s, %s, %s)
"""


def whole(connection, organization_id=1):
    """How many entries there are; each follows the one before it."""
    before, number = chain.FIRST, 0
    with connection.transaction():
        for number, entry in enumerate(chain.entries(connection, organization_id), 1):
            assert (entry.seq, entry.previous, entry.digest()) == (number, before, entry.hash), entry
            before = entry.hash
    return number


def nested(choose, depth=0):
    kind = choose.randrange(7 if depth < 4 else 5)
    if kind == 5:
        return [nested(choose, depth + 1) for _ in range(choose.randrange(4))]
    if kind == 6:
        return {choose.choice(ODD): nested(choose, depth + 1) for _ in range(choose.randrange(4))}
    return [None, True, choose.choice(ODD), choose.randrange(-(2**70), 2**70), choose.random() * 10**30][kind]


def test_any_value_has_the_same_hash_here_and_in_the_warehouse(connection):
    choose, values = random.Random(5), [None, *ODD]
    for _ in range(300):
        row = [
            choose.choice([None, 0, -1, 2**31 - 1]),
            choose.choice(TIMES),
            choose.choice(ODD),
            choose.choice(values),
            choose.choice([None, 0, -(2**63), 2**63 - 1]),
            choose.choice(values),
            Jsonb(nested(choose)),
        ]
        connection.execute(INSERT, row)
    assert whole(connection) == 300


@pytest.mark.parametrize("number", NUMBERS)
def test_any_number_in_json_has_the_same_hash(connection, number):
    connection.execute(INSERT, [1, "now", "e", None, None, None, f'{{"n": {number}, "l": [{number}]}}'])
    assert whole(connection) == 1


@pytest.mark.parametrize(
    "options",
    [
        "-c timezone=Asia/Kolkata -c datestyle=SQL,DMY -c intervalstyle=iso_8601",
        "-c extra_float_digits=-15 -c bytea_output=escape -c client_encoding=LATIN1",
        "-c search_path=public -c standard_conforming_strings=off",
    ],
)
def test_no_setting_of_a_session_changes_the_hash(warehouse, connection, options):
    other = Warehouse.from_url(make_conninfo(warehouse.url, options=options))
    with other.connect(autocommit=True) as session:
        log.write(session, "job.é", organization_id=1, details={"ü": 0.1})
        assert whole(session) == 1
    assert whole(connection) == 1


def test_neighbouring_texts_can_not_be_told_otherwise(connection):
    for job_id, dataset in [("ab", "c"), ("a", "bc"), ("abc", None), (None, "abc"), ("ab1:c", None)]:
        log.write(connection, "e", organization_id=1, job_id=job_id, dataset=dataset)
    with connection.transaction():
        bodies = {
            entry._replace(seq=1, id=1, previous=chain.FIRST, at=b"").digest()
            for entry in chain.entries(connection, 1)
        }
    assert len(bodies) == 5


def test_who_inserts_can_not_choose_the_place_in_the_chain(connection):
    connection.execute(
        "INSERT INTO sluice.audit_log (organization_id, event, seq, previous, hash) VALUES (1, 'e', 70, '', '')"
    )
    assert whole(connection) == 1


def test_what_is_rolled_back_leaves_no_gap(connection):
    log.write(connection, "e", organization_id=1)
    with connection.transaction(force_rollback=True):
        log.write(connection, "e", organization_id=1)
    with connection.transaction():
        log.write(connection, "e", organization_id=1)
        with connection.transaction(force_rollback=True):
            log.write(connection, "e", organization_id=1)
        log.write(connection, "e", organization_id=1)
    assert whole(connection) == 3


def test_a_tenant_adds_entries_and_touches_no_head(warehouse, connection):
    with warehouse.connect(autocommit=True) as confined:
        confine(confined)
        with acting_for(confined, 1):
            log.write(confined, "e", organization_id=1)
        for statement in ("UPDATE sluice.audit_heads SET seq = 0", "DELETE FROM sluice.audit_heads"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), confined.transaction():
                confined.execute(statement)
    assert whole(connection) == 1


def test_an_owner_who_is_no_superuser_may_add_and_anchor_but_not_change(empty_warehouse, tmp_path):
    name = "sluice_test_owner"
    with empty_warehouse.connect(autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN CREATEROLE PASSWORD 'x'")
        admin.execute(f"GRANT sluice_tenant TO {name} WITH ADMIN OPTION")
        database = admin.info.dbname
        admin.execute(f"GRANT CREATE ON DATABASE {database} TO {name}")
        try:
            owner = Warehouse.from_url(make_conninfo(empty_warehouse.url, user=name, password="x")).prepare()
            with owner.connect(autocommit=True) as connection:
                log.write(connection, "e", organization_id=1)
                assert anchor(connection, Settings(home=tmp_path)) == []
                assert [one.unanchored for one in verify(owner, Settings(home=tmp_path))] == [0]
                for statement in (
                    "UPDATE sluice.audit_log SET event = 'x'",
                    "DELETE FROM sluice.audit_log",
                    "TRUNCATE sluice.audit_log",
                    "DELETE FROM sluice.audit_anchors",
                ):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        connection.execute(statement)
                assert whole(connection) == 1
        finally:
            admin.execute(f"DROP OWNED BY {name} CASCADE")
            admin.execute(f"DROP ROLE {name}")


@pytest.mark.timeout(120)
def test_many_writers_of_several_organizations_leave_no_gap_and_no_deadlock(warehouse, connection, tmp_path):
    """Single entries, entries of many jobs in one statement, moves of jobs and other events, all at once."""
    connection.execute("INSERT INTO sluice.organizations (id, name) VALUES (2, 'b'), (3, 'c')")
    begin = threading.Barrier(8)

    def write(seed):
        choose = random.Random(seed)
        with warehouse.connect(autocommit=True) as mine:
            begin.wait(30)
            for _ in range(25):
                number, rolled_back = choose.randint(1, 3), choose.random() < 0.2
                with mine.transaction(force_rollback=rolled_back):
                    _work(mine, choose, number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    lengths = [whole(connection, number) for number in (1, 2, 3)]
    heads = connection.execute("SELECT seq FROM sluice.audit_heads ORDER BY organization_id").fetchall()
    assert [(length,) for length in lengths] == heads
    assert min(lengths) > 100


def _work(connection, choose, number):
    """One transaction of any kind."""
    kind = choose.randrange(4)
    if kind == 0:
        log.write(connection, "e", organization_id=number, details={"n": choose.random()})
        events.tell(connection, number, "ALERT", {})
    elif kind == 1:
        events.tell(connection, number, "ALERT", {})
        log.write(connection, "e", organization_id=number)
    elif kind == 2:
        rows = [
            creation.row(
                job_id=creation.new_job_id(),
                dataset="d",
                filename="f",
                file_type="csv",
                organization_id=choose.randint(1, 3),
            )
            for _ in range(20)
        ]
        connection.execute(creation.making(), creation.values(rows))
    else:
        job = ledger.create(connection, dataset="d", filename="f", file_type="csv", organization_id=number)
        ledger.start(connection, job)
        ledger.move(connection, job, stage="processing", progress=50)


def test_a_migration_chains_what_is_there(empty_warehouse, tmp_path):
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import text

    from sluice.warehouse import migrate

    config = Config()
    config.set_main_option("script_location", str(migrate.__file__).replace("migrate.py", "migrations"))
    with empty_warehouse.engine().begin() as connection:
        connection.execute(text("CREATE SCHEMA sluice"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0011")
        connection.execute(
            text(
                "INSERT INTO sluice.audit_log (organization_id, event, details)"
                " SELECT 1 + i % 3, 'e', jsonb_build_object('i', i) FROM generate_series(1, 3000) i"
            )
        )
    empty_warehouse.prepare()
    with empty_warehouse.connect(autocommit=True) as connection:
        log.write(connection, "e", organization_id=2)
    found = list(verify(empty_warehouse, Settings(home=tmp_path, database_url=empty_warehouse.url)))
    assert [(one.organization_id, one.entries, one.findings) for one in found] == [
        (1, 1000, []),
        (2, 1001, []),
        (3, 1000, []),
    ]
