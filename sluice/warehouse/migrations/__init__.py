"""Alembic migrations of the schema `sluice`; run by ``sluice.warehouse.migrate``."""
