"""The gateway's connections: confined, so that each request sees the organization of its caller and no other."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from anyio import to_thread
from psycopg_pool import ConnectionPool, PoolTimeout

from sluice.errors import RetryError
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.tenants import acting_for, confine

T = TypeVar("T")
SIZE = 8
PATIENCE = 5.0  # seconds that a request waits for a connection


class Database:
    """Runs the library's functions for an organization, each in a transaction of its own."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self._pool = ConnectionPool(
            warehouse.url,
            kwargs={"autocommit": True, "application_name": "sluice-gateway"},
            min_size=2,
            max_size=SIZE,
            timeout=PATIENCE,
            configure=confine,
            check=ConnectionPool.check_connection,
            open=False,
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Database"]:
        """Connections for the block."""
        await to_thread.run_sync(self._pool.open)
        try:
            yield self
        finally:
            await to_thread.run_sync(self._pool.close)

    async def run(self, organization_id: int, work: Callable[..., T], /, *values: Any, **named: Any) -> T:
        """What ``work(connection, ...)`` returns. Raises SluiceError."""

        def call() -> T:
            try:
                with self._pool.connection() as connection, acting_for(connection, organization_id):
                    return work(connection, *values, **named)
            except PoolTimeout:
                raise RetryError("The warehouse can't be reached for now.", hint="Try again.") from None

        return await to_thread.run_sync(call)
