"""Migrations: equal to the metadata, quick when there is nothing to do, safe when several run."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.conninfo import make_conninfo
from sqlalchemy import text

from sluice.errors import SetupError
from sluice.warehouse import migrate
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.service_tables import metadata

SCRIPTS = Path(migrate.__file__).with_name("migrations")
# What Alembic's comparison leaves out.
DETAILS = """
SELECT conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'sluice'::regnamespace AND contype <> 'n'
    AND conname <> 'alembic_version_pkc'
UNION ALL
SELECT indexdef FROM pg_indexes WHERE schemaname = 'sluice' AND tablename <> 'alembic_version'
UNION ALL
SELECT table_name || column_name || data_type || is_nullable || coalesce(column_default, '')
    || coalesce(identity_generation, '') || coalesce(identity_start, '')
FROM information_schema.columns WHERE table_schema = 'sluice' AND table_name <> 'alembic_version'
"""


def details(warehouse):
    with warehouse.connect() as connection:
        rows = connection.execute(DETAILS).fetchall()
    return sorted(row[0] for row in rows)


def test_migrations_make_exactly_the_metadata(warehouse):
    # A role called "sluice" would otherwise see that schema as the one that needs no name.
    named = Warehouse.from_url(make_conninfo(warehouse.url, options="-c search_path=public"))
    with named.engine().connect() as connection:
        options = {
            "version_table_schema": "sluice",
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name == "sluice",
            "compare_server_default": True,
        }
        found = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    assert found == []


def test_migrations_and_metadata_agree_on_checks_indexes_and_defaults(warehouse, empty_warehouse):
    with empty_warehouse.engine().begin() as connection:
        connection.execute(text("CREATE SCHEMA sluice"))
        metadata.create_all(connection)
    assert details(empty_warehouse) == details(warehouse)


def test_the_noted_head_is_alembics_head():
    assert ScriptDirectory(str(SCRIPTS)).get_current_head() == migrate.HEAD


def test_an_empty_database_is_migrated_once(empty_warehouse):
    assert migrate.version(empty_warehouse) is None
    assert migrate.migrate(empty_warehouse)
    assert not migrate.migrate(empty_warehouse)
    assert migrate.version(empty_warehouse) == migrate.HEAD


def test_preparing_a_prepared_warehouse_is_quick(warehouse):
    warehouse.prepare()
    began = time.perf_counter()
    warehouse.prepare()
    assert time.perf_counter() - began < 0.2


def test_several_migrations_at_once_end_well(empty_warehouse):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: empty_warehouse.prepare(), range(4)))
    assert migrate.version(empty_warehouse) == migrate.HEAD


def test_tables_of_a_newer_sluice_are_refused(warehouse, connection):
    connection.execute("UPDATE sluice.alembic_version SET version_num = '9999'")
    with pytest.raises(SetupError, match="newer Sluice"):
        warehouse.prepare()


def test_a_user_who_may_not_create_is_told_so(empty_warehouse):
    with empty_warehouse.connect(autocommit=True) as admin:
        admin.execute("CREATE ROLE sluice_test_reader LOGIN PASSWORD 'x'")
        try:
            reader = make_conninfo(empty_warehouse.url, user="sluice_test_reader", password="x")
            with pytest.raises(SetupError, match="lacks a right"):
                Warehouse.from_url(reader).prepare()
        finally:
            admin.execute("DROP ROLE sluice_test_reader")


def test_the_first_organization_is_there(connection):
    assert connection.execute("SELECT id, name FROM sluice.organizations").fetchall() == [(1, "default")]
    added = connection.execute("INSERT INTO sluice.organizations (name) VALUES ('b') RETURNING id").fetchone()
    assert added == (2,)
