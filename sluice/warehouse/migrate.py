"""Brings Sluice's own tables to the newest version."""

from pathlib import Path

import psycopg
from sqlalchemy import text

from sluice.errors import SetupError
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated

HEAD = "0014"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('sluice:migrate', 0))"


def version(warehouse: Warehouse) -> str | None:
    """The revision of Sluice's tables in this database, or None if there are none. Raises SluiceError."""
    with translated(), warehouse.connect(autocommit=True) as connection:
        try:
            row = connection.execute("SELECT version_num FROM sluice.alembic_version").fetchone()
        except psycopg.errors.UndefinedTable:
            return None
        return str(row[0]) if row else None


def migrate(warehouse: Warehouse) -> bool:
    """Migrate to the newest revision, in one transaction. Returns whether anything was to do.

    Safe in several processes at once. Raises SetupError if the tables are newer than this program.
    """
    if version(warehouse) == HEAD:
        return False
    # Alembic takes a fifth of a second to import, and is hardly ever needed.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    scripts = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", scripts.replace("%", "%%"))
    with translated(), warehouse.engine().begin() as connection:
        connection.execute(text(_LOCK))
        if not connection.scalar(text("SELECT to_regnamespace('sluice')")):
            connection.execute(text("CREATE SCHEMA sluice"))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as cause:
            raise SetupError(
                "The warehouse's tables were made by a newer Sluice.", hint="Update this Sluice."
            ) from cause
    return True
