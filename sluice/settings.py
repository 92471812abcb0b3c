"""Where Sluice keeps its state and finds its warehouse: environment variables, read once a process."""

import shutil
import sys
from functools import cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting can be given as an environment variable: ``SLUICE_`` and the name in capitals."""

    model_config = SettingsConfigDict(env_prefix="SLUICE_", extra="ignore")

    home: Path = Field(default=Path(".sluice"), description="Folder of all local state.")
    database_url: SecretStr | None = Field(
        default=None, description="PostgreSQL 14+ to use instead of the embedded one."
    )
    contracts: str = Field(default="", description="Folders with your own contracts, separated by ':'.")
    organization_id: int = Field(default=1, ge=1, description="The tenant that commands act for.")
    user_id: int = Field(default=1, ge=1, description="The user that commands act for.")
    memory_limit_mb: int = Field(
        default=300,
        ge=64,
        description="Megabytes that DuckDB may use; a table of over 500 columns gets more.",
    )
    threads: int = Field(
        default=0,
        ge=0,
        description="DuckDB threads; 0: one per core, at most 4, one less while rows are copied into the warehouse.",
    )
    landing: str = Field(
        default="", description="Where uploads are kept: a folder, or s3://bucket/prefix; empty: under home."
    )

    unpacked_limit_gb: int = Field(
        default=100, ge=0, description="Most gigabytes that a packed file may unpack to; 0: any."
    )
    unpacked_ratio: int = Field(
        default=200, ge=0, description="How many times its size a file may unpack to, beyond 100 MB; 0: any."
    )
    workbook_memory_mb: int = Field(
        default=4_000, ge=200, description="Memory that the process reading a workbook may use, in megabytes."
    )
    zip_members: int = Field(default=10_000, ge=0, description="Most members of a zip archive; 0: any.")
    crashes: int = Field(
        default=11,
        ge=0,
        description="How often a job that lost its process begins anew, after 2, 4, 8 and so on up to 60 seconds;"
        " one that kills each of its processes is given up after that.",
    )

    private_addresses: bool = Field(
        default=False,
        description="Let APIs, and URLs that clients of the gateway name, be on this machine and its network.",
    )
    allowed_addresses: str = Field(
        default="",
        description="Private networks or addresses that they may be on, separated by commas: 10.1.0.0/16.",
    )

    github_token: SecretStr | None = Field(
        default=None,
        description="Token for GitHub where a source names no block; it is sent to the API of github_api_url only.",
    )
    github_api_url: str = Field(
        default="https://api.github.com",
        pattern=r"^https?://[^/?#@]+[^?#@]*$",
        description="GitHub's API; of GitHub Enterprise: https://HOST/api/v3.",
    )

    encryption_key: SecretStr | None = Field(
        default=None,
        description="Keys that wrap the data keys of encrypted columns: 32 bytes each in base64, current first.",
    )
    encryption_key_file: Path | None = Field(default=None, description="A file with such keys, one a line.")
    vault_url: str = Field(default="", description="A HashiCorp Vault that holds such keys.")
    vault_path: str = Field(
        default="secret/sluice", description="Mount and path of the secret (KV 2) whose field 'key' has them."
    )
    vault_token: SecretStr | None = Field(default=None, description="Token for that Vault.")

    token_secret: SecretStr | None = Field(
        default=None,
        description="Key that signs access tokens (HS256), 32 bytes at least; none: one is made.",
    )
    token_jwks_url: str = Field(
        default="",
        description="Where your identity provider publishes its keys (RS256, ES256); then only its tokens count.",
    )
    token_issuer: str = Field(default="sluice", description="Issuer that access tokens must name.")
    token_audience: str = Field(default="sluice", description="Audience that access tokens must name.")

    audit_key: SecretStr | None = Field(
        default=None,
        description="Key that signs anchors of the audit log and reports (Ed25519): 32 bytes in Base64; none: one is"
        " made. Machines that share a warehouse share it.",
    )
    audit_trusted_keys: str = Field(
        default="",
        description="Public keys whose anchors count too, separated by commas: earlier ones, those of other machines.",
    )
    audit_folder: str = Field(
        default="",
        description="Folder that anchors are kept in too, best on another disk than the warehouse; empty: under home.",
    )

    audit_reports: str = Field(
        default="",
        description="Folder that the compliance audit writes its signed reports to; empty: `reports` where the anchors"
        " are.",
    )

    @property
    def root(self) -> Path:
        """``home`` as an absolute path."""
        return self.home.expanduser().resolve()

    @property
    def landing_dir(self) -> Path:
        """Where uploads are kept on this machine."""
        local = self.landing and "://" not in self.landing
        return Path(self.landing).expanduser().resolve() if local else self.root / "landing"

    @property
    def audit_dir(self) -> Path:
        """Where anchors of the audit log are kept outside of the warehouse."""
        return Path(self.audit_folder).expanduser().resolve() if self.audit_folder else self.root / "audit"

    @property
    def audit_reports_dir(self) -> Path:
        """Where the compliance audit's signed reports are kept."""
        given = self.audit_reports
        return Path(given).expanduser().resolve() if given else self.audit_dir / "reports"

    @property
    def stage_dir(self) -> Path:
        """Where jobs stage their Parquet files."""
        return self.root / "stage"

    @property
    def contract_dirs(self) -> list[Path]:
        """The user's contract folders, in order."""
        return [Path(part).expanduser() for part in self.contracts.split(":") if part]


@cache
def settings() -> Settings:
    """The process's settings. ``settings.cache_clear()`` reads the environment again."""
    return Settings()


def program() -> str:
    """How the reader calls ``sluice`` from here: by its name if that is on the path."""
    if shutil.which("sluice"):
        return "sluice"
    beside = Path(sys.executable).with_name("sluice")
    return str(beside.relative_to(Path.cwd()) if beside.is_relative_to(Path.cwd()) else beside)
