"""The block that names a PostgreSQL warehouse."""

from dataclasses import replace
from typing import Literal, Self
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, SecretStr, model_validator

from blocks.encryption import EncryptionKey
from sluice.warehouse.connection import Warehouse

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


# pydantic would repeat a refused value, password included.
SECRETIVE = ConfigDict(hide_input_in_errors=True)


class PostgresWarehouse(Block):
    """A PostgreSQL 14+ server that datasets are published to.

    Give either ``url`` or ``host`` and its companions. A block with neither follows the project: the server
    that ``SLUICE_DATABASE_URL`` names, else the embedded one.

    Example:
        ```python
        from blocks import PostgresWarehouse

        block = PostgresWarehouse(
            host="db.example.org", user="loader", password="...", sslmode="verify-full"
        )
        block.save("analytics")
        warehouse = PostgresWarehouse.load("analytics").get_warehouse()
        ```
    """

    model_config = SECRETIVE

    _block_type_name = "PostgreSQL Warehouse"
    _block_type_slug = "postgres-warehouse"

    url: SecretStr | None = Field(
        default=None,
        title="URL",
        description="The whole address: postgresql://user:password@host:5432/database. Used instead of the "
        "fields below.",
    )
    host: str | None = Field(
        default=None, description="Name or address of the server, or the folder of its Unix socket."
    )
    port: int = Field(default=5432, ge=1, le=65535, description="Port of the server.")
    database: str = Field(default="sluice", min_length=1, description="Database that holds the datasets.")
    user: str | None = Field(
        default=None, description="Role to log in as. It owns the tables that Sluice makes."
    )
    password: SecretStr | None = Field(default=None, description="The role's password.")
    sslmode: SslMode | None = Field(
        default=None,
        title="TLS mode",
        description="How TLS is used; 'verify-full' also checks the server's name.",
    )
    sslrootcert: str | None = Field(
        default=None,
        title="TLS root certificate",
        description="File, on the worker, with the authorities to trust.",
    )
    sslcert: str | None = Field(
        default=None, title="TLS client certificate", description="File, on the worker, with our certificate."
    )
    sslkey: str | None = Field(
        default=None, title="TLS client key", description="File, on the worker, with our certificate's key."
    )

    encryption: EncryptionKey | None = Field(
        default=None, description="Block with the keys of encrypted columns, instead of the settings'."
    )

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if self.url and self.host:
            raise ValueError("Give either url or host, not both.")
        if self.url and urlsplit(self.url.get_secret_value()).scheme not in {"postgresql", "postgres"}:
            raise ValueError("The URL must start with postgresql://")
        return self

    def get_url(self) -> SecretStr | None:
        """The address with its TLS options as a libpq URL; None if this block follows the project."""
        if self.url:
            parts = urlsplit(self.url.get_secret_value())
        elif self.host:
            parts = urlsplit(self._composed())
        else:
            return None
        options = dict(parse_qsl(parts.query)) | self._tls()
        return SecretStr(urlunsplit(parts._replace(query=urlencode(options, quote_via=quote))))

    def get_warehouse(self) -> Warehouse:
        """The warehouse that this block names.

        Raises SetupError when the address or a key is malformed, or the embedded server doesn't start.
        """
        url = self.get_url()
        found = Warehouse.from_url(url.get_secret_value()) if url else Warehouse.from_settings()
        return replace(found, keks=self.encryption.get_keys()) if self.encryption else found

    def _composed(self) -> str:
        who = quote(self.user or "", safe="")
        if self.password:
            who += ":" + quote(self.password.get_secret_value(), safe="")
        host = self.host or ""
        host = f"[{host}]" if ":" in host else quote(host, safe="")
        return f"postgresql://{who}{'@' if who else ''}{host}:{self.port}/{quote(self.database, safe='')}"

    def _tls(self) -> dict[str, str]:
        names = ("sslmode", "sslrootcert", "sslcert", "sslkey")
        return {name: value for name in names if (value := getattr(self, name))}
