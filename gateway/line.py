"""Connections that send statements at once and take their answers in one go, by libpq's pipeline mode.

psycopg's own pipelines do the same at about twice the CPU, which is most of what a short request costs.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from psycopg import AsyncConnection, OperationalError
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import DictRow

from sluice.warehouse.connection import Statement

_PLACE = re.compile(rb"%(?:s|\((\w+)\)s)")
_MOST = 100  # statements that a connection keeps prepared: as many as psycopg
_GOOD = {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}


@dataclass(frozen=True, slots=True)
class _Message:
    """A statement as the server takes it."""

    query: bytes
    types: tuple[int, ...]
    values: Sequence[Any]
    formats: Sequence[int] | None

    @property
    def key(self) -> tuple[bytes, tuple[int, ...]]:
        """What one plan serves."""
        return self.query, self.types


class Line(AsyncConnection[Any]):
    """A connection for one ``ask`` at a time."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._known: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        self._places = iter(range(1, 1 << 62))
        self._adapter = Transformer(self)

    async def ask(self, statements: Sequence[Statement]) -> list[DictRow]:
        """The rows of the last statement; all are done, in a transaction of their own, or none.

        Places are ``%s`` or ``%(name)s``. Raises psycopg.Error. Closed by whoever does not wait for the end.
        """
        messages = [self._message(*statement) for statement in statements]
        try:
            self.pgconn.nonblocking = 1
            self.pgconn.enter_pipeline_mode()
            told = [key for message in messages for key in self._send(message)]
            self.pgconn.pipeline_sync()
            results = await self._results()
            self.pgconn.exit_pipeline_mode()
        except BaseException:
            self.pgconn.finish()  # what is still to come must not become another's answer
            raise
        self._check(told, results)
        return self._rows(results[-1])

    def _message(self, query: bytes, given: Any) -> _Message:
        text, names = _numbered(query)
        values = [given[name] for name in names] if names else list(given)
        dumped = self._adapter.dump_sequence(values, [PyFormat.AUTO] * len(values))
        return _Message(text, tuple(self._adapter.types or ()), dumped, self._adapter.formats)

    def _send(self, message: _Message) -> Iterator[Any]:
        """Send it, prepared if there is room. Yields of each result to come the key that it makes known, or None."""
        name = self._known.get(message.key)
        if not name and len(self._known) >= _MOST:
            self.pgconn.send_query_params(message.query, message.values, message.types, message.formats)
            yield None
            return
        if not name:
            name = self._known[message.key] = b"line_%d" % next(self._places)
            self.pgconn.send_prepare(name, message.query, message.types)
            yield message.key
        self.pgconn.send_query_prepared(name, message.values, message.formats)
        yield None

    async def _results(self) -> list[PGresult]:
        found: list[PGresult] = []
        while True:
            if self.pgconn.flush() or self.pgconn.is_busy():
                await self._news()
                self.pgconn.consume_input()
                continue
            result = self.pgconn.get_result()
            if result is None:  # the end of one statement's results
                if self.pgconn.status != ConnStatus.OK:
                    raise OperationalError("the connection is lost")
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return found
            else:
                found.append(result)

    async def _news(self) -> None:
        """Wait until the server has said something, or takes more where it has not got all yet."""
        loop, file = asyncio.get_running_loop(), self.pgconn.socket
        news: asyncio.Future[None] = loop.create_future()
        loop.add_reader(file, _wake, news)
        unsent = self.pgconn.flush()
        if unsent:
            loop.add_writer(file, _wake, news)
        try:
            await news
        finally:
            loop.remove_reader(file)
            if unsent:
                loop.remove_writer(file)

    def _check(self, told: Sequence[Any], results: Sequence[PGresult]) -> None:
        """Forget what was not prepared. Raises the first error."""
        wrong = [number for number, result in enumerate(results) if result.status not in _GOOD]
        for number in wrong:
            self._known.pop(told[number], None)
        if wrong:
            raise error_from_result(results[wrong[0]], self.info.encoding)

    def _rows(self, result: PGresult) -> list[DictRow]:
        names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
        self._adapter.set_pgresult(result)
        return self._adapter.load_rows(0, result.ntuples, lambda row: dict(zip(names, row, strict=True)))


def _wake(news: asyncio.Future[None]) -> None:
    if not news.done():
        news.set_result(None)


@lru_cache(maxsize=_MOST)
def _numbered(query: bytes) -> tuple[bytes, list[str]]:
    """The query with its places as $1, $2 and so on, and their names, if they have any."""
    names = [name.decode() for name in _PLACE.findall(query) if name]
    numbers = iter(range(1, len(query)))
    return _PLACE.sub(lambda _: b"$%d" % next(numbers), query), names
