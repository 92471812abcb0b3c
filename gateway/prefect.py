"""The Prefect API, as far as the gateway needs it: make a flow run, and ask what became of some."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, NamedTuple, Self

import httpx

from gateway.settings import GatewaySettings
from sluice.errors import RetryError, SetupError
from sluice.queue.outbox import Waiting, idempotency_key

SECONDS = 10.0


class State(NamedTuple):
    """``kind``: such as RUNNING. ``age``: since when, by this machine's clock."""

    kind: str
    age: timedelta = timedelta(0)


@dataclass(slots=True)
class Prefect:
    """Talks to one Prefect server. Every call raises RetryError where it does not answer as it should."""

    http: httpx.Client
    deployment: str
    batch_deployment: str
    _ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: GatewaySettings) -> Self:
        """The server of the settings."""
        # A proxy from the environment must not stand between us and loopback.
        http = httpx.Client(base_url=settings.prefect_api_url.rstrip("/"), timeout=SECONDS, trust_env=False)
        return cls(http, settings.deployment, settings.batch_deployment)

    def start(self, together: Sequence[Waiting]) -> str:
        """A flow run for these jobs, or the one that was made for this try of them already. Returns its id.

        Raises SetupError where the deployment is missing.
        """
        requests = [{**one.request, "job_id": one.job_id} for one in together]
        small = all(one.shares for one in together)
        deployment = self.batch_deployment if small else self.deployment
        body = {
            "parameters": {"requests": requests} if small else {"request": requests[0]},
            "name": f"{together[0].request['dataset']}"
            + (f" and {len(together) - 1} more" if together[1:] else ""),
            "idempotency_key": idempotency_key(together),
            "work_queue_name": together[0].priority,
            "tags": ["gateway", *(one.job_id for one in together)],
        }
        found = self._ask("POST", f"/deployments/{self._id(deployment)}/create_flow_run", body)
        if found is None:
            del self._ids[deployment]  # it was deleted, or made anew
            raise _missing(deployment)
        return str(found["id"])

    def states(self, flow_run_ids: Sequence[str]) -> dict[str, State]:
        """The state of each flow run that there is; at most 200."""
        body = {"flow_runs": {"id": {"any_": list(flow_run_ids)}}, "limit": 200}
        now = datetime.now(UTC)
        return {
            str(one["id"]): State(
                str(one["state_type"]), now - datetime.fromisoformat(one["state"]["timestamp"])
            )
            for one in self._ask("POST", "/flow_runs/filter", body) or []
        }

    def end(self, flow_run_id: str, kind: str, message: str, *, force: bool = False) -> None:
        """Ask that the flow run be CANCELLING, CANCELLED or CRASHED, if Prefect sees it fit; ``force``: in any case."""
        state = {"type": kind, "name": kind.title(), "message": message}
        self._ask("POST", f"/flow_runs/{flow_run_id}/set_state", {"state": state, "force": force})

    def workers_online(self) -> int:
        """How many workers poll the deployment's work pool."""
        found = self._ask("GET", f"/deployments/name/{self.deployment}")
        pool = found["work_pool_name"] if found else ""
        body = {"workers": {"status": {"any_": ["ONLINE"]}}}
        return len(self._ask("POST", f"/work_pools/{pool}/workers/filter", body) or []) if pool else 0

    def _id(self, deployment: str) -> str:
        if deployment not in self._ids:
            found = self._ask("GET", f"/deployments/name/{deployment}")
            if found is None:
                raise _missing(deployment)
            self._ids[deployment] = str(found["id"])
        return self._ids[deployment]

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer; None where there is no such thing."""
        try:
            reply = self.http.request(method, path, json=body)
        except httpx.HTTPError as cause:
            raise RetryError.of(cause, hint="Is the Prefect server up?") from cause
        if reply.status_code == HTTPStatus.NOT_FOUND:
            return None
        if not reply.is_success:
            raise RetryError(f"The Prefect server answered {reply.status_code} to {path}.")
        return reply.json() if reply.content else None


def _missing(deployment: str) -> SetupError:
    return SetupError(
        f"Prefect has no deployment {deployment}.", hint="Register them: `prefect deploy --all`."
    )
