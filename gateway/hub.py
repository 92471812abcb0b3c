"""The hub: hears of new events from the database and wakes those who follow their organization's."""

import asyncio
import logging
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

from gateway.database import Database
from sluice.errors import SluiceError
from sluice.queue import events
from sluice.queue.events import Event
from sluice.warehouse.failures import translated

POLL = 15.0  # seconds: a notification may be lost; also how often a silent line is told that we live
AGAIN = 1.0
GATHER = 0.01  # seconds: events come in crowds, and each look costs the requests something
_log = logging.getLogger(__name__)


class Hub:
    """One connection that listens, for all followers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._followers: dict[int, set[asyncio.Event]] = defaultdict(set)
        self._over = threading.Event()

    @contextmanager
    def listening(self) -> Iterator["Hub"]:
        """Hear events during the block."""
        loop = asyncio.get_running_loop()
        thread = threading.Thread(target=self._listen, args=(loop,), name="hub", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join(3)

    async def now(self, organization_id: int) -> int:
        """The number of the organization's last event: whoever asks for it before a promise to tell misses none."""
        return await self._database.run(organization_id, events.newest, organization_id)

    async def follow(self, organization_id: int, last: int) -> AsyncIterator[list[Event]]:
        """The organization's events after number ``last``, as they come; an empty list now and then while there are
        none.
        """
        bell = asyncio.Event()
        self._followers[organization_id].add(bell)
        run = self._database.run
        try:
            while True:
                bell.clear()
                found = await run(organization_id, events.since, organization_id, last)
                if found:
                    last = found[-1].id
                yield found
                if not found:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(bell.wait(), POLL)
        finally:
            self._followers[organization_id].discard(bell)

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._over.is_set():
            try:
                with translated(), self._database.warehouse.connect(autocommit=True) as connection:
                    connection.execute(f"LISTEN {events.CHANNEL}".encode())
                    self._wake(loop, None)  # of what came while nobody listened
                    while not self._over.is_set():
                        news = {
                            int(notice.payload.partition(":")[0])
                            for notice in connection.notifies(timeout=1, stop_after=1)
                        }
                        for organization_id in news:
                            if self._followers.get(organization_id):  # one who comes now will look first
                                self._wake(loop, organization_id)
                        time.sleep(GATHER)
            except SluiceError as trouble:
                _log.warning("Events are not heard: %s", trouble)
                self._over.wait(AGAIN)

    def _wake(self, loop: asyncio.AbstractEventLoop, organization_id: int | None) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(self._ring, organization_id)

    def _ring(self, organization_id: int | None) -> None:
        chosen = list(self._followers) if organization_id is None else [organization_id]
        for each in chosen:
            for bell in self._followers.get(each, ()):
                bell.set()
