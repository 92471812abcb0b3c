"""The standard ingestion as Prefect runs it: its steps, its outcome, its artifacts, its failures."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.states import exception_to_failed_state

from flows.runner import run_here
from flows.standard_ingestion import IngestionRequest
from sluice.errors import ReadError, RetryError, SourceError
from sluice.jobs import ledger
from sluice.warehouse.connection import Warehouse
from tasks import ingestion, reports
from tasks.policy import worth_retrying

SAMPLES = Path(__file__).parents[2] / "sample-data"
STEPS = {
    ingestion.validate_source: (300, 3),
    ingestion.establish_connection: (120, 5),
    ingestion.collect: (1800, 3),
    ingestion.convert: (900, 2),
    ingestion.check_quality: (600, 2),
    ingestion.store: (1200, 3),
}


def request(dataset: str, *paths: Path, **more: Any) -> dict[str, Any]:
    return {"dataset": dataset, "sources": [{"kind": "file", "path": str(p)} for p in paths], **more}


@pytest.mark.parametrize(("step", "limits"), STEPS.items(), ids=lambda value: getattr(value, "name", ""))
def test_steps_have_the_timeouts_and_retries_of_the_requirement(step: Any, limits: tuple[int, int]) -> None:
    assert (step.timeout_seconds, step.retries) == limits
    assert step.retry_delay_seconds == [2 * 2**n for n in range(step.retries)]
    assert step.retry_jitter_factor > 0
    assert step.retry_condition_fn is worth_retrying


def test_the_run_form_explains_every_field() -> None:
    schema = IngestionRequest.model_json_schema()
    models = [schema, *schema["$defs"].values()]
    missing = [
        name
        for model in models
        for name, field in model["properties"].items()
        if name != "kind" and not field.get("description")
    ]
    assert missing == []
    assert set(schema["properties"]["sources"]["items"]["discriminator"]["mapping"]) == {
        "file",
        "http",
        "api",
        "github",
        "object",
        "rejects",
    }


@pytest.mark.parametrize("kind", ["csv", "json", "xlsx"])
def test_templates_load_whole_in_every_format(project: Warehouse, kind: str) -> None:
    for dataset, count in (("projects", 5), ("bugs", 10)):
        outcome = run_here(request(dataset, SAMPLES / f"{dataset}-template.{kind}", mode="append"))
        assert (outcome["published"], outcome["rejected"]) == (count, 0)


@pytest.mark.parametrize(
    "name", ["bugs-dirty.csv", "bugs-dirty.json", "bugs-dirty.xlsx", "projects-dirty.csv"]
)
def test_dirty_samples_give_the_expected_rejects(project: Warehouse, name: str) -> None:
    path = SAMPLES / name
    found = [
        p for p in (SAMPLES / f"{name}.expected.json", SAMPLES / f"{path.stem}.expected.json") if p.is_file()
    ]
    expected = json.loads(found[0].read_text())
    outcome = run_here(request(expected["dataset"], path, mode="append"))
    assert {k: outcome[k] for k in ("read", "published", "rejected")} == {
        k: expected[k] for k in ("read", "published", "rejected")
    }
    assert outcome["reasons"] == expected["reasons"]
    rows = {
        (r["record_no"], r["line"], r["column_name"], r["reason"])
        for r in ledger.rejects(project, outcome["job_id"])
    }
    for wanted in expected["records"]:
        line = wanted["line"]
        assert any(
            (n, reason) == (wanted["record_no"], wanted["reason"]) and (line is None or at == line)
            for n, at, _, reason in rows
        ), wanted


def test_a_finished_run_shows_its_artifacts(project: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BAR_SECONDS", "FIRST_SECONDS"):
        monkeypatch.setattr(reports, name, 0)  # as if it took long
    outcome = run_here(request("bugs", SAMPLES / "bugs-dirty.csv", mode="append"))
    with get_client(sync_client=True) as client:
        run = ArtifactFilterFlowRunId(any_=[outcome["flow_run_id"]])
        chosen = ArtifactFilter(flow_run_id=run)
        found = client.read_artifacts(artifact_filter=chosen, limit=50, sort="KEY_ASC")
    artifacts = {artifact.key: artifact for artifact in found}
    assert set(artifacts) == {"progress", "result", "rejects-by-reason", "rejects-sample", "notes"}
    assert artifacts["progress"].data == 100.0
    assert json.loads(str(artifacts["result"].data))[0]["published"] == outcome["published"]
    shown = str(artifacts["result"].description)
    assert f"psql {project.safe_url}" in shown.replace("'", "")
    assert '"data"."bugs"' in shown


def test_a_run_shows_the_lines_that_its_reader_left_out(project: Warehouse, tmp_path: Path) -> None:
    text = (SAMPLES / "bugs-dirty.csv").read_text(encoding="utf-8")
    path = tmp_path / "around.csv"
    path.write_text(f"List of bugs\nMade by hand\n\n{text}", encoding="utf-8")
    outcome = run_here(request("bugs", path, mode="append"))
    with get_client(sync_client=True) as client:
        run = ArtifactFilterFlowRunId(any_=[outcome["flow_run_id"]])
        found = client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id=run), limit=50)
    (shown,) = [json.loads(str(one.data)) for one in found if one.key == "lines-left-out"]
    assert [(row["line"], row["kind"], row["text"]) for row in shown] == [
        (1, "preamble", "List of bugs"),
        (2, "preamble", "Made by hand"),
    ]


def test_a_missing_file_fails_at_once_and_is_noted(project: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        run_here(request("bugs", tmp_path / "none.csv"))
    job = ledger.listing(project, organization_id=1)[0]
    assert (job["status"], job["stage"]) == ("failed", "error")
    assert "does not exist" in job["error_message"]


def test_one_unreadable_file_of_several_stops_the_whole_job(project: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_bytes(b"\x00\x01\x02" * 100)
    with pytest.raises(ReadError):
        run_here(request("bugs", SAMPLES / "bugs-template.csv", tmp_path / "bad.csv"))
    with project.connect() as connection:
        assert connection.execute("SELECT count(*) FROM data.bugs").fetchone() == (0,)


def test_only_errors_of_the_retry_family_are_tried_again() -> None:
    def verdict(error: Exception) -> bool:
        state = asyncio.run(exception_to_failed_state(error))
        return worth_retrying(None, None, state)  # type: ignore[arg-type]

    assert verdict(RetryError("later"))
    assert verdict(TimeoutError())
    assert not verdict(SourceError("no"))
    assert not verdict(ValueError("no"))


@contextmanager
def serving(content: bytes, status: Callable[[str], int]) -> Iterator[str]:
    """The address of a server that answers each path with ``status`` and the content."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status(self.path))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_server_that_stumbles_once_is_asked_again(project: Warehouse) -> None:
    asked: list[str] = []

    def status(path: str) -> int:
        asked.append(path)
        return 503 if len(asked) == 1 else 200

    with serving((SAMPLES / "bugs-template.csv").read_bytes(), status) as url:
        sources = [{"kind": "http", "url": f"{url}/bugs.csv"}]
        outcome = run_here({"dataset": "bugs", "mode": "append", "sources": sources})
    assert (outcome["published"], len(asked)) == (10, 3)


