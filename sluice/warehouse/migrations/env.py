"""Alembic's environment: runs on the connection that ``sluice.warehouse.migrate`` hands over."""

from alembic import context

from sluice.warehouse.service_tables import metadata
from sluice.warehouse.tables import SCHEMA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table_schema=SCHEMA,
)
context.run_migrations()
