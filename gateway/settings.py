"""How the gateway is set up."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from sluice.settings import Settings


class GatewaySettings(Settings):
    """The settings of the gateway and its dispatcher, on top of those that every command has."""

    model_config = SettingsConfigDict(env_prefix="SLUICE_", extra="ignore")

    gateway_host: str = Field(default="127.0.0.1", description="Address that the gateway listens on.")
    gateway_port: int = Field(default=8300, ge=1, le=65535, description="Port that the gateway listens on.")
    gateway_url: str = Field(
        default="",
        description="How clients reach the gateway, for the URLs it gives out; empty: as they came.",
    )
    prefect_api_url: str = Field(
        default="http://127.0.0.1:4200/api", description="The Prefect API that runs are made through."
    )
    deployment: str = Field(
        default="standard-ingestion/gateway", description="The deployment that does the jobs: flow/name."
    )
    batch_deployment: str = Field(
        default="batch-ingestion/gateway-batch",
        description="The deployment that does several small jobs in a run.",
    )
    batch: int = Field(
        default=10,
        ge=1,
        description="Most small files that a run does one after another where many wait; 1: a run for each.",
    )
    concurrency: int = Field(default=3, ge=1, description="Jobs that run at once.")
    start_seconds: float = Field(
        default=300,
        gt=0,
        description="How long a run may take from its worker to the job's first step before it counts as lost.",
    )
    upload_limit_mb: int = Field(default=10, ge=1, description="Most megabytes of one uploaded file.")
    upload_hours: float = Field(default=24, gt=0, description="How long an upload URL is good for.")
    upload_files: int = Field(default=20, ge=1, description="Most files of one request.")
    requests_a_minute: int = Field(
        default=6000, ge=0, description="Most requests of an organization; 0: any."
    )
    open_callbacks: bool = Field(
        default=False, description="Take callbacks without a signature. Only for development."
    )
    shared_credentials: bool = Field(
        default=False,
        description="Let clients load by the worker's own credentials: objects of stores, and sources with a block.",
    )
    github_block: str = Field(
        default="",
        description="Name of a GitHubSource block that the gateway's jobs take; empty: the environment's token.",
    )
    github_tenants: str = Field(
        default="1",
        pattern=r"^(\*|[0-9, ]*)$",
        description="Organizations whose clients may load from GitHub by the service's token: 1,2; *: all.",
    )
    github_webhook_secrets: dict[int, SecretStr] = Field(
        default_factory=dict,
        description="Secrets that GitHub signs webhooks with, by organization, as JSON.",
    )

    @property
    def gateway_address(self) -> str:
        """Where the gateway is on this machine."""
        host = "127.0.0.1" if self.gateway_host in {"0.0.0.0", "::"} else self.gateway_host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.gateway_port}"

    def lends_github(self, organization_id: int) -> bool:
        """Whether clients of the organization may load from GitHub by the service's token."""
        tenants = self.github_tenants.replace(" ", "").split(",")
        return self.shared_credentials or "*" in tenants or str(organization_id) in tenants
