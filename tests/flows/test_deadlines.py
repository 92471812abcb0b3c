"""Each step of a run ends with its own timeout, is tried again, and says so in the log; Prefect's warning does not."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from prefect import flow, task

from flows.runner import run_here
from sluice.deadline import remaining
from sluice.errors import RetryError
from sluice.jobs import ledger
from sluice.warehouse.connection import Warehouse
from tasks import ingestion
from tasks.policy import in_time, step

CONTENT = (Path(__file__).parents[2] / "sample-data" / "bugs-template.csv").read_bytes()
STEPS = ["validate_source", "establish_connection", "collect", "convert", "check_quality", "store"]


@contextmanager
def serving(stuck: set[int]) -> Iterator[tuple[str, list[str]]]:
    """A URL that delivers, but for the requests of these numbers, and the requests so far."""
    asked: list[str] = []
    over = threading.Event()

    class Stuck(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            wait = len(asked) in stuck
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(CONTENT[:100])
                if wait:
                    over.wait()
                self.wfile.write(CONTENT[100:])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stuck)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/bugs.csv", asked
    finally:
        over.set()
        server.shutdown()


def quick(monkeypatch: pytest.MonkeyPatch, name: str, seconds: float, retries: int) -> None:
    """Give a step of the flow a timeout that a test can wait for."""
    options = {"timeout_seconds": seconds, "retries": retries, "retry_delay_seconds": 0.1}
    monkeypatch.setattr(ingestion, name, getattr(ingestion, name).with_options(**options))


def load(url: str) -> dict[str, Any]:
    return run_here({"dataset": "bugs", "mode": "append", "sources": [{"kind": "http", "url": url}]})


def test_a_step_that_ran_out_of_time_is_tried_again(
    project: Warehouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    quick(monkeypatch, "collect", 2, retries=1)
    with serving(stuck={2}) as (url, asked):
        outcome = load(url)
    assert (outcome["published"], len(asked)) == (10, 3)
    assert "The step 'collect data' was stopped: it was not done after 2 seconds." in caplog.text


def test_a_step_that_never_gets_done_fails_the_job_with_its_name(
    project: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(monkeypatch, "collect", 1, retries=1)
    began = time.monotonic()
    with serving(stuck={2, 3}) as (url, asked), pytest.raises(RetryError, match="'collect data' was stopped"):
        load(url)
    assert (len(asked), time.monotonic() - began < 20) == (3, True)
    job = ledger.listing(project, organization_id=1)[0]
    assert job["status"] == "failed"
    assert "not done after 1 second" in job["error_message"]


def test_a_publish_that_waits_for_a_lock_is_stopped_and_publishes_nothing(
    project: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(stuck=set()) as (url, _):
        load(url)
        quick(monkeypatch, "store", 1, retries=0)
        with project.connect() as reader:
            reader.execute("LOCK TABLE data.bugs IN SHARE MODE")
            with pytest.raises(RetryError, match="'store data' was stopped"):
                run_here(
                    {
                        "dataset": "bugs",
                        "force": True,
                        "mode": "upsert",
                        "sources": [{"kind": "http", "url": url}],
                    }
                )
            assert reader.execute("SELECT count(*) FROM data.bugs").fetchone() == (10,)


def test_reading_whose_incoming_table_waits_for_a_lock_is_stopped(
    project: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(stuck=set()) as (url, _):
        load(url)
        quick(monkeypatch, "convert", 1, retries=0)
        source = {"kind": "http", "url": url}
        request = {"dataset": "bugs", "force": True, "mode": "upsert", "sources": [source]}
        with project.connect() as changer:
            changer.execute("LOCK TABLE data.bugs")
            with pytest.raises(RetryError, match="'convert format' was stopped"):
                run_here(request)


@pytest.mark.parametrize("name", STEPS)
def test_each_step_runs_in_time(name: str) -> None:
    assert getattr(ingestion, name).fn.__wrapped__.__name__ == name


def test_the_deadline_comes_a_moment_before_prefects_own(prefect_server: None) -> None:
    @task(**step(minutes=5, retries=0))
    @in_time
    def long() -> float | None:
        return remaining()

    @task(**step(minutes=0.05, retries=0))
    @in_time
    def short() -> float | None:
        return remaining()

    @flow
    def both() -> tuple[float | None, float | None]:
        return long(), short()

    found = both()
    assert found[0] == pytest.approx(299, abs=0.5)
    assert found[1] == pytest.approx(2.7, abs=0.2)


def test_outside_of_a_run_a_body_has_no_deadline() -> None:
    assert in_time(remaining)() is None


def test_the_log_of_a_run_holds_no_warning_of_the_timeouts(project: Warehouse) -> None:
    heard: list[logging.LogRecord] = []
    listener = logging.Handler()
    listener.emit = heard.append  # type: ignore[method-assign]
    log = logging.getLogger("prefect.task_runs")
    log.addHandler(listener)
    try:
        with serving(stuck=set()) as (url, _):
            load(url)
        log.warning("Another warning of %s.", "a task", extra={"send_to_api": False})
    finally:
        log.removeHandler(listener)
    warnings = [record.getMessage() for record in heard if record.levelno >= logging.WARNING]
    assert warnings == ["Another warning of a task."]
    assert any("Finished in state" in record.getMessage() for record in heard)
