"""Health: alive, ready, and figures for Prometheus."""

from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from gateway.access import Served
from gateway.prefect import Prefect
from gateway.state import Service
from sluice.errors import SluiceError
from sluice.queue import figures

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, bool]:
    """Whether the gateway answers."""
    return {"ok": True}


@router.get("/readyz", responses={503: {"description": "A part is missing."}})
async def readyz(served: Served, response: Response) -> dict[str, Any]:
    """Whether all that a job needs is there: PostgreSQL, Prefect, a worker, the landing store."""
    found = await to_thread.run_sync(_parts, served)
    response.status_code = 200 if all(found.values()) else 503
    return {"ready": all(found.values()), "parts": found}


def _parts(served: Service) -> dict[str, bool]:
    prefect = Prefect.of(served.settings)
    try:
        with prefect.http:
            worker, server = prefect.workers_online() > 0, True
    except SluiceError:
        worker = server = False
    return {
        "postgres": served.database.warehouse.answers(),
        "prefect": server,
        "worker": worker,
        "landing": served.store.writable(),
    }


@router.get("/metrics", response_class=Response)
async def metrics(served: Served) -> Response:
    """Figures of all organizations together, for Prometheus."""
    found = await to_thread.run_sync(figures.overall, served.database.warehouse)
    registry = CollectorRegistry()
    jobs = Gauge("sluice_jobs", "Jobs by status.", ["status"], registry=registry)
    for status, count in found.jobs.items():
        jobs.labels(status).set(count)
    for name, value, text in (
        ("sluice_outbox_waiting", found.waiting, "Jobs that wait for a flow run."),
        ("sluice_outbox_oldest_seconds", found.oldest_seconds, "How long the oldest of them has waited."),
        ("sluice_dead_letters", found.dead_letters, "Dead letters."),
        ("sluice_deliveries_waiting", found.deliveries, "Webhooks that wait for their delivery."),
    ):
        Gauge(name, text, registry=registry).set(value)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
