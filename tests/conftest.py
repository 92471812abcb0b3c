"""Fixtures for all tests: one real PostgreSQL server a run, and a fresh database a test or module."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.embedded import Embedded

if TYPE_CHECKING:
    from tests.deployments.conftest import Running

# What a shell starts in the background ignores Ctrl-C, and so would every command that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
# What several test modules share asserts as they do: a failure shows the values.
pytest.register_assert_rewrite("tests.readers.books", "tests.readers.typed", "tests.warehouse.things")
_numbers = count(1)
# Of the platforms that tests start. Sources of tests are on this machine.
PLATFORM = {
    "SLUICE_PRIVATE_ADDRESSES": "true",
    "SLUICE_CONTRACTS": str(Path(__file__).parent / "journeys" / "contracts"),
}
CRASHES = 4  # processes that a job may lose on the shared one: its pauses then take half a minute
# A test server may lose data when the machine stops; PostgreSQL itself is the same.
FAST = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB"}


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """URL of a PostgreSQL server where tests may make databases: SLUICE_TEST_DATABASE_URL or an own one."""
    if given := os.environ.get("SLUICE_TEST_DATABASE_URL"):
        yield given
        return
    with temporary_home() as home:
        server = Embedded(home, FAST)
        server.ensure()
        yield server.url("postgres")


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A folder for SLUICE_HOME that the server's OS user may enter; its server is stopped at the end.

    pytest's own temporary folders are closed to other users.
    """
    home = Path(tempfile.mkdtemp(prefix="sluice-test-"))
    home.chmod(0o755)
    try:
        yield home
    finally:
        Embedded(home).stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """Name of a database with Sluice's tables, to copy from."""
    with new_database(server_url) as url:
        Warehouse.from_url(url).prepare()
        yield psycopg.conninfo.conninfo_to_dict(url)["dbname"]


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """Prefect's own harness: one server with a temporary database for all tests that run flows."""
    from prefect.testing.utilities import prefect_test_harness  # slow: most tests do without Prefect

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(scope="session")
def platform() -> Iterator["Running"]:
    """The platform that tests share (``make up``); they leave it running and as they found it."""
    from tests.deployments.conftest import started  # few tests need it

    with temporary_home() as home, started(home, **PLATFORM, SLUICE_CRASHES=str(CRASHES)) as running:
        yield running


@pytest.fixture
def empty_warehouse(server_url: str) -> Iterator[Warehouse]:
    """A warehouse without any tables."""
    with new_database(server_url) as url:
        yield Warehouse.from_url(url)


@pytest.fixture
def warehouse(server_url: str, template: str) -> Iterator[Warehouse]:
    """A fresh warehouse with Sluice's tables, for one test."""
    with new_database(server_url, template) as url:
        yield Warehouse.from_url(url)


@pytest.fixture(scope="module")
def module_warehouse(server_url: str, template: str) -> Iterator[Warehouse]:
    """A fresh warehouse with Sluice's tables, for one module."""
    with new_database(server_url, template) as url:
        yield Warehouse.from_url(url)


@pytest.fixture
def connection(warehouse: Warehouse) -> Iterator[Connection]:
    """An autocommit connection to the test's own warehouse."""
    with warehouse.connect(autocommit=True) as opened:
        yield opened


@contextmanager
def new_database(server_url: str, template: str = "template1") -> Iterator[str]:
    """A database of its own, dropped at the end. Yields its URL."""
    name = f"sluice_test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        admin.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield make_conninfo(server_url, dbname=name)
        finally:
            # The server may have been killed by the test.
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def module_server() -> Iterator[Embedded]:
    """A server of its own for tests that stop or kill it. Not started yet."""
    with temporary_home() as home:
        yield Embedded(home, FAST)


@pytest.fixture
def server(module_server: Embedded) -> Embedded:
    """The module's own server, running."""
    module_server.ensure()
    return module_server
