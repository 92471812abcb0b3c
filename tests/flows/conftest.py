"""One real Prefect server for the flow tests, and a state folder with a real warehouse behind them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.testing.utilities import prefect_test_harness

from sluice.settings import settings
from sluice.warehouse.connection import Warehouse


@pytest.fixture(scope="session", autouse=True)
def prefect_server() -> Iterator[None]:
    """Prefect's own harness: a server with a temporary database."""
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture
def project(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouse]:
    """The project's settings point at the test's warehouse and folder."""
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SLUICE_DATABASE_URL", warehouse.url)
    settings.cache_clear()
    yield warehouse
    settings.cache_clear()
