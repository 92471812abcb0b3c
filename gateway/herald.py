"""The herald: tells Prefect of the starts and ends of jobs, as events that automations may act on."""

import logging
import threading
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx

from gateway.prefect import Prefect
from sluice.errors import RetryError, SluiceError
from sluice.queue import events, heralds
from sluice.queue.heralds import News
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

POLL, PAUSE = 5.0, 2.0  # seconds: between looks, and after trouble
GATHER = 0.3  # a job makes many events at once, and most are progress
AT_ONCE = 100
_REFUSED = {HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
_log = logging.getLogger(__name__)


class Herald:
    """Works until it is stopped. Several may run. No job waits for it."""

    def __init__(self, warehouse: Warehouse, prefect: Prefect) -> None:
        self._warehouse, self._prefect = warehouse, prefect
        self._over = threading.Event()

    def stop(self) -> None:
        """End soon."""
        self._over.set()

    def run(self) -> None:
        """Tell what is new, then wait for more; go on after any trouble."""
        while not self._over.is_set():
            try:
                with translated(), self._warehouse.connect(autocommit=True) as connection:
                    connection.execute(f"LISTEN {events.CHANNEL}".encode())
                    while not self._over.is_set():
                        while self.tell(connection):
                            pass
                        for _ in connection.notifies(timeout=POLL, stop_after=1):
                            self._over.wait(GATHER)
            except SluiceError as trouble:
                _log.warning("Prefect was not told of jobs: %s", trouble)
            except Exception:
                _log.exception("The herald stumbled and goes on.")
            self._over.wait(PAUSE)

    def tell(self, connection: Connection) -> bool:
        """Tell the next news of one organization. Returns whether there were any. Raises RetryError."""
        with connection.transaction():
            sheet = heralds.claim(connection, AT_ONCE)
            if sheet is None:
                return False
            self._emit([as_event(one, sheet.organization_id) for one in sheet.news])
            heralds.told(connection, sheet)
        return True

    def _emit(self, told: Sequence[dict[str, Any]]) -> None:
        if not told:
            return
        try:
            reply = self._prefect.http.post("/events", json=told)
        except httpx.HTTPError as cause:
            raise RetryError.of(cause, hint="Is the Prefect server up?") from cause
        if reply.status_code in _REFUSED:
            if len(told) == 1:  # it would be refused forever, and hold up what comes after it
                _log.warning(
                    "Prefect refuses the event %s of %s.", told[0]["event"], told[0]["payload"]["job_id"]
                )
            else:
                for one in told:
                    self._emit([one])
        elif not reply.is_success:
            raise RetryError(f"The Prefect server answered {reply.status_code} to /events.")


def as_event(news: News, organization_id: int) -> dict[str, Any]:
    """What Prefect gets. Told again, it has the same id, by which Prefect knows it."""
    job = news.data
    related = [
        {"prefect.resource.id": f"sluice.dataset.{job['dataset']}", "prefect.resource.role": "dataset"},
        {"prefect.resource.id": f"prefect.flow-run.{news.flow_run_id}", "prefect.resource.role": "flow-run"},
    ]
    return {
        "id": str(uuid5(NAMESPACE_URL, f"sluice:{news.key}")),
        "occurred": news.at.isoformat(),
        "event": f"sluice.job.{news.what}",
        "resource": {
            "prefect.resource.id": f"sluice.job.{news.job_id}",
            "prefect.resource.name": job["filename"] or news.job_id,
            "sluice.organization": str(organization_id),
        },
        "related": related if news.flow_run_id else related[:1],
        "payload": {
            name: job[name] for name in ("job_id", "dataset", "filename", "attempt", "message", "error")
        },
    }
