"""A web API through the live platform: asked for by a client, fetched by a run, and again only what is new."""

import uuid
from collections.abc import Iterator

import pytest

from tests.journeys.conftest import OVER, Service
from tests.sources.api.server import Api, served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def api() -> Iterator[Api]:
    with served(Api()) as found:
        yield found


def test_a_client_has_an_api_loaded_and_later_what_is_new(service: Service, api: Api) -> None:
    prefix = f"journey-{uuid.uuid4().hex}"
    api.items = [
        {"name": f"{prefix}-{number}", "stars": number, "updated": f"2026-01-{number + 1:02d}"}
        for number in range(25)
    ]
    source = {
        "kind": "api",
        "url": f"{api.url}/listing",
        "paging": {"style": "page", "size": 10, "size_param": "size"},
        "incremental": {"field": "updated", "param": "since"},
    }
    for published in (25, 1):
        asked = {"dataset": "projects", "sources": [source]}
        job_id = service.ask("POST", "/api/pipeline/jobs", 202, json=asked)["job_id"]
        job = service.job_in(job_id, OVER)
        assert (job["status"], job["error_message"]) == ("completed", None)
        assert job["result_data"]["published"] == published
        api.items.append({"name": f"{prefix}-new", "stars": 1, "updated": "2026-02-01"})
    assert service.rows(prefix) == 26
    assert [one.get("since") for one in api.asked[-2:]] == ["2026-01-25"] * 2
