"""The application: its parts, its routes, and what all of them share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from gateway import problems
from gateway.database import Database
from gateway.direct import Direct
from gateway.hub import Hub
from gateway.limits import Limits
from gateway.rates import Rates
from gateway.routes import csv, downloads, github, health, ingest, live, pipeline, requests, uploads, webhooks
from gateway.settings import GatewaySettings
from gateway.signed import Signer
from gateway.state import Service
from gateway.together import Together
from sluice.jobs.uploads import announcing
from sluice.landing.store import store_of
from sluice.security.tokens import Keys, local_secret
from sluice.sources.guard import Guard
from sluice.warehouse.connection import Warehouse

ABOUT = "Upload a file, follow its job, see what became of every record."


def create_app(settings: GatewaySettings | None = None) -> FastAPI:
    """The gateway. It connects when it starts."""
    given = settings or GatewaySettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        warehouse = Warehouse.from_settings(given).prepare()
        async with Database(warehouse).opened() as database:
            hub = Hub(database)
            app.state.service = Service(
                settings=given,
                database=database,
                together=Together(database, announcing),
                keys=Keys(given),
                signer=Signer(local_secret(given)),
                store=store_of("", given),
                rates=Rates(given.requests_a_minute),
                hub=hub,
                outside=Guard.from_settings(given),
            )
            with hub.listening():
                yield

    app = FastAPI(title="Sluice", description=ABOUT, lifespan=lifespan, redoc_url=None)
    problems.install(app)
    app.add_middleware(Direct, ingest.WAYS)
    app.add_middleware(Limits, given)
    for routes in (csv, ingest, downloads, uploads, pipeline, requests, github, webhooks, live, health):
        app.include_router(routes.router)
    return app
