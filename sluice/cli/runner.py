"""Runs the standard ingestion flow in this process, against the Prefect API that is at hand."""

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sluice.cli.output import err
from sluice.errors import RetryError, SluiceError
from sluice.jobs.progress import listening
from sluice.jobs.recovery import recover
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse

QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "PREFECT_CLI_COLORS": "false",
}
# They warn of what they do at the end of a process: send what is left, close a connection that was interrupted.
CHATTY = ("EventsWorker", "APILogWorker", "psycopg")


def run(request: dict[str, Any]) -> dict[str, Any]:
    """The outcome of the flow for these values of an ``IngestionRequest``. Raises what the flow raises."""
    return run_all([request])[0]


def run_all(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The outcomes of several requests, one after the other in this process."""
    _check_warehouse()
    if os.environ.get("PREFECT_API_URL"):
        return _run_all(requests, lambda: os.environ["PREFECT_API_URL"])
    from deployments import local  # it names modules that only loads need

    with local.using(settings().root):
        os.environ["PREFECT_API_URL"] = local.api_url()
        return _run_all(requests, local.wait)


def _check_warehouse() -> None:
    """Raise what a server of the user's own says against us, before anything is started."""
    warehouse = Warehouse.from_settings()
    if warehouse.embedded is None:
        warehouse.connect().close()


def _run_all(requests: list[dict[str, Any]], api_url: Callable[[], str]) -> list[dict[str, Any]]:
    with waiting("starting"):
        _prepare_prefect()
        dead = recover(Warehouse.from_settings().prepare(), settings().stage_dir)
        from flows.runner import warm_up  # Prefect and what imports it take over a second

        warming = warm_up()
    outcomes = []
    try:
        if dead:
            _end_runs(api_url())
        for request in requests:
            with loading(request["dataset"]):
                outcomes.append(_load(request, api_url()))
    except KeyboardInterrupt:
        with suppress(SluiceError):  # what a step in another thread has left
            recover(Warehouse.from_settings(), settings().stage_dir)
        raise
    finally:
        if not isinstance(sys.exception(), KeyboardInterrupt):
            # The interpreter must not end in the middle of DuckDB's work in these threads; each flow run has its own.
            for thread in threading.enumerate():
                if thread.name == warming.name:
                    thread.join()
    return outcomes


def _end_runs(url: str) -> None:
    """The runs of dead jobs go on in Prefect until somebody ends them."""
    from deployments.lost import end_lost_runs  # only loads need it

    end_lost_runs(Warehouse.from_settings(), settings().stage_dir, url)


def _load(request: dict[str, Any], url: str) -> dict[str, Any]:
    from deployments import api  # Prefect, which takes long to import
    from flows.runner import run_here

    try:
        return run_here(request, url)
    except SluiceError:
        raise
    except Exception as error:
        if api.answers(url):
            raise
        hint = "Load again when it is back: what `sluice jobs` lists as completed is not loaded twice."
        raise RetryError(f"The Prefect API at {url} went away during the load.", hint=hint) from error


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """A spinner on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield
        return
    with err.status(text):
        yield


@contextmanager
def loading(dataset: str) -> Iterator[None]:
    """A spinner that names the step and the records read so far; nothing in a pipe."""
    text = f"loading into {dataset}"
    if not sys.stderr.isatty():
        yield
        return
    with err.status(text) as status, listening(lambda done: status.update(f"{text}: {done}")):
        yield


def _prepare_prefect() -> None:
    """Set Prefect's environment before its import."""
    os.environ.update(QUIET)
    os.environ.setdefault("PREFECT_HOME", str(settings().root / "prefect"))
    if not os.environ.get("SLUICE_DEBUG"):
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
        for name in CHATTY:
            logging.getLogger(name).setLevel(logging.ERROR)
    os.environ["NO_PROXY"] = ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1,localhost"]))
