"""Key-encryption keys from each place, and what is said where one lacks, is wrong or was changed; rotation."""

import base64
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from sluice.errors import RetryError, SetupError
from sluice.security import ring
from sluice.security.keys import Kek, Keks, keks_of
from sluice.settings import Settings
from sluice.warehouse.connection import Connection

KEYS = [base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2, 3)]
ONE, TWO, THREE = (Kek(bytes([n]) * 32) for n in (1, 2, 3))


def given(**values: object) -> Settings:
    return Settings.model_validate({"database_url": "postgresql://x/y", **values})


def test_a_key_comes_from_the_environment_or_a_file_the_current_one_first(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{KEYS[2]}\n{KEYS[0]}\n")
    assert keks_of(given(encryption_key=f"{KEYS[1]}, {KEYS[0]}")).keks == (TWO, ONE)
    assert keks_of(given(encryption_key_file=file)).keks == (THREE, ONE)
    assert keks_of(given(encryption_key=KEYS[1], encryption_key_file=file)).keks == (TWO, THREE, ONE)


def test_an_embedded_warehouse_gets_a_key_file_of_its_own(tmp_path: Path) -> None:
    settings = given(home=tmp_path, database_url=None)
    first = keks_of(settings)
    file = tmp_path / "keys" / "encryption"
    assert (file.stat().st_mode & 0o777, keks_of(settings)) == (0o600, first)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "there is no key"),
        ({"encryption_key": "c2hvcnQ="}, "no key of 32 bytes in base64"),
        ({"encryption_key": "not base64!"}, "no key of 32 bytes in base64"),
        ({"encryption_key_file": "/nowhere/key"}, "The key file /nowhere/key can't be read: No such file"),
    ],
)
def test_a_key_that_lacks_or_is_none_is_told_without_it(values: dict[str, str], message: str) -> None:
    with pytest.raises(SetupError, match=message) as caught:
        keks_of(given(**values))
    assert "c2hvcnQ" not in str(caught.value)
    assert caught.value.hint


class FakeVault(BaseHTTPRequestHandler):
    """Answers as Vault's KV 2 does; no real one can be had here."""

    def do_GET(self) -> None:
        found = self.path == "/v1/secret/data/team/sluice"
        allowed = self.headers.get("X-Vault-Token") == "s.let-me-in"
        data = {"key": KEYS[1]} if "empty" not in self.path else {}
        found = found or "empty" in self.path
        status = 503 if "sealed" in self.path else 403 if not allowed else 200 if found else 404
        body = json.dumps(
            {"data": {"data": data, "metadata": {"deletion_time": "", "destroyed": False}}}
            if status == 200
            else {"errors": []}
        )
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def vault() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeVault)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_key_comes_from_vault(vault: str) -> None:
    here = given(vault_url=vault, vault_path="secret/team/sluice", vault_token="s.let-me-in")
    assert keks_of(here).keks == (TWO,)


@pytest.mark.parametrize(
    ("path", "token", "kind", "message"),
    [
        ("secret/team/sluice", "s.wrong", SetupError, r"does not give secret/team/sluice \(Forbidden\)"),
        ("secret/nothing", "s.let-me-in", SetupError, r"\(InvalidPath\)"),
        ("secret/empty", "s.let-me-in", SetupError, "has no field 'key'"),
        ("secret/sealed", "s.let-me-in", RetryError, "sealed or down"),
    ],
)
def test_what_vault_refuses_is_told_without_the_token(
    vault: str, path: str, token: str, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message) as caught:
        keks_of(given(vault_url=vault, vault_path=path, vault_token=token))
    assert token not in str(caught.value)


def test_a_vault_that_is_away_may_be_asked_again() -> None:
    with pytest.raises(RetryError, match="can't be reached"):
        keks_of(given(vault_url="http://127.0.0.1:1", vault_token="x"))


def test_rotation_wraps_the_data_keys_anew_and_keeps_them(connection: Connection) -> None:
    before = ring.ensure(connection, Keks((ONE,)), 1)
    other = ring.ensure(connection, Keks((ONE,)), 2)
    assert before.seals != other.seals
    assert ring.rewrap(connection, Keks((TWO, ONE))) == 4
    assert ring.rewrap(connection, Keks((TWO, ONE))) == 0
    assert ring.read(connection, Keks((TWO,)), 1) == before
    with pytest.raises(
        SetupError, match=f"wrapped by the key-encryption key {TWO.id}; there is only {ONE.id}"
    ):
        ring.read(connection, Keks((ONE,)), 1)


def test_rotation_without_the_old_key_changes_nothing(connection: Connection) -> None:
    before = ring.ensure(connection, Keks((ONE,)), 1)
    with pytest.raises(SetupError, match=ONE.id):
        ring.rewrap(connection, Keks((TWO,)))
    assert ring.read(connection, Keks((ONE,)), 1) == before


def test_a_new_data_key_leaves_the_old_one_to_read_with(connection: Connection) -> None:
    before = ring.ensure(connection, Keks((ONE,)), 1)
    number = ring.renew(connection, Keks((ONE,)), 1)
    after = ring.read(connection, Keks((ONE,)), 1)
    assert after
    assert (after.current, after.seals[before.current], after.blind) == (
        number,
        before.seals[before.current],
        before.blind,
    )


@pytest.mark.parametrize(
    "change", ["wrapped = overlay(wrapped placing '\\x00'::bytea from 20)", "organization_id = 2"]
)
def test_a_wrapped_key_that_was_changed_or_moved_is_not_taken(connection: Connection, change: str) -> None:
    ring.ensure(connection, Keks((ONE,)), 1)
    connection.execute(f"UPDATE sluice.data_keys SET {change}".encode())
    with pytest.raises(SetupError, match="was changed in the warehouse"):
        ring.read(connection, Keks((ONE,)), 2 if "organization" in change else 1)


def test_a_tenant_gets_its_own_wrapped_keys_and_no_others(connection: Connection) -> None:
    keks = Keks((ONE,))
    own = ring.ensure(connection, keks, 1)
    ring.ensure(connection, keks, 2)
    connection.execute("SET ROLE sluice_tenant")
    with connection.transaction():
        connection.execute("SELECT set_config('sluice.organization_id', '1', true)")
        assert ring.read(connection, keks, 1) == own
        count = connection.execute("SELECT count(*) FROM sluice.own_data_keys()").fetchone()
    assert count == (2,)
    with pytest.raises(Exception, match="permission denied"):
        connection.execute("SELECT * FROM sluice.data_keys")


def test_the_key_of_a_person_is_one_s_own_and_can_be_destroyed(connection: Connection) -> None:
    own = ring.ensure(connection, Keks((ONE,)), 1)
    a, b = bytes(16), b"\x01" * 16
    keys = ring.ensure_subjects(connection, own, [a, b, a])
    assert len(set(keys.values())) == 2
    again = ring.read(connection, Keks((ONE,)), 1)
    assert again
    assert ring.subjects(connection, again, [a, b]) == keys
    assert ring.forget(connection, 1, a)
    assert not ring.forget(connection, 1, a)
    fresh = ring.read(connection, Keks((ONE,)), 1)
    assert fresh
    assert ring.subjects(connection, fresh, [a, b]).keys() == {b}
