"""The one PostgreSQL that all parts of the benchmark load into, and the few statements around each load."""

from typing import LiteralString

import psycopg
from psycopg import sql

COPY_TABLE = """
    CREATE TABLE bench.orders (
        id bigint PRIMARY KEY, order_no text, customer_id integer, email text, status text,
        country text, quantity integer, amount numeric(12, 2), express boolean, ordered_on date,
        updated_at timestamp, note text
    )
"""
SETTINGS = """
    SELECT name, current_setting(name) FROM pg_settings
    WHERE name IN ('shared_buffers', 'max_wal_size', 'wal_level', 'wal_compression', 'fsync',
                   'synchronous_commit', 'full_page_writes', 'autovacuum', 'checkpoint_timeout', 'work_mem',
                   'maintenance_work_mem')
       OR source IN ('configuration file', 'command line')
          AND category !~ '^(Client Connection Defaults|Connections and Auth|Reporting and Logging)'
          AND name NOT IN ('data_directory', 'config_file', 'hba_file', 'ident_file')
    ORDER BY name
"""


class Server:
    """A warehouse by its URL. Every call connects anew, so nothing is held during a measurement."""

    def __init__(self, url: str) -> None:
        self.url = url

    def execute(self, *statements: LiteralString) -> None:
        """Run each statement outside a transaction."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(sql.SQL(statement))

    def count(self, schema: str, table: str) -> tuple[int, int]:
        """Rows, and the sum of their quantities in units."""
        query = sql.SQL("SELECT count(*), coalesce(sum(quantity), 0) FROM {}").format(
            sql.Identifier(schema, table)
        )
        with psycopg.connect(self.url) as connection:
            rows, quantity = connection.execute(query).fetchone() or (0, 0)
        return int(rows), int(quantity)

    def forget(self, schema: str, table: str) -> None:
        """Drop the table, then checkpoint, so that no load pays for the writes of the one before."""
        name = sql.Identifier(schema, table)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(name))
            connection.execute("CHECKPOINT")

    def settle(self, schema: str, table: str) -> None:
        """VACUUM ANALYZE, then checkpoint: a standing table in its steady state."""
        name = sql.Identifier(schema, table)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("VACUUM ANALYZE {}").format(name))
            connection.execute("CHECKPOINT")

    def version(self) -> str:
        """The server's version, such as ``18.1``."""
        with psycopg.connect(self.url) as connection:
            return str((connection.execute("SHOW server_version").fetchone() or ("?",))[0])

    def settings(self) -> dict[str, str]:
        """The settings that decide how fast a load is, and all that are not at their default."""
        with psycopg.connect(self.url) as connection:
            return dict(connection.execute(sql.SQL(SETTINGS)).fetchall())
