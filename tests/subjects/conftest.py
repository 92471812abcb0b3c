"""Two organizations with the same persons, and where uploads lie."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sluice.contracts.model import Contract
from sluice.landing.folder import Folder
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse
from tests.subjects.people import compiled, fill


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """SLUICE_HOME in a folder of the test."""
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SLUICE_ENCRYPTION_KEY", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")
    settings.cache_clear()
    yield tmp_path / "home"
    settings.cache_clear()


@pytest.fixture
def contracts(tmp_path: Path) -> dict[str, Contract]:
    return compiled(tmp_path / "contracts")


@pytest.fixture
def filled(warehouse: Warehouse, contracts: dict[str, Contract], tmp_path: Path) -> Warehouse:
    """Two organizations with the same persons."""
    with warehouse.connect(autocommit=True) as connection:
        connection.execute("INSERT INTO sluice.organizations (id, name) VALUES (2, 'second')")
    for organization in (1, 2):
        fill(warehouse, contracts, tmp_path, organization)
    return warehouse


@pytest.fixture
def store(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "landing")
