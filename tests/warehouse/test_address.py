"""The warehouse's address: what no server can have is refused before anything is tried, without its password."""

import time

import pytest

from sluice.errors import RetryError, SetupError
from sluice.settings import Settings
from sluice.warehouse.connection import Warehouse

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        (f"mysql://ann:{SECRET}@db/sales", "is not a PostgreSQL URL"),
        (f"postgresql://ann:{SECRET}@db:abc/sales", "port"),
        (f"postgresql://ann:{SECRET}@db:99999/sales", "port"),
        (f"postgresql://ann:{SECRET}@db:0/sales", "port"),
        (f"postgresql://ann:{SECRET}@one:5432,two:5433x/sales", "port"),
        (f"postgresql+psycopg://ann:{SECRET}@db:abc/sales", "port"),
        (f"host=db port=99999 password={SECRET}", "port"),
        (f"postgresql://ann:{SECRET}@db..org/sales", "host"),
        (f"postgresql://ann:a@{SECRET}@db/sales", "more than one @"),
        (f"postgresql://ann:a/{SECRET}@db/sales", "port"),
        (f"postgresql://ann:a@{SECRET}:x/sales", "port"),
    ],
)
def test_an_address_that_no_server_can_have_is_refused_unseen(url: str, said: str) -> None:
    with pytest.raises(SetupError) as caught:
        Warehouse.from_settings(Settings(database_url=url))  # type: ignore[arg-type]
    assert said in caught.value.message
    assert caught.value.hint
    assert SECRET not in f"{caught.value!r} {caught.value} {caught.value.as_dict()}"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("no-such-host.invalid/sales", "No host is known by the name no-such-host.invalid"),
        ("127.0.0.1/sales?sslmode=frob", "sslmode"),
    ],
)
def test_an_address_that_can_never_answer_is_no_passing_trouble(address: str, said: str) -> None:
    began = time.monotonic()
    with pytest.raises(SetupError, match=said) as caught:
        Warehouse.from_url(f"postgresql://ann:{SECRET}@{address}").connect()
    assert time.monotonic() - began < 10
    assert SECRET not in f"{caught.value} {caught.value.as_dict()}"


@pytest.mark.parametrize(
    "host", ["127.0.0.1:1", "127.0.0.1:1,no-such-host.invalid", "[::1]:1", "", "%2Fnowhere"]
)
def test_a_server_that_may_come_is_worth_another_try(host: str) -> None:
    with pytest.raises(RetryError):
        Warehouse.from_url(f"postgresql://ann:{SECRET}@{host}/sales?port=1").connect()


@pytest.mark.parametrize(
    "url",
    [
        "postgres://ann@db/sales",
        "postgresql://ann:p%40ss@db:5432/sales?sslmode=require&options=-c%20a%40b",
        "postgresql://ann@[::1]:5432,two/sales",
        "postgresql://bücher.example/sales",
        "postgresql:///sales?host=/var/run/postgresql",
        "dbname=sales host=db",
    ],
)
def test_addresses_that_a_server_may_have_pass(url: str) -> None:
    assert Warehouse.from_url(url).safe_url.startswith("postgresql://")