def test_a_secret_in_a_url_is_used_but_never_kept(
    project: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    def status(path: str) -> int:
        return 200 if path == "/bugs.csv?day=1&token=c0ffee" else 403

    with (
        serving((SAMPLES / "bugs-dirty.csv").read_bytes(), status) as server,
        caplog.at_level(logging.DEBUG),
    ):
        url = f"{server}/bugs.csv?day=1&token="
        sources = [{"kind": "http", "url": url + "c0ffee"}]
        outcome = run_here({"dataset": "bugs", "mode": "append", "sources": sources})
    assert outcome["published"]
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(UUID(outcome["flow_run_id"]))
        of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[outcome["flow_run_id"]]))
        shown = client.read_artifacts(artifact_filter=of_run, limit=50)
    job = ledger.get(project, outcome["job_id"])
    assert run.parameters["request"]["sources"][0]["url"] == f"{url}***"
    assert job["details"]["request"]["sources"][0]["url"] == f"{url}***"
    assert "c0ffee" not in f"{run} {shown} {job} {outcome}"
    assert "c0ffee" not in caplog.text
    assert "day=1" in caplog.text


def test_the_ledger_keeps_the_times_that_are_told(project: Warehouse) -> None:
    outcome = run_here(request("bugs", SAMPLES / "bugs-template.csv", mode="append"))
    told = ledger.get(project, outcome["job_id"])["result_data"]
    assert len(told.pop("data_preview")) == min(5, outcome["published"]) > 0
    assert told == json.loads(json.dumps(outcome))
    with project.connect() as connection:
        (kept,) = connection.execute("SELECT seconds FROM sluice.loads").fetchall()
    assert kept == (outcome["seconds"],)
    assert kept[0].keys() == {"acquire", "read", "audit", "publish", "total"}
