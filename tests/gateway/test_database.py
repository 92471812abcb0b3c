"""The gateway's connections: what one round trip is, and what it leaves behind."""

import asyncio
from typing import Any

import pytest

from gateway.database import SIZE, Database
from gateway.line import Line
from sluice.errors import SluiceError
from sluice.warehouse.connection import Statement, Warehouse

SEEN = b"SELECT current_setting('sluice.organization_id', true) AS organization, current_user::text AS role"
PAUSE = b"INSERT INTO sluice.pauses (organization_id) VALUES (%s)"
PAUSES = b"SELECT organization_id FROM sluice.pauses"


def asked(warehouse: Warehouse, *requests: tuple[int, list[Statement]]) -> list[Any]:
    """The rows of each request, or its error; one after another."""

    async def ask() -> list[Any]:
        async with Database(warehouse).opened() as database:
            return [
                (await asyncio.gather(database.ask(who, *what), return_exceptions=True))[0]
                for who, what in requests
            ]

    return asyncio.run(ask())


def test_statements_sent_at_once_are_confined_to_the_organization(module_warehouse):
    (found,) = asked(module_warehouse, (7, [(SEEN, [])]))
    assert found == [{"organization": "7", "role": "sluice_tenant"}]


def test_a_connection_keeps_no_organization(module_warehouse):
    async def left() -> set[str]:
        async with Database(module_warehouse).opened() as database:
            found = set()
            for _ in range(4):
                await database.ask(7, (SEEN, []))
                async with database._lines.connection() as line:
                    row = await (await line.execute(SEEN)).fetchone()
                    found.add(row[0])
            return found

    assert asyncio.run(left()) <= {"", None}


def test_of_statements_sent_at_once_all_are_done_or_none(module_warehouse):
    broken: Statement = (b"SELECT 1 / %s::int", [0])
    failed, after = asked(module_warehouse, (1, [(PAUSE, [1]), broken]), (1, [(PAUSES, [])]))
    assert isinstance(failed, SluiceError)
    assert after == []


@pytest.mark.parametrize("way", ["ask", "write"])
def test_each_way_to_write_is_confined(module_warehouse, way):
    async def write() -> None:
        async with Database(module_warehouse).opened() as database:
            await getattr(database, way)(1, (PAUSE, [2]))

    with pytest.raises(SluiceError, match="row-level security"):
        asyncio.run(write())


def test_who_does_not_wait_for_an_answer_leaves_it_to_nobody(module_warehouse):
    async def ask() -> list[Any]:
        async with Database(module_warehouse).opened() as database:
            impatient = [database.ask(1, (b"SELECT pg_sleep(1), 'late' AS said", [])) for _ in range(SIZE)]
            waiting = asyncio.gather(
                *(asyncio.wait_for(one, 0.2) for one in impatient), return_exceptions=True
            )
            assert {type(error) for error in await waiting} == {TimeoutError}
            found = await asyncio.gather(
                *(database.ask(1, (b"SELECT %s::int AS number", [number])) for number in range(2 * SIZE))
            )
            return [row["number"] for rows in found for row in rows]

    assert asyncio.run(ask()) == list(range(2 * SIZE))


def test_a_connection_keeps_a_bounded_number_of_statements(module_warehouse):
    async def ask() -> tuple[list[Any], int]:
        async with await Line.connect(module_warehouse.url, autocommit=True) as line:
            found = [await line.ask([(b"SELECT %d AS number" % number, [])]) for number in range(150)]
            kept = await line.ask([(b"SELECT count(*) AS kept FROM pg_prepared_statements", [])])
            return [rows[0]["number"] for rows in found], kept[0]["kept"]

    numbers, kept = asyncio.run(ask())
    assert numbers == list(range(150))
    assert kept == 100


def test_another_organizations_row_can_not_be_made(module_warehouse):
    failed, fine = asked(module_warehouse, (1, [(PAUSE, [2])]), (2, [(PAUSES, [])]))
    assert isinstance(failed, SluiceError)
    assert fine == []


def test_connections_that_the_server_has_ended_are_replaced(module_warehouse):
    async def ask() -> list[Any]:
        async with Database(module_warehouse).opened() as database:
            found = []
            for _ in range(3):
                found += await database.ask(1, (SEEN, []))
                with module_warehouse.connect(autocommit=True) as connection:
                    ended = connection.execute(
                        "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
                        " WHERE application_name = 'sluice-gateway' AND datname = current_database()"
                    ).fetchall()
                assert ended
                await database.run(1, lambda connection: connection.execute("SELECT 1"))
            return found

    assert len(asyncio.run(ask())) == 3
