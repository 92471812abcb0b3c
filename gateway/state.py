"""What the requests of one gateway share."""

import asyncio
from dataclasses import dataclass, field

from fastapi import Request
from starlette.websockets import WebSocket

from gateway.database import Database
from gateway.datasets import Datasets
from gateway.hub import Hub
from gateway.rates import Rates
from gateway.settings import GatewaySettings
from gateway.signed import Signer
from gateway.together import Together
from sluice.landing.store import Store
from sluice.security.tokens import Keys
from sluice.sources.guard import Guard


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of a gateway that stand as long as it does."""

    settings: GatewaySettings
    database: Database
    together: Together
    keys: Keys
    signer: Signer
    store: Store
    rates: Rates
    hub: Hub
    outside: Guard
    datasets: Datasets = field(default_factory=Datasets)
    # Downloads that are made at a time: each holds a connection while its table is read.
    downloads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))


def service(request: Request) -> Service:
    """The service that takes this request."""
    found: Service = request.app.state.service
    return found


def service_of(socket: WebSocket) -> Service:
    """The service that takes this connection."""
    found: Service = socket.app.state.service
    return found
