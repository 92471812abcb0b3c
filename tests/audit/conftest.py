"""A log with entries of two organizations, anchored in the middle of the first."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sluice.audit import log
from sluice.audit.anchoring import anchor
from sluice.audit.verify import Verified, verify
from sluice.settings import Settings
from sluice.warehouse.connection import Connection, Warehouse

LENGTH, ANCHORED = 9, 6  # entries of the first organization, and of those the anchored ones
Look = Callable[[], dict[int, Verified]]


@pytest.fixture
def given(tmp_path: Path, warehouse: Warehouse) -> Settings:
    """Settings with a home of the test's own."""
    return Settings(home=tmp_path / "home", database_url=warehouse.url)


@pytest.fixture
def look(warehouse: Warehouse, given: Settings) -> Look:
    """Verifies the log; what was found by organization."""
    return lambda: {one.organization_id: one for one in verify(warehouse, given)}


@pytest.fixture
def entries(connection: Connection, given: Settings) -> Connection:
    """The connection of a superuser, to whom nothing is refused but what triggers refuse."""
    for number in range(1, LENGTH + 1):
        details = {"progress": number, "message": f"é {number}"}
        log.write(
            connection, "job.stage", organization_id=1, user_id=7, job_id=f"job_{number}", details=details
        )
        log.write(connection, "load.published", organization_id=2, load_id=number, dataset="projects")
        if number in (3, ANCHORED):
            assert anchor(connection, given) == []
    return connection
