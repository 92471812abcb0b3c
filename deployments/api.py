"""Questions to the Prefect API that need no Prefect import: is it up, is there a pool, does a worker poll."""

import os
import time
from collections.abc import Callable
from typing import Any

import httpx

from sluice.errors import RetryError


def answers(api_url: str, seconds: float = 5.0) -> bool:
    """Whether a healthy Prefect API is at this address; one that says nothing for ``seconds`` is none."""
    return _ask("GET", f"{api_url}/health", seconds=seconds) is True


def wait_for(api_url: str, seconds: float = 120.0) -> None:
    """Return as soon as the API is healthy. Raises RetryError after ``seconds``."""
    _until(lambda: answers(api_url), seconds, f"The Prefect API at {api_url}")


def wait_for_pool(api_url: str, pool: str, seconds: float = 120.0) -> None:
    """Return as soon as the work pool is there. Raises RetryError after ``seconds``."""
    found = f"{api_url}/work_pools/{pool}"
    _until(lambda: _ask("GET", found) is not None, seconds, f"The work pool {pool}")


def worker_online(api_url: str, pool: str, worker: str) -> bool:
    """Whether this worker polls this pool now."""
    body = {"workers": {"status": {"any_": ["ONLINE"]}}}
    found = _ask("POST", f"{api_url}/work_pools/{pool}/workers/filter", body)
    return worker in [item["name"] for item in found or []]


def gateway_ready(url: str) -> bool:
    """Whether the gateway there has all that it needs."""
    return _ask("GET", f"{url}/readyz") is not None


def running(api_url: str) -> list[str]:
    """Ids of the flow runs that Prefect takes for started and not ended."""
    return runs_in(api_url, "PENDING", "RUNNING", "CANCELLING")


def runs_in(api_url: str, *kinds: str) -> list[str]:
    """Ids of the flow runs in states of these types."""
    found = _ask("POST", f"{api_url}/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": kinds}}}})
    return [item["id"] for item in found or []]


def crash(api_url: str, flow_run_id: str, message: str) -> None:
    """Set the run's state to Crashed."""
    state = {"type": "CRASHED", "name": "Crashed", "message": message}
    _ask("POST", f"{api_url}/flow_runs/{flow_run_id}/set_state", {"state": state})


def form_url(api_url: str, ui_url: str, deployment: str) -> str:
    """The address of the run form of a deployment (``flow/deployment``); of all deployments if it is missing."""
    found = _ask("GET", f"{api_url}/deployments/name/{deployment}")
    return f"{ui_url}/v2/deployments" + (f"/deployment/{found['id']}/run" if found else "")


def _ask(method: str, url: str, body: dict[str, Any] | None = None, seconds: float = 5.0) -> Any:
    """The JSON answer; None for a refusal or no answer."""
    try:
        # A proxy from the environment must not stand between us and loopback.
        reply = httpx.request(method, url, json=body, auth=_login(), timeout=seconds, trust_env=False)
        return reply.json() if reply.is_success else None
    except (httpx.HTTPError, ValueError):
        return None


def _login() -> tuple[str, str] | None:
    name, colon, password = os.environ.get("PREFECT_API_AUTH_STRING", "").partition(":")
    return (name, password) if colon else None


def _until(true: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise RetryError(f"{what} did not answer within {seconds:.0f} s.")
        time.sleep(0.1)
