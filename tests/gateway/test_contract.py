"""The OpenAPI document against the gateway: requests made from it get what it promises, and never a 5xx."""

import os
from datetime import timedelta

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from gateway.app import create_app
from gateway.settings import GatewaySettings
from sluice.security.tokens import Caller, Role, mint
from tests.gateway.conftest import serving
from tests.gateway.test_uploads import announce

EXAMPLES = int(os.environ.get("SLUICE_CONTRACT_EXAMPLES", "10"))  # for each route
ENDLESS = "/api/ingest/events"  # see test_live
AWAY = "/readyz"  # its 503 is the answer: no Prefect runs here
# What is right by the schema may still name an unknown dataset or host, or an idempotency key of another request.
MEANT = {
    "/api/ingest/init",
    "/api/ingest/csv",
    "/api/pipeline/jobs",
    "/api/data/ingest",
    "/api/pipeline/webhook",
    "/api/github/rate-limit",
    "/api/github/sync",
    "/api/github/sync-repo",
}
ANSWERED = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
CONFIG = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
DOCUMENT = schemathesis.openapi.from_dict(create_app(GatewaySettings()).openapi(), config=CONFIG)
BOUNDED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=timedelta(seconds=20),
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def unbounded(gateway_settings):
    """A gateway that takes any number of requests."""
    unlimited = {"requests_a_minute": 0, "github_api_url": "http://127.0.0.1:9"}  # nobody is there
    with serving(gateway_settings.model_copy(update=unlimited)) as url:
        yield url


@pytest.fixture(scope="module")
def admin(gateway_settings):
    token = mint(gateway_settings, Caller(7, 1, Role.admin), 6000)
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def known(unbounded, admin):
    """Makes what the parameters of a route may name: a job and a signed upload."""
    with httpx.Client(base_url=unbounded, headers=admin, trust_env=False) as http:

        def make():
            told = announce(http, 1000)
            url = httpx.URL(told["upload_url"])
            path = {"job_id": told["job_id"], "upload_id": url.path.rpartition("/")[2]}
            return path, dict(url.params)

        yield make


@DOCUMENT.exclude(path=[ENDLESS, AWAY]).parametrize()
@BOUNDED
def test_each_route_keeps_what_the_document_says(case, unbounded, admin, known):
    excluded = [checks.positive_data_acceptance] if case.path in MEANT else []
    case.call_and_validate(base_url=unbounded, headers=admin, excluded_checks=excluded, timeout=20)
    if "{" in case.path:
        path, query = known()
        case.path_parameters = {name: path[name] for name in case.path_parameters}
        if "upload_id" in case.path_parameters:
            case.query = query
        case.call_and_validate(base_url=unbounded, headers=admin, checks=ANSWERED, timeout=20)
