"""The dispatcher: hands waiting jobs over to Prefect, the most urgent first, and sees to it that each comes to an end.

Several may run, and each may die at any instant: a job is handed over in one transaction, with a key by which
Prefect knows it again.
"""

import logging
import signal
import threading
import time
from datetime import timedelta

from gateway.anchorer import Anchorer
from gateway.deliverer import Deliverer
from gateway.herald import Herald
from gateway.prefect import Prefect
from gateway.reconciler import call_off, reconcile
from gateway.settings import GatewaySettings
from sluice.errors import RetryError, SluiceError
from sluice.queue import events, outbox
from sluice.sources.guard import Guard
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

POLL = 5.0  # seconds: a notification may be lost
RECONCILE = 5.0
PUT_OFF = 2.0
GATHER = 0.03  # seconds: news of jobs comes in crowds, and says at most that there is room for another
_log = logging.getLogger(__name__)


class Dispatcher:
    """Works until it is stopped."""

    def __init__(self, warehouse: Warehouse, prefect: Prefect, settings: GatewaySettings) -> None:
        self._warehouse, self._prefect = warehouse, prefect
        self._settings = settings
        self._over = threading.Event()
        self._reconciled = 0.0
        self._called_off = True

    def stop(self, *_: object) -> None:
        """End soon."""
        self._over.set()

    def run(self) -> None:
        """Hand over what is due, then wait for more; go on after any trouble."""
        while not self._over.is_set():
            try:
                with translated(), self._warehouse.connect(autocommit=True) as connection:
                    for channel in (outbox.CHANNEL, events.CHANNEL):
                        connection.execute(f"LISTEN {channel}".encode())
                    # After a restart of PostgreSQL, living processes need a moment to take their leases again.
                    self._reconciled = time.monotonic()
                    while not self._over.is_set():
                        self._turn(connection)
            except SluiceError as trouble:
                _log.warning("%s", trouble)
                self._over.wait(1)
            except Exception:
                _log.exception("The dispatcher stumbled and goes on.")
                self._over.wait(1)

    def _turn(self, connection: Connection) -> None:
        while self.hand_over(connection):
            pass
        if time.monotonic() - self._reconciled > RECONCILE:
            reconcile(connection, self._prefect, timedelta(seconds=self._settings.start_seconds))
            self._called_off = True
            self._reconciled = time.monotonic()
        if self._called_off:
            call_off(connection, self._prefect)
            self._called_off = False
        self._listen(connection, min(POLL, outbox.seconds_to_next(connection) or POLL))

    def _listen(self, connection: Connection, pause: float) -> None:
        """Return as soon as a job waits, a little later for other news, and after ``pause`` seconds without any."""
        until, urgent = time.monotonic() + pause, False
        while not urgent and (left := until - time.monotonic()) > 0:
            for notice in connection.notifies(timeout=left, stop_after=1):
                self._called_off |= notice.payload == outbox.CALLED_OFF
                urgent |= notice.channel == outbox.CHANNEL
                until = min(until, time.monotonic() + GATHER)

    def hand_over(self, connection: Connection) -> bool:
        """Make the next flow run for jobs that are due. Returns whether there may be more."""
        runs, most = self._settings.concurrency, self._settings.batch
        if not outbox.waits(connection):
            return False
        with connection.transaction():
            due = outbox.claim(connection, runs * most) if outbox.unstarted(connection) < runs else []
            if not due:
                return False
            chosen = outbox.together(due, runs, most)
            try:
                run = self._prefect.start(chosen)
            except SluiceError as trouble:
                _log.warning("%s was not handed over: %s", chosen[0].job_id, trouble)
                for one in chosen:
                    outbox.put_off(connection, one, PUT_OFF, trouble.message)
                return not isinstance(trouble, RetryError)
            for one in chosen:
                outbox.handed_over(connection, one, run)
        return True


def main() -> None:
    """Work until a signal says stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    settings = GatewaySettings()
    warehouse = Warehouse.from_settings(settings).prepare()
    dispatcher = Dispatcher(warehouse, Prefect.of(settings), settings)
    deliverer = Deliverer(warehouse, Guard.from_settings(settings))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, dispatcher.stop)
    herald = Herald(warehouse, Prefect.of(settings))
    anchorer = Anchorer(warehouse, settings)
    for one in (deliverer, herald, anchorer):
        threading.Thread(target=one.run, name=type(one).__name__, daemon=True).start()
    dispatcher.run()
    deliverer.stop()
    herald.stop()
    anchorer.stop()


if __name__ == "__main__":
    main()
