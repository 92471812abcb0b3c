"""Files on their way: announced and sent, several at once, wrong ones, and one that somebody else deals with."""

import json
import time

import pytest

from sluice.security.signing import signed
from tests.journeys.conftest import OVER, Service, projects

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def test_an_upload_goes_from_pending_over_processing_to_completed_with_its_counts(service: Service) -> None:
    before = service.ask("GET", "/api/ingest/stats")["stats"]
    prefix, content = projects()
    told = {
        "filename": "project_data.csv",
        "dataset": "projects",
        "file_type": "csv",
        "file_size": len(content),
    }
    made = service.ask("POST", "/api/ingest/init", 201, json=told)
    assert service.job(made["job_id"])["status"] == "pending"
    received = service.ask("PUT", made["upload_url"], content=content)
    assert (received["job_id"], received["received"]) == (made["job_id"], len(content))
    job = service.job_in(made["job_id"], OVER)
    assert (job["status"], job["stage"], job["progress"], job["attempt"]) == ("completed", "complete", 100, 1)
    result = job["result_data"]
    assert (result["read"], result["published"], result["rejected"]) == (3, 3, 0)
    assert [(one["name"], one["stars"]) for one in result["data_preview"]] == [
        (f"{prefix}-{number}", number) for number in range(3)
    ]
    assert job["created_at"] < job["started_processing_at"] < job["completed_at"]
    assert moves(service, made["job_id"]) == ["pending", "processing", "completed"]
    assert service.rows(prefix) == 3
    after = service.ask("GET", "/api/ingest/stats")["stats"]
    assert after["completed"] == before["completed"] + 1
    assert service.ask("GET", "/api/ingest/jobs", params={"limit": 1})["jobs"][0]["job_id"] == made["job_id"]


def moves(service: Service, job_id: str) -> list[str]:
    """The statuses that the job went through."""
    query = "SELECT event FROM sluice.audit_log WHERE job_id = %s AND event <> 'job.stage' ORDER BY id"
    events = [str(event).removeprefix("job.") for (event,) in service.query(query, job_id)]
    return ["pending" if one == "created" else one for one in events if one.isalpha()]


def test_a_bad_file_fails_and_its_rows_say_why(service: Service) -> None:
    content = f"page,seconds\n,{time.time_ns()}\n/about,many\n/home,5000\n".encode()
    (job_id,) = service.send(content, dataset="visits")
    job = service.job_in(job_id, OVER)
    assert job["status"] == "failed"
    assert "short_visits" in job["error_message"]
    errors = [(one["record_no"], one["column"]) for one in job["details"]["errors"]]
    assert errors == [(1, "page"), (2, "seconds")]


def test_four_files_of_one_request_each_become_a_job(service: Service) -> None:
    made = [projects(number + 1) for number in range(4)]
    jobs = service.send(*(content for _, content in made))
    assert len(set(jobs)) == 4
    ended = [service.job_in(job_id, OVER) for job_id in jobs]
    assert [one["status"] for one in ended] == ["completed"] * 4
    assert [one["result_data"]["published"] for one in ended] == [1, 2, 3, 4]
    assert [service.rows(prefix) for prefix, _ in made] == [1, 2, 3, 4]


def test_an_external_processor_reports_a_jobs_end_by_a_signed_message(service: Service) -> None:
    secret = service.ask("PUT", "/api/pipeline/webhook", json={"url": "http://127.0.0.1:9/hook"})["secret"]
    try:
        told = {"filename": "elsewhere.csv", "dataset": "projects"}
        job_id = service.ask("POST", "/api/ingest/init", 201, json=told)["job_id"]
        said = json.dumps(
            {"job_id": job_id, "status": "completed", "result_data": {"rows_processed": 1500, "columns": 12}}
        )
        service.ask("POST", "/api/pipeline/callback", 404, content=said)
        headers = signed([secret], f"msg_{time.time_ns()}", said)
        assert (
            service.ask("POST", "/api/pipeline/callback", content=said, headers=headers)["repeated"] is False
        )
        assert (
            service.ask("POST", "/api/pipeline/callback", content=said, headers=headers)["repeated"] is True
        )
        job = service.job(job_id)
        assert (job["status"], job["result_data"]["rows_processed"]) == ("completed", 1500)
    finally:
        service.ask("DELETE", "/api/pipeline/webhook")
