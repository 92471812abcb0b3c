"""The deliverer: posts the ends of jobs to the organizations' webhooks, signed."""

import json
import logging
import threading

import httpx

from sluice.errors import SluiceError
from sluice.queue import deliveries
from sluice.queue.deliveries import Delivery
from sluice.security.signing import signed
from sluice.sources.guard import Guard
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

POLL, SECONDS, AT_ONCE = 5.0, 10.0, 5
_log = logging.getLogger(__name__)


class Deliverer:
    """Works until it is stopped. Several may run."""

    def __init__(self, warehouse: Warehouse, outside: Guard) -> None:
        self._warehouse, self._outside = warehouse, outside
        self._http = httpx.Client(timeout=SECONDS, trust_env=False)
        self._over = threading.Event()

    def stop(self) -> None:
        """End soon."""
        self._over.set()

    def run(self) -> None:
        """Deliver what is due, then wait for more; go on after any trouble."""
        while not self._over.is_set():
            try:
                with translated(), self._warehouse.connect(autocommit=True) as connection:
                    connection.execute(f"LISTEN {deliveries.CHANNEL}".encode())
                    while not self._over.is_set():
                        while self.deliver(connection):
                            pass
                        for _ in connection.notifies(timeout=POLL, stop_after=1):
                            pass
            except SluiceError as trouble:
                _log.warning("%s", trouble)
                self._over.wait(1)

    def deliver(self, connection: Connection) -> bool:
        """Post some of what is due. Returns whether there may be more."""
        with connection.transaction():
            due = deliveries.claim(connection, AT_ONCE)
            for one in due:
                taken, answer = self._post(one)
                (deliveries.delivered if taken else deliveries.failed)(connection, one, answer)
        return bool(due)

    def _post(self, one: Delivery) -> tuple[bool, str]:
        body = json.dumps({"type": one.kind, "timestamp": one.created_at, "data": one.job}, default=str)
        headers = {"Content-Type": "application/json", **signed(one.secrets, one.message_id, body)}
        try:
            self._outside.check(one.url)
            reply = self._http.post(one.url, content=body, headers=headers)
        except (httpx.HTTPError, SluiceError) as error:
            return False, str(error) or type(error).__name__
        return reply.is_success, str(reply.status_code)
