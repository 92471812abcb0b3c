"""Serves the gateway: ``python -m gateway.serve``."""

import uvicorn

from gateway.app import create_app
from gateway.settings import GatewaySettings
from sluice import garbage


def main() -> None:
    """Serve until a signal says stop. Requests are not logged: their URLs may be signed."""
    settings = GatewaySettings()
    app = create_app(settings)
    garbage.settle()  # each look through what stands as long as the gateway does would hold up all requests
    uvicorn.run(
        app,
        host=settings.gateway_host,
        port=settings.gateway_port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
