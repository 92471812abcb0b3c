"""The gateway's connections: what one round trip is, and what it leaves behind."""

import asyncio
from typing import Any

from gateway.database import Database
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
