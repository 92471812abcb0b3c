"""The warehouse block: its URL, its TLS options, and a real connection."""

import base64

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import ValidationError

from blocks import EncryptionKey, PostgresWarehouse
from sluice.errors import SetupError
from sluice.security.keys import Kek
from sluice.settings import settings
from sluice.warehouse import sealing


def parts(block: PostgresWarehouse) -> dict[str, str]:
    url = block.get_url()
    assert url is not None
    return {name: str(value) for name, value in conninfo_to_dict(url.get_secret_value()).items()}


def test_fields_become_the_url_that_libpq_reads_back_unchanged() -> None:
    block = PostgresWarehouse(
        host="db.example.org", port=5433, database="a b", user="me@x", password="p/w:?&@%"
    )
    assert parts(block) == {
        "host": "db.example.org",
        "port": "5433",
        "dbname": "a b",
        "user": "me@x",
        "password": "p/w:?&@%",
    }


def test_tls_options_are_added_to_fields_and_to_a_url() -> None:
    tls = {"sslmode": "verify-full", "sslrootcert": "/ca.pem", "sslcert": "/a b.pem", "sslkey": "/k.pem"}
    for block in (
        PostgresWarehouse(host="db", **tls),
        PostgresWarehouse(url="postgresql://me@db/x?connect_timeout=3&sslmode=disable", **tls),
    ):
        assert tls.items() <= parts(block).items()


def test_a_url_keeps_its_own_options() -> None:
    block = PostgresWarehouse(url="postgresql://me@/x?host=%2Frun%2Fpg&connect_timeout=3")
    assert parts(block) == {"user": "me", "dbname": "x", "host": "/run/pg", "connect_timeout": "3"}


def test_host_may_be_a_socket_folder_or_an_ipv6_address() -> None:
    assert parts(PostgresWarehouse(host="/run/pg"))["host"] == "/run/pg"
    assert parts(PostgresWarehouse(host="::1"))["host"] == "::1"


def test_url_and_host_together_are_refused() -> None:
    with pytest.raises(ValidationError, match="either url or host"):
        PostgresWarehouse(url="postgresql://db/x", host="db")


def test_a_url_of_another_database_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValidationError, match="must start with postgresql") as refused:
        PostgresWarehouse(url="mysql://me:hunter2@db/x")
    assert "hunter2" not in str(refused.value)


def test_the_warehouse_of_a_block_is_connected_to_the_named_server(server_url: str) -> None:
    with PostgresWarehouse(url=server_url).get_warehouse().connect() as connection:
        row = connection.execute("SELECT 1 + 1").fetchone()
    assert row == (2,)


def test_the_same_server_by_host_and_fields(server_url: str) -> None:
    given = psycopg.conninfo.conninfo_to_dict(server_url)
    block = PostgresWarehouse(
        host=str(given["host"]),
        port=int(given.get("port", 5432)),
        user=str(given["user"]),
        database=str(given["dbname"]),
        password=given.get("password"),
    )
    with block.get_warehouse().connect() as connection:
        assert connection.info.dbname == given["dbname"]


def test_an_empty_block_follows_the_project(monkeypatch: pytest.MonkeyPatch, server_url: str) -> None:
    monkeypatch.setenv("SLUICE_DATABASE_URL", server_url)
    settings.cache_clear()
    try:
        block = PostgresWarehouse()
        assert block.get_url() is None
        assert block.get_warehouse().url == server_url
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_the_keys_of_an_encryption_block_are_the_warehouse_s() -> None:
    key = base64.b64encode(bytes(32)).decode()
    block = PostgresWarehouse(url="postgresql://h/d", encryption=EncryptionKey(key=key))
    warehouse = block.get_warehouse()
    assert sealing.keks(warehouse).keks == (Kek(bytes(32)),)
    assert key not in f"{block!r} {warehouse!r} {block.model_dump_json()}"
    with pytest.raises(SetupError, match="The block's key holds something that is no key"):
        EncryptionKey(key="nonsense").get_keys()
