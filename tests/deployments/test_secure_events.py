"""Events of sources with a security policy, on the running platform."""

import re
import subprocess
from pathlib import Path

import pytest
import trustme
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from deployments.settings import PROJECT
from tests.deployments.conftest import FINAL, Running, until
from tests.deployments.test_platform import emit
from tests.sources.api.server import running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


async def projects(_request: Request) -> JSONResponse:
    return JSONResponse([{"name": "secure-1"}, {"name": "secure-2"}])


def test_an_event_loads_a_source_under_its_policy(platform: Running, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(tmp_path / "server.pem")
    )
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    name = "secure-api-on-event"
    before = {run["id"] for run in platform.runs_of(name)}
    app = Starlette(routes=[Route("/projects", projects)])
    with running(app, ssl_certfile=str(tmp_path / "server.pem")) as url:
        source = {"kind": "api", "url": f"{url}/projects", "security": {"ca": str(tmp_path / "ca.pem")}}
        emit(platform, {"dataset": "projects", "source": source}, "source.secure.updated")
        (run,) = until(lambda: [one for one in platform.runs_of(name) if one["id"] not in before])
        done = platform.run_in(run["id"], FINAL)
    assert done["state_type"] == "COMPLETED", done["state"]
    (shown,) = platform.post("/artifacts/filter", artifacts={"key": {"any_": ["security"]}})
    assert "| tls | TLSv1.3 |" in shown["data"]


def test_the_events_that_the_guide_shows_work_as_written(platform: Running) -> None:
    (script,) = re.findall(
        r"^```bash\n(.*?)^```$", (PROJECT / "docs" / "secure-apis.md").read_text(), re.MULTILINE | re.DOTALL
    )
    names = {"secure-api-on-event": "FAILED", "compliance-audit": "COMPLETED"}  # nothing is declared here
    before = {run["id"] for name in names for run in platform.runs_of(name)}
    script = f"set -e\n{script.replace(':4200/', f':{platform.port}/')}"
    sent = subprocess.run(
        ["bash", "-c", script], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False
    )
    assert sent.returncode == 0, sent.stderr
    for name, end in names.items():
        (run,) = until(lambda name=name: [one for one in platform.runs_of(name) if one["id"] not in before])
        state = platform.run_in(run["id"], FINAL)
        assert state["state_type"] == end, state["state"]
        if end == "FAILED":
            assert "are declared for patients" in state["state"]["message"]
