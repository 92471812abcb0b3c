"""The platform: PostgreSQL, the Prefect server, a worker and the gateway; started, watched over, stopped."""

import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime

from deployments import api, local, ports
from deployments.board import Board, places, suggestions
from deployments.lost import end_lost_runs
from deployments.postgres import PlatformPostgres
from deployments.process import Child
from deployments.settings import POOL, WORKER, PlatformSettings
from deployments.state import PlatformState, Process, end_leftovers
from sluice.errors import RetryError, SetupError, SluiceError
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.embedded import Embedded

READY_SECONDS = 180.0
STOP_SECONDS = 15.0
AGAIN = 2.0  # seconds between two tries to start PostgreSQL
MANUAL = "standard-ingestion/standard-manual"


class Platform:
    """One platform under one ``SLUICE_HOME``. ``wanted`` says whether it should go on."""

    def __init__(self, settings: PlatformSettings, board: Board, wanted: Callable[[], bool]) -> None:
        self._settings = settings
        self._board = board
        self._wanted = wanted
        self._began = time.monotonic()
        self._postgres = PlatformPostgres(Embedded(settings.root)) if settings.needs_embedded else None
        self._children: list[Child] = []
        self._handed_over = False

    def run(self, *, exit_when_ready: bool = False) -> None:
        """Start everything, watch over it while it is wanted, and stop it. Raises SluiceError."""
        ports.check(self._settings, replaceable=True)
        for name in end_leftovers(self._settings.root):
            self._board.say(f"Ended the {name} that a killed platform left behind.")
        self._write_state()
        self._replace_shared()
        ports.check(self._settings)
        with ExitStack() as cleanup:
            cleanup.callback(self._stop_postgres)
            if self._postgres:
                self._board.say("PostgreSQL ...")
                self._postgres.start()
            cleanup.callback(self._stop_children)
            self._start_children()
            if self._wait_until_ready() and not exit_when_ready:
                self._watch()
            self._board.say("Stopping ...")

    def _replace_shared(self) -> None:
        """Stop the server that commands share, once none uses it: from now on they use this platform's."""
        with local.unused(self._settings.root) as free:
            if free and local.stop(self._settings.root):
                self._board.say("Stopped the Prefect server that commands shared: they use this one now.")

    def _start_children(self) -> None:
        given = self._settings.prefect_database_url
        database = given.get_secret_value() if given else self._postgres.prefect_url if self._postgres else ""
        environment = self._settings.environment(database)

        def child(name: str, *module: str) -> Child:
            log = self._settings.logs / f"{name}.log"
            return Child(name, [sys.executable, "-m", *module], environment, log)

        self._board.say("Prefect server, worker, gateway, deployments ...")
        self._children = [
            child("server", "deployments.server"),
            child("worker", "deployments.worker"),
        ]
        if socket_path := self._settings.zygote:
            socket_path.unlink(missing_ok=True)
            self._children.append(child("zygote", "deployments.warm.zygote", str(socket_path)))
        self._children += [child("gateway", "gateway.serve"), child("dispatcher", "gateway.dispatcher")]
        self._children.append(child("register", "deployments.register"))
        for each in self._children:
            each.start()
        self._write_state()

    def _wait_until_ready(self) -> bool:
        """True once all is ready, False if it is no longer wanted. Raises SluiceError."""
        register, url = self._children[-1], self._settings.api_url
        deadline = time.monotonic() + READY_SECONDS
        gateway, zygote = self._settings.gateway_address, self._settings.zygote
        while (
            register.exit_code != 0
            or (zygote and not zygote.exists())
            or not api.worker_online(url, POOL, WORKER)
            or not api.gateway_ready(gateway)
        ):
            for child in self._children:
                if child.exit_code is not None and (child is not register or child.exit_code):
                    raise _died(child, "while starting")
            if time.monotonic() > deadline:
                hint = f"See the logs in {self._settings.logs}."
                raise RetryError(f"The platform was not ready after {READY_SECONDS:.0f} s.", hint=hint)
            if not self._wanted():
                return False
            time.sleep(0.1)
        self._children.remove(register)
        self._write_state()
        self._show()
        return True

    def _watch(self) -> None:
        """Start again what dies, while the platform is wanted. Raises SetupError when that doesn't help."""
        while self._wanted():
            time.sleep(0.5)
            self._replace_shared()
            if self._postgres and not self._postgres.running:
                self._board.complain("PostgreSQL has stopped; starting it again.")
                if trouble := self._postgres.revive():
                    self._board.complain(trouble)
                    time.sleep(AGAIN)
            for child in self._children:
                if child.exit_code is not None and self._wanted():
                    self._revive(child)

    def _revive(self, child: Child) -> None:
        if not child.may_restart():
            raise _died(child, "again and again")
        self._board.complain(f"The {child.name} has died (code {child.exit_code}); starting it again.")
        child.stop(0)
        if child.name == "worker":
            self._end_lost_runs(no_worker=True)
        child.start()
        if child.name == "zygote":
            # Its runs died with it.
            self._end_lost_runs()
        self._write_state()

    def _stop_children(self) -> None:
        """The worker goes first, because it reports the ends of its runs to the server."""
        for child in reversed(self._children):
            with local.unused(self._settings.root) as free:
                if child.name == "server":
                    self._end_lost_runs()
                if child.name == "server" and not free and child.exit_code is None:
                    self._hand_over(child)
                else:
                    self._stop(child)

    def _end_lost_runs(self, *, no_worker: bool = False) -> None:
        """A run that was killed said nothing to Prefect, and maybe nothing to its job."""
        warehouse = Warehouse.from_settings(self._settings)
        with suppress(SluiceError):
            end_lost_runs(warehouse, self._settings.stage_dir, self._settings.api_url, no_worker=no_worker)

    def _stop(self, child: Child) -> None:
        try:
            child.stop(STOP_SECONDS)
        except SluiceError as stuck:  # the others are to be stopped all the same
            self._board.complain(str(stuck))

    def _hand_over(self, server: Child) -> None:
        local.hand_over(self._settings, Process.of(server.name, server.pid))
        self._handed_over = True
        self._board.say("The Prefect server stays up for a command that uses it; 'sluice db stop' stops it.")

    def _stop_postgres(self) -> None:
        if self._handed_over:
            return  # the server keeps its database
        with suppress(SluiceError):
            if self._postgres and not self._postgres.stop():
                self._board.say("PostgreSQL stays up for other programs; 'sluice db stop' stops it.")

    def _write_state(self) -> None:
        found = [("platform", os.getpid()), *((child.name, child.pid) for child in self._children)]
        PlatformState(
            api_url=self._settings.api_url,
            ui_url=self._settings.ui_url,
            gateway_url=self._settings.gateway_address,
            started=datetime.now(UTC),
            processes=[Process.of(name, pid) for name, pid in found],
        ).write(self._settings.root)

    def _show(self) -> None:
        warehouse = Warehouse.from_settings(self._settings).safe_url
        form = api.form_url(self._settings.api_url, self._settings.ui_url, MANUAL)
        seconds = time.monotonic() - self._began
        self._board.ready(places(self._settings, warehouse), suggestions(form), seconds)


def _died(child: Child, when: str) -> SetupError:
    return SetupError(
        f"The {child.name} ended with code {child.exit_code} {when}. "
        f"The whole log is {child.log}; its end:\n{child.last_words()}"
    )
