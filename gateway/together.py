"""Rows of one organization that come while its last are being written share the next statement and commit.

Events get their numbers in the order of the commits, so those of one organization wait for each other anyway: together
they wait for the disk once.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.database import Database
from sluice.errors import RetryError
from sluice.warehouse.connection import Statement

MOST = 32  # rows of one statement
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Request:
    row: Row
    done: asyncio.Future[None]


class Together:
    """Writes each row, or refuses it. ``writing`` makes a statement of several, all of one organization."""

    def __init__(self, database: Database, writing: Callable[[list[Row]], Statement]) -> None:
        self._database, self._writing = database, writing
        self._waiting: dict[int, list[_Request]] = defaultdict(list)
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def do(self, organization_id: int, row: Row) -> None:
        """Returns once it is committed. Raises SluiceError."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[organization_id].append(_Request(row, done))
        if organization_id not in self._tasks:
            # A task of its own: a client that goes away must not take the others' commit along.
            self._tasks[organization_id] = asyncio.create_task(self._work(organization_id))
        await done

    async def _work(self, organization_id: int) -> None:
        try:
            while waiting := self._waiting.pop(organization_id, []):
                self._waiting[organization_id] = waiting[MOST:]
                await self._commit(organization_id, waiting[:MOST])
        finally:
            del self._tasks[organization_id]

    async def _commit(self, organization_id: int, requests: Sequence[_Request]) -> None:
        try:
            await self._database.write(organization_id, self._writing([request.row for request in requests]))
        except Exception as error:
            if len(requests) == 1 or isinstance(error, RetryError):  # another try would wait for nothing
                _tell(requests, error)
            else:  # one of them is at fault: the others shall not suffer
                for request in requests:
                    await self._commit(organization_id, [request])
        else:
            _tell(requests, None)


def _tell(requests: Sequence[_Request], error: Exception | None) -> None:
    for request in requests:
        if request.done.done():  # its client has gone
            continue
        if error:
            request.done.set_exception(error)
        else:
            request.done.set_result(None)
