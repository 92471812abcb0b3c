"""The embedded PostgreSQL server as the platform uses it: found or started, guarded, left or stopped."""

import time
from urllib.parse import urlsplit

from sluice.errors import SluiceError
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.embedded import Embedded

DATABASE = "prefect"
PATIENCE = 180.0


class PlatformPostgres:
    """The embedded server. If we started it, we stop it, unless somebody else works in it by then."""

    def __init__(self, embedded: Embedded) -> None:
        self._embedded = embedded
        self._ours = False
        self._down = 0.0  # since when it does not come up

    def start(self) -> None:
        """Start the server unless it runs; make Prefect's database unless it is there. Raises SetupError."""
        self._ours = not self._embedded.status().running
        self._embedded.ensure()
        self._embedded.ensure_database(DATABASE)

    @property
    def prefect_url(self) -> str:
        """Prefect's database, as SQLAlchemy wants it."""
        return urlsplit(self._embedded.url(DATABASE))._replace(scheme="postgresql+asyncpg").geturl()

    @property
    def running(self) -> bool:
        """Whether the server accepts connections."""
        return self._embedded.status().running

    def revive(self) -> str:
        """Try to start the server again. Returns why that failed, empty if it did not.

        It may have been killed once more as it started, or its disk be full for a while. Raises SluiceError once it has
        not come up for ``PATIENCE`` seconds.
        """
        now = time.monotonic()
        try:
            self._embedded.ensure()
        except SluiceError as trouble:
            self._down = self._down or now
            if now - self._down > PATIENCE:
                raise
            return str(trouble)
        self._down = 0.0
        return ""

    def stop(self) -> bool:
        """Stop the server if it is ours and idle. Returns False if it stays up for others."""
        if not self._ours or not self.running:
            return not self.running
        if self._others():
            return False
        return self._embedded.stop()

    def _others(self) -> int:
        query = """
            SELECT count(*) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
        """
        with Warehouse.from_url(self._embedded.url()).connect(autocommit=True) as connection:
            row = connection.execute(query).fetchone()
        return int(row[0]) if row else 0
