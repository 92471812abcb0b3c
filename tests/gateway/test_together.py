"""Commits that requests share: what one of them does wrong is its own."""

import asyncio
from typing import Any

from psycopg.types.json import Json

from gateway.database import Database
from gateway.together import Row, Together
from sluice.errors import SluiceError
from sluice.warehouse.connection import Statement, Warehouse

ANSWERS = b"""
INSERT INTO sluice.answers (organization_id, idempotency_key, request_sha256, status)
SELECT organization, key, '', 200 / good
  FROM json_to_recordset(%s) AS given (organization integer, key text, good integer)
"""
SEEN = b"SELECT idempotency_key, xmin::text AS by FROM sluice.answers"


def writing(rows: list[Row]) -> Statement:
    return ANSWERS, [Json(rows)]


def answer(organization_id: int, key: str, good: bool = True) -> Row:
    return {"organization": organization_id, "key": key, "good": int(good)}


def done(warehouse: Warehouse, organization_id: int, *rows: Row) -> tuple[list[Any], list[Any]]:
    """What each request brought, all made at once, and the rows afterwards."""

    async def work() -> tuple[list[Any], list[Any]]:
        async with Database(warehouse).opened() as database:
            together = Together(database, writing)
            tries = (together.do(organization_id, row) for row in rows)
            found = await asyncio.gather(*tries, return_exceptions=True)
            return found, await database.ask(organization_id, (SEEN, []))

    return asyncio.run(work())


def test_requests_that_wait_share_a_commit(module_warehouse):
    found, rows = done(module_warehouse, 11, *(answer(11, str(number)) for number in range(5)))
    assert found == [None] * 5
    assert len(rows) == 5
    assert len({row["by"] for row in rows}) == 1


def test_a_request_that_fails_leaves_nothing_and_the_others_alone(module_warehouse):
    found, rows = done(module_warehouse, 12, *(answer(12, str(number), number != 2) for number in range(4)))
    assert [isinstance(one, SluiceError) for one in found] == [False, False, True, False]
    assert {row["idempotency_key"] for row in rows} == {"0", "1", "3"}


def test_a_row_of_another_organization_is_refused_though_others_wait(module_warehouse):
    found, rows = done(module_warehouse, 13, answer(13, "mine"), answer(14, "theirs"))
    assert [isinstance(one, SluiceError) for one in found] == [False, True]
    assert [row["idempotency_key"] for row in rows] == ["mine"]


def test_a_client_that_goes_away_takes_no_other_along(module_warehouse):
    async def work() -> list[Any]:
        async with Database(module_warehouse).opened() as database:
            together = Together(database, writing)
            tries = [asyncio.create_task(together.do(15, answer(15, str(number)))) for number in range(3)]
            await asyncio.sleep(0)
            tries[0].cancel()
            await asyncio.gather(*tries[1:])
            return await database.ask(15, (SEEN, []))

    assert {"1", "2"} <= {row["idempotency_key"] for row in asyncio.run(work())}
