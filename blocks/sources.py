"""The blocks that keep the settings and secrets of sources, and hand out their clients."""

import ssl
from base64 import b64encode
from pathlib import Path
from typing import Any, Literal, Self

import httpx
from obstore.store import ObjectStore
from prefect.blocks.core import Block
from pydantic import Field, SecretStr, field_validator, model_validator

from blocks.postgres import SECRETIVE
from sluice.errors import SetupError
from sluice.sources.objects import is_server, open_store


class FileSource(Block):
    """A folder on the worker that files arrive in.

    Example:
        ```python
        from blocks import FileSource

        FileSource(folder="/srv/drop", pattern="*.csv").save("drop")
        paths = FileSource.load("drop").get_paths()
        ```
    """

    _block_type_name = "File Source"
    _block_type_slug = "file-source"

    folder: str = Field(min_length=1, description="Folder, as the worker sees it.")
    pattern: str = Field(
        default="*", min_length=1, description="Which files: a glob below the folder, such as **/*.csv."
    )

    def get_paths(self) -> list[Path]:
        """The files that match now, sorted by name. Raises SetupError if the folder is missing."""
        folder = Path(self.folder).expanduser()
        if not folder.is_dir():
            raise SetupError(
                f"There is no folder {folder}.", hint="Correct the block's folder.", file=str(folder)
            )
        return sorted(path for path in folder.glob(self.pattern) if path.is_file())


