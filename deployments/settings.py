"""How the local platform is set up, and the environment that its processes get."""

import os
import sys
from pathlib import Path

import certifi
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from gateway.settings import GatewaySettings

PROJECT = Path(__file__).resolve().parent.parent
POOL = "sluice"
WORKER = "sluice-local"

LONGEST_SOCKET = 95  # bytes of its path: the system allows 107, and a draft of it has a longer name

# What the user sets in the environment wins over these.
DEFAULTS = {
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_WORKER_QUERY_SECONDS": "2",
    # Relative, so that the UI works through any forwarded port or proxy.
    "PREFECT_SERVER_UI_API_URL": "/api",
    "PREFECT_WORKER_HEARTBEAT_SECONDS": "10",
    # Each client would ask for both; the server is of the same version, and asks for no token.
    "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
    # Without a zygote a run needs 20 s at worst; where images are pulled it may be minutes.
    "SLUICE_START_SECONDS": "45",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # In a burst the server would open and close connections, each of which learns its statements anew.
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE": "15",
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_MAX_OVERFLOW": "5",
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_STATEMENT_CACHE_SIZE": "500",
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_PREPARED_STATEMENT_CACHE_SIZE": "500",
    # Prefect forgets events after 7 days and runs after 30; Sluice's own tables keep the truth about loads.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": "2592000",
}
# Nothing calls home.
QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
}
# These would send our processes to another Prefect server.
FOREIGN = ("PREFECT_PROFILE", "PREFECT_API_KEY")


class PlatformSettings(GatewaySettings):
    """The settings of ``make up``, on top of those that every command has."""

    model_config = SettingsConfigDict(env_prefix="SLUICE_", extra="ignore")

    host: str = Field(default="127.0.0.1", description="Address that the Prefect server listens on.")
    port: int = Field(default=4200, ge=1, le=65535, description="Port that the Prefect server listens on.")
    prefect_database_url: SecretStr | None = Field(
        default=None,
        description="Database of the Prefect server: postgresql+asyncpg://... Default: an embedded one.",
    )

    @property
    def ui_url(self) -> str:
        """Where the Prefect UI is."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def api_url(self) -> str:
        """Where the Prefect API is."""
        return f"{self.ui_url}/api"

    @property
    def zygote(self) -> Path | None:
        """The socket of the process that starts runs; None where the system offers no such thing."""
        path = self.root / "zygote.socket"
        return path if sys.platform == "linux" and len(os.fsencode(path)) < LONGEST_SOCKET else None

    @property
    def needs_embedded(self) -> bool:
        """Whether anything of the platform lives in the embedded PostgreSQL server."""
        return self.database_url is None or self.prefect_database_url is None

    @property
    def logs(self) -> Path:
        """The folder of the log files."""
        return self.root / "logs"

    def environment(self, prefect_database: str) -> dict[str, str]:
        """The environment of every process of the platform."""
        inherited = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        return {
            **DEFAULTS,
            "PREFECT_API_SSL_CERT_FILE": str(_one_certificate(self.root / "prefect")),
            **inherited,
            **QUIET,
            "SLUICE_HOME": str(self.root),
            "SLUICE_PREFECT_API_URL": self.api_url,
            "SLUICE_ZYGOTE": str(self.zygote or ""),
            "PREFECT_HOME": str(self.root / "prefect"),
            "PREFECT_API_URL": self.api_url,
            "PREFECT_SERVER_API_HOST": self.host,
            "PREFECT_SERVER_API_PORT": str(self.port),
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": prefect_database,
            "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1,localhost,::1"])),
            "PYTHONUNBUFFERED": "1",
        }


def _one_certificate(folder: Path) -> Path:
    """A file with one certificate, made where it lacks.

    Each client of Prefect reads its certificates before it knows whether it needs any. A run makes several clients, and
    all certificates take each 35 ms; none is needed to speak with a server of this machine.
    """
    path = folder / "one-certificate.pem"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        head, end, _ = Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----")
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_text(f"{head}{end}\n")
        partial.replace(path)
    return path
