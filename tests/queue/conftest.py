"""Jobs that wait in the outbox."""

from collections.abc import Callable

import pytest

from sluice.jobs import ledger
from sluice.queue import outbox
from sluice.warehouse.connection import Connection

Queue = Callable[..., str]


@pytest.fixture
def queued(connection: Connection) -> Queue:
    """Makes a job that waits for a flow run."""

    def make(priority: str = "normal", organization_id: int = 1) -> str:
        connection.execute(
            "INSERT INTO sluice.organizations (id, name) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [organization_id, f"organization {organization_id}"],
        )
        job = ledger.create(
            connection,
            dataset="projects",
            filename="a.csv",
            file_type="csv",
            priority=priority,
            organization_id=organization_id,
            details={"request": {"dataset": "projects"}},
        )
        outbox.put(connection, job, organization_id, priority)
        return job

    return make
