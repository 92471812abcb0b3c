"""The test run's Prefect server for all flow tests, and a state folder with a real warehouse behind them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sluice.settings import settings
from sluice.warehouse.connection import Warehouse


@pytest.fixture(autouse=True)
def _server(prefect_server: None) -> None:
    """Every test here may run flows."""


@pytest.fixture
def project(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouse]:
    """The project's settings point at the test's warehouse and folder."""
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SLUICE_DATABASE_URL", warehouse.url)
    settings.cache_clear()
    yield warehouse
    settings.cache_clear()