class HttpSource(Block):
    """A web server that files are fetched from, with what it asks for.

    The secrets are sent to this server only, whatever it redirects to.

    Example:
        ```python
        from blocks import HttpSource

        HttpSource(base_url="https://data.example.org", token="...").save("partner")
        with HttpSource.load("partner").get_client() as client:
            client.get("/exports/projects.csv")
        ```
    """

    model_config = SECRETIVE

    _block_type_name = "HTTP Source"
    _block_type_slug = "http-source"

    base_url: str = Field(
        pattern=r"^https?://[^/]",
        title="Base URL",
        description="The server, as https://host or https://host/path.",
    )
    token: SecretStr | None = Field(default=None, description="Sent as 'Authorization: Bearer ...'.")
    username: str | None = Field(default=None, description="Name for basic authentication.")
    password: SecretStr | None = Field(default=None, description="Password for basic authentication.")
    headers: dict[str, SecretStr] = Field(
        default_factory=dict, description="More headers, such as an API key; their values are kept secret."
    )
    ca_file: str | None = Field(
        default=None, title="CA file", description="File, on the worker, with the authorities to trust."
    )

    @model_validator(mode="after")
    def _one_identity(self) -> Self:
        if self.token and self.username:
            raise ValueError("Give either a token or a username, not both.")
        return self

    def secrets_for(self, url: str) -> dict[str, Any]:
        """Arguments for ``httpx.Client`` that fetch ``url``. Raises SetupError for another server's URL."""
        if _origin(httpx.URL(url)) != _origin(httpx.URL(self.base_url)):
            raise SetupError(
                f"This block holds the secrets of {self.base_url}, not of {httpx.URL(url).host}.",
                hint="Name the block of that server, or none.",
            )
        return {"event_hooks": {"request": [self._sign]}, "verify": _trusting(self.ca_file)}

    def get_client(self) -> httpx.Client:
        """A client to use as a context manager. Redirects are followed."""
        given = self.secrets_for(self.base_url)
        return httpx.Client(base_url=self.base_url, follow_redirects=True, **given)

    def _sign(self, request: httpx.Request) -> None:
        at_home = self._at_home(request)
        for name, value in self._headers().items():
            # httpx keeps our headers when it follows a redirect, except Authorization.
            if at_home:
                request.headers[name] = value
            else:
                request.headers.pop(name, None)

    def _at_home(self, request: httpx.Request) -> bool:
        return _origin(request.url) == _origin(httpx.URL(self.base_url))

    def _headers(self) -> dict[str, str]:
        headers = {name: value.get_secret_value() for name, value in self.headers.items()}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token.get_secret_value()}"
        elif self.username:
            password = self.password.get_secret_value() if self.password else ""
            login = b64encode(f"{self.username}:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {login}"
        return headers


class ObjectStoreSource(Block):
    """A bucket or container: Amazon S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage.

    With no secret given, the worker's own identity is used (environment, instance role). For what speaks like
    Amazon S3, such as MinIO, name its server as ``endpoint``.

    Example:
        ```python
        from blocks import ObjectStoreSource

        ObjectStoreSource(
            url="s3://exports/daily", key="...", secret="...", endpoint="http://127.0.0.1:9000"
        ).save("exports")
        store = ObjectStoreSource.load("exports").get_store()
        ```
    """

    model_config = SECRETIVE

    _block_type_name = "Object Store Source"
    _block_type_slug = "object-store-source"

    url: str = Field(
        pattern=r"^(s3|gs|az)://[^/@]+(/|$)",
        title="URL",
        description="Where: s3://bucket/prefix, gs://... or az://...",
    )
    key: SecretStr | None = Field(default=None, description="S3: access key id. Azure: account name.")
    secret: SecretStr | None = Field(
        default=None,
        description="S3: secret access key. Azure: account key. Google: the service account's JSON key.",
    )
    session_token: SecretStr | None = Field(
        default=None, description="S3: session token of temporary keys. Azure: shared access signature."
    )
    endpoint: str | None = Field(
        default=None, pattern=r"^https?://", description="Server other than the provider's own: https://host"
    )
    region: str | None = Field(default=None, description="S3: region of the bucket, such as eu-central-1.")
    anonymous: bool = Field(default=False, description="Read a public bucket without signing in.")

    @field_validator("endpoint")
    @classmethod
    def _is_server(cls, value: str | None) -> str | None:
        if value and not is_server(value):
            raise ValueError("Write the endpoint as http(s)://host or http(s)://host:port")
        return value

    @property
    def kind(self) -> Literal["s3", "gs", "az"]:
        """The kind of store, from the URL."""
        return self.url.split(":", 1)[0]  # type: ignore[return-value]

    def secrets_for(self, url: str) -> dict[str, Any]:
        """Arguments for obstore's store of ``url``. Raises SetupError for another bucket."""
        if not f"{url}/".startswith(self.url.rstrip("/") + "/"):
            raise SetupError(
                f"This block holds the secrets of {self.url}, not of {url}.",
                hint="Name the block of that bucket, or none.",
            )
        given: dict[str, Any] = {"config": self._config(), "client_options": self._client_options()}
        if self.kind == "s3" and self.key and self.secret:
            # What stands in the environment, such as a session token, must not be mixed with them.
            given["config"]["aws_skip_signature"] = self.anonymous
            given["credential_provider"] = self._identity
        return given

    def get_store(self) -> ObjectStore:
        """The store; paths are relative to the URL. Raises SetupError when a setting is wrong."""
        prefix = self.url.split("/", 3)[3:]
        return open_store(self.url, self.secrets_for(self.url), prefix[0] if prefix else None)

    def _identity(self) -> dict[str, str | None]:
        secrets = {"access_key_id": self.key, "secret_access_key": self.secret, "token": self.session_token}
        return {name: _clear(value) for name, value in secrets.items()} | {"expires_at": None}

    def _config(self) -> dict[str, Any]:
        values = {name: getattr(self, field) for field, name in _CONFIG[self.kind].items()}
        config = {name: _clear(value) for name, value in values.items() if value}
        if self.kind == "s3" and self.endpoint:
            # Servers that are not Amazon's rarely answer to bucket.host.
            config["aws_virtual_hosted_style_request"] = False
        return config

    def _client_options(self) -> dict[str, Any]:
        return {"allow_http": self.endpoint.startswith("http:")} if self.endpoint else {}


_CONFIG: dict[str, dict[str, str]] = {
    "s3": {
        "key": "aws_access_key_id",
        "secret": "aws_secret_access_key",
        "session_token": "aws_session_token",
        # Not aws_endpoint: this variable of the environment would win over it.
        "endpoint": "aws_endpoint_url_s3",
        "region": "aws_region",
        "anonymous": "aws_skip_signature",
    },
    "gs": {
        "secret": "google_service_account_key",
        "endpoint": "google_base_url",
        "anonymous": "google_skip_signature",
    },
    "az": {
        "key": "azure_storage_account_name",
        "secret": "azure_storage_account_key",
        "session_token": "azure_storage_sas_token",
        "endpoint": "azure_storage_endpoint",
        "anonymous": "azure_skip_signature",
    },
}


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _clear(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _trusting(ca_file: str | None) -> ssl.SSLContext | Literal[True]:
    if not ca_file:
        return True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as cause:
        raise SetupError.of(cause, hint="Correct the block's CA file.", file=ca_file) from None
