"""The warehouse: one PostgreSQL database, embedded or by URL, and connections to it."""

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from sluice import deadline
from sluice.errors import RetryError, SetupError, SluiceError
from sluice.security.keys import Keks
from sluice.settings import Settings, settings
from sluice.warehouse import address
from sluice.warehouse.embedded import Embedded
from sluice.warehouse.failures import not_connected
from sluice.warehouse.kept import KeptConnection, kept

OLDEST_VERSION = 14
CANCEL_SECONDS = 5.0
Connection = psycopg.Connection[TupleRow]
Statement = tuple[bytes, Sequence[Any] | Mapping[str, Any]]
# A peer that vanished is noticed within a minute; the user's own URL options win.
_DEFAULTS: dict[str, Any] = {
    "application_name": "sluice",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
# A server that was just killed still takes connections for a moment.
_REVIVAL_PAUSES = (0.0, 0.1, 0.5)


@dataclass(frozen=True)
class Warehouse:
    """Where the data goes. Holds no connection, so it can be pickled and shared between threads.

    ``keks``: the keys that wrap those of encrypted columns, where they are not the settings'.
    """

    url: str = field(repr=False)
    embedded: Embedded | None = field(default=None, repr=False)
    keks: Keks | None = field(default=None, repr=False)

    @classmethod
    def from_settings(cls, given: Settings | None = None) -> Self:
        """The server of ``SLUICE_DATABASE_URL``, or the embedded one, started if it isn't running.

        Raises SetupError.
        """
        given = given or settings()
        if given.database_url is not None:
            return cls.from_url(given.database_url.get_secret_value())
        return cls.from_embedded(given.root)

    @classmethod
    def from_embedded(cls, home: Path) -> Self:
        """The embedded server under ``home``, started if it isn't running. Raises SetupError."""
        embedded = Embedded(home)
        embedded.ensure()
        return cls(embedded.url(), embedded)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """A server by libpq or SQLAlchemy URL, or by libpq's ``key=value`` form. Raises SetupError."""
        return cls(address.checked(url))

    @property
    def safe_url(self) -> str:
        """User, host and database, never a password."""
        parts = conninfo_to_dict(self.url)
        host = str(parts.get("host") or "localhost")
        folder, host = (f"?host={host}", "") if host.startswith("/") else ("", host)
        port = f":{parts['port']}" if parts.get("port") else ""
        user = f"{parts['user']}@" if parts.get("user") else ""
        return f"postgresql://{user}{host}{port}/{parts.get('dbname') or ''}{folder}"

    def __repr__(self) -> str:
        return f"Warehouse({self.safe_url})"

    def connect(self, *, autocommit: bool = False, **options: Any) -> Connection:
        """A connection; ``options`` are libpq's. The embedded server is started again if it died.

        It is new or, while a job keeps them, one that a ``with`` block has left (see ``kept``).
        At the deadline of the step at work, what it does is cancelled, and no other is made.
        Raises RetryError if the server can't be reached for now, SetupError if it refuses us or is too old.
        """
        deadline.check()
        connection = None if autocommit or options else kept().take(self._conninfo())
        connection = connection or self._revived(autocommit, options)
        # A statement_timeout would hold for each statement, not for all of them; sent at the start, it would
        # override what an administrator set for the role, and connection poolers refuse it.
        stop = _Stop(connection)
        deadline.at_end(stop)
        connection.let_go = (lambda: False) if autocommit or options else stop.let_go
        return connection

    def _conninfo(self, **options: Any) -> str:
        return make_conninfo("", **{**_DEFAULTS, **conninfo_to_dict(self.url), **options})

    def _revived(self, autocommit: bool, options: dict[str, Any]) -> KeptConnection:
        if self.embedded is not None:
            for pause in _REVIVAL_PAUSES:
                try:
                    return self._connect(autocommit, options)
                except RetryError:
                    time.sleep(pause)
                    self.embedded.ensure()
        return self._connect(autocommit, options)

    def _connect(self, autocommit: bool, options: dict[str, Any]) -> KeptConnection:
        conninfo = self._conninfo(**options)
        try:
            connection = KeptConnection.connect(conninfo, autocommit=autocommit)
        except psycopg.Error as cause:
            refusal = address.refused(str(cause), conninfo, self.safe_url)
            raise refusal or not_connected(cause, conninfo, self.safe_url) from None
        if connection.info.server_version < OLDEST_VERSION * 10_000:
            version = connection.info.parameter_status("server_version")
            connection.close()
            raise SetupError(
                f"The warehouse runs PostgreSQL {version}.", hint=f"Sluice needs {OLDEST_VERSION} or newer."
            )
        connection.conninfo = conninfo
        return connection

    def answers(self) -> bool:
        """Whether a connection can be made now."""
        with suppress(SluiceError), self._connect(True, {"connect_timeout": 2}):
            return True
        return False

    def engine(self) -> Engine:
        """A SQLAlchemy engine without a pool. Its connections come from ``connect``."""
        return create_engine("postgresql+psycopg://", creator=self.connect, poolclass=NullPool)

    def prepare(self) -> Self:
        """Bring Sluice's own tables to the newest version; cheap where they are. Raises SetupError."""
        from sluice.warehouse.migrate import migrate  # migrate needs this class

        migrate(self)
        return self


class _Stop:
    """Ends what a connection does: by cancelling it, and if that does not help, by hanging up.

    A server that stands still takes no cancel. A COPY that was cancelled reads on to its end, to throw it away.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cancelled = self._over = False
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            if self._over or self._connection.pgconn.transaction_status != TransactionStatus.ACTIVE:
                return
            again, self._cancelled = self._cancelled, True
        if again:
            deadline.hang_up(self._connection.fileno())
        else:
            self._connection.cancel_safe(timeout=CANCEL_SECONDS)

    def let_go(self) -> bool:
        """Stop nothing from now on. Returns whether nothing was: a cancel may reach the server late."""
        with self._lock:
            self._over = True
            return not self._cancelled
