"""The embedded PostgreSQL server as the platform uses it: found or started, guarded, left or stopped."""

from urllib.parse import urlsplit

from sluice.warehouse.connection import Warehouse
from sluice.warehouse.embedded import Embedded

DATABASE = "prefect"


class PlatformPostgres:
    """The embedded server. If we started it, we stop it, unless somebody else works in it by then."""

    def __init__(self, embedded: Embedded) -> None:
        self._embedded = embedded
        self._ours = False

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

    def revive(self) -> None:
        """Start the server again. Raises SetupError."""
        self._embedded.ensure()

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
