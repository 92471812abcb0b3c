"""The anchorer: signs the heads of the audit log every few seconds while there are new entries."""

import logging
import threading

from sluice.audit.anchoring import anchor, warn
from sluice.audit.findings import Finding
from sluice.errors import SluiceError
from sluice.settings import Settings
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

POLL = 5.0  # seconds: for so long entries are covered by the chain only
_log = logging.getLogger(__name__)


class Anchorer:
    """Works until it is stopped. Several may run. Nothing waits for it."""

    def __init__(self, warehouse: Warehouse, settings: Settings) -> None:
        self._warehouse, self._settings = warehouse, settings
        self._told: set[Finding] = set()
        self._over = threading.Event()

    def stop(self) -> None:
        """End soon."""
        self._over.set()

    def run(self) -> None:
        """Anchor what is new, then wait for more; go on after any trouble."""
        while not self._over.is_set():
            try:
                with translated(), self._warehouse.connect(autocommit=True) as connection:
                    while not self._over.is_set():
                        self.anchor(connection)
                        self._over.wait(POLL)
            except (SluiceError, OSError) as trouble:
                _log.warning("The audit log was not anchored: %s", trouble)
            self._over.wait(POLL)

    def anchor(self, connection: Connection) -> None:
        """Anchor what is new; what is broken is logged once."""
        found = set(anchor(connection, self._settings))
        warn(found - self._told)
        self._told = found
