"""Runs a flow in this process, for the command line and for measurements."""

from typing import Any

from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from flows.standard_ingestion import IngestionRequest, standard_ingestion
from sluice.jobs.steps import warm_up

__all__ = ["run_here", "warm_up"]


def run_here(request: dict[str, Any], api_url: str = "") -> dict[str, Any]:
    """The outcome of the standard ingestion, shown at ``api_url``, else at Prefect's own. Raises what its steps raise.

    The job's lease proves that this process lives, so Prefect's heartbeat is off.
    """
    api = {PREFECT_API_URL: api_url} if api_url else {}
    with temporary_settings(updates={PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, **api}):
        return standard_ingestion(IngestionRequest.model_validate(request))
