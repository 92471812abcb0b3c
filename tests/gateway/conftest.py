"""A gateway that listens, and clients of two organizations."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from gateway.app import create_app
from gateway.settings import GatewaySettings
from sluice.security.tokens import Caller, Role, mint
from sluice.warehouse.connection import Warehouse
from tests.queue.conftest import queued as queued

Client = Callable[..., httpx.Client]


@contextmanager
def serving(settings: GatewaySettings) -> Iterator[str]:
    """The URL of a gateway."""
    config = uvicorn.Config(create_app(settings), port=0, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.02)
    (port,) = {one.getsockname()[1] for each in server.servers for one in each.sockets}
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def gateway_settings(
    module_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> GatewaySettings:
    home: Path = tmp_path_factory.mktemp("home")
    with module_warehouse.connect(autocommit=True) as connection:
        connection.execute(
            "INSERT INTO sluice.organizations (id, name) VALUES (2, 'second') ON CONFLICT DO NOTHING"
        )
    return GatewaySettings(home=home, database_url=module_warehouse.url, upload_limit_mb=2)


@pytest.fixture(scope="module")
def gateway(gateway_settings: GatewaySettings) -> Iterator[str]:
    with serving(gateway_settings) as url:
        yield url


@pytest.fixture
def client(gateway: str, gateway_settings: GatewaySettings) -> Iterator[Client]:
    """Makes a client of an organization and role."""
    made: list[httpx.Client] = []

    def make(organization_id: int = 1, role: Role = Role.admin) -> httpx.Client:
        token = mint(gateway_settings, Caller(7, organization_id, role), 600)
        made.append(
            httpx.Client(base_url=gateway, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
        )
        return made[-1]

    yield make
    for one in made:
        one.close()
