"""The gateway's connections: confined, so that each request sees the organization of its caller and no other."""

import select
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from anyio import to_thread
from psycopg.rows import DictRow
from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout

from gateway.line import Line
from sluice.errors import RetryError
from sluice.warehouse.connection import Connection, Statement, Warehouse
from sluice.warehouse.failures import translated
from sluice.warehouse.tenants import CONFINE, acting, acting_for, confine

T = TypeVar("T")
SIZE, WRITERS = 8, 4  # connections, at most
PATIENCE = 5.0  # seconds that a request waits for a connection


class Database:
    """Works for an organization, each time in a transaction of its own: ``ask`` and ``write`` send a few statements at
    once, in one round trip and without a thread; ``run`` calls the library's functions.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        common: dict[str, Any] = {
            "kwargs": {"autocommit": True, "application_name": "sluice-gateway"},
            "min_size": 2,
            "max_size": SIZE,
            "timeout": PATIENCE,
            "open": False,
        }
        self._pool = ConnectionPool(warehouse.url, configure=confine, check=_check, **common)
        lines: dict[str, Any] = {
            "connection_class": Line,
            "configure": _confine,
            "check": _check_line,
            **common,
        }
        self._lines = AsyncConnectionPool(warehouse.url, **lines)
        # A pool takes turns with its connections, and each that is new to a statement is slow at first: what one
        # organization writes needs one at a time.
        self._writers = AsyncConnectionPool(warehouse.url, **lines | {"min_size": 1, "max_size": WRITERS})

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Database"]:
        """Connections for the block."""
        await to_thread.run_sync(self._pool.open)
        try:
            async with self._lines, self._writers:
                yield self
        finally:
            await to_thread.run_sync(self._pool.close)

    async def ask(self, organization_id: int, *statements: Statement) -> list[DictRow]:
        """The rows of the last statement; all of them are done, or none. Raises SluiceError."""
        return await self._send(self._lines, organization_id, statements)

    async def write(self, organization_id: int, *statements: Statement) -> None:
        """As ``ask``, for much that is to be written by few at a time. Raises SluiceError."""
        await self._send(self._writers, organization_id, statements)

    async def _send(
        self, lines: AsyncConnectionPool[Line], organization_id: int, statements: Sequence[Statement]
    ) -> list[DictRow]:
        try:
            with translated():
                async with lines.connection() as line:
                    return await line.ask([acting(organization_id), *statements])
        except PoolTimeout:
            raise _unreachable() from None

    async def run(self, organization_id: int, work: Callable[..., T], /, *values: Any, **named: Any) -> T:
        """What ``work(connection, ...)`` returns. Raises SluiceError."""

        def call() -> T:
            try:
                with self._pool.connection() as connection, acting_for(connection, organization_id):
                    return work(connection, *values, **named)
            except PoolTimeout:
                raise _unreachable() from None

        return await to_thread.run_sync(call)


def _unreachable() -> RetryError:
    return RetryError("The warehouse can't be reached for now.", hint="Try again.")


async def _confine(line: Line) -> None:
    await line.execute(CONFINE)


def _check(connection: Connection) -> None:
    if _has_news(connection.fileno()):
        ConnectionPool.check_connection(connection)


async def _check_line(line: Line) -> None:
    if _has_news(line.fileno()):
        await AsyncConnectionPool.check_connection(line)


def _has_news(file: int) -> bool:
    """Whether an idle connection's server has said something, such as its end: only then is it worth a question."""
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return bool(poll.poll(0))
