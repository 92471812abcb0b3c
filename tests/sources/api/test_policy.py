"""Security policies: what does not keep to one is asked for nothing. Servers, TLS and logins are real."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from blocks import ApiSource as Block
from sluice.errors import PolicyRefused, SetupError, SourceError
from sluice.sources.api import verify
from sluice.sources.api.client import Client
from sluice.sources.api.fetch import fetch
from sluice.sources.api.policy import SecurityPolicy
from sluice.sources.api.secured import Secured
from sluice.sources.api.spool import spooled
from sluice.sources.guard import Guard
from sluice.sources.model import ApiSource
from tests.sources.api.clinic import Clinic, served
from tests.sources.api.server import Api
from tests.sources.api.server import served as plainly

ANYWHERE = Guard(anywhere=True)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return str(tmp_path / "ca.pem")


@pytest.fixture
def clinic(authority: trustme.CA, tmp_path: Path) -> Iterator[Clinic]:
    with served(Clinic(), authority.issue_cert("127.0.0.1"), tmp_path) as found:
        yield found


def secured(clinic: Clinic, ca: str, login: dict[str, Any] | None = None, **policy: Any) -> Secured:
    """Under that policy, with the login of such a block."""
    source = ApiSource.model_validate(
        {"url": f"{clinic.url}/patients", "security": {"ca": ca, "login_url": f"{clinic.url}/me", **policy}}
    )
    block = Block.model_validate({"base_url": clinic.url, **(login or {})})
    assert source.security
    return Secured(source, source.security, block.secrets_for(source.url), ANYWHERE)


def count(given: Secured, folder: Path) -> int:
    """How many records come under the policy."""
    client = Client(ANYWHERE, given.arguments())
    with spooled(folder / "spool") as spool, client.opened():
        fetch(given.source, client, spool)
        return spool.at.records


def pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def fingerprint(certificate: trustme.LeafCert) -> str:
    return sha256(ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())).hexdigest()


def test_the_connection_is_told_without_asking_for_anything(clinic, ca):
    found = verify.connection(secured(clinic, ca))
    assert (found.host, found.tls) == ("127.0.0.1", "TLSv1.3")
    assert found.cipher.startswith("TLS_")
    assert "trustme" in found.issuer
    assert not clinic.asked


def test_a_source_that_keeps_to_its_policy_is_read(clinic, ca, tmp_path):
    given = secured(clinic, ca)
    assert count(given, tmp_path) == 30
    assert {one.tls for one in given.seen.values()} == {"TLSv1.3"}


@pytest.mark.parametrize("look", [verify.connection, verify.authentication])
def test_a_server_of_an_older_tls_than_the_policy_wants_is_asked_for_nothing(clinic, ca, tmp_path, look):
    clinic.tls.maximum_version = ssl.TLSVersion.TLSv1_2
    assert verify.connection(secured(clinic, ca)).tls == "TLSv1.2"
    given = secured(clinic, ca, {"token": "tok-1"}, tls_min=1.3)
    with pytest.raises(PolicyRefused, match=r"speaks TLSv1\.2, its policy wants TLS 1\.3"):
        look(given)
    with pytest.raises(PolicyRefused):
        count(given, tmp_path)
    assert not clinic.asked


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_a_server_of_tls_1_1_only_is_asked_for_nothing(clinic, ca, tmp_path):
    clinic.tls.set_ciphers("DEFAULT:@SECLEVEL=0")
    clinic.tls.minimum_version = clinic.tls.maximum_version = ssl.TLSVersion.TLSv1_1
    given = secured(clinic, ca)
    for look in (verify.connection, lambda one: count(one, tmp_path)):
        with pytest.raises(SourceError, match="no secure connection"):
            look(given)
    assert not clinic.asked


def test_a_certificate_of_another_authority_is_refused_whatever_the_block_trusts(clinic, ca, tmp_path):
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    assert verify.connection(secured(clinic, ca, {"ca_file": str(other)}))
    given = secured(clinic, str(other), {"ca_file": ca})
    for look in (verify.connection, lambda one: count(one, tmp_path)):
        with pytest.raises(SourceError, match="certificate is not trusted"):
            look(given)
    assert not clinic.asked


def test_a_certificate_that_has_ended_is_refused_and_one_that_ends_soon_is_told(clinic, ca, authority):
    now = datetime.now(UTC)
    clinic.shows(authority.issue_cert("127.0.0.1", not_after=now + timedelta(days=10, hours=1)))
    (warning,) = verify.connection(secured(clinic, ca)).warnings
    assert "in 10 days" in warning
    clinic.shows(
        authority.issue_cert("127.0.0.1", not_before=now - timedelta(days=9), not_after=now - timedelta(1))
    )
    with pytest.raises(SourceError, match="has expired"):
        verify.connection(secured(clinic, ca))


def test_a_pinned_certificate_or_key_is_the_only_one_that_is_taken(clinic, ca, authority):
    found = verify.connection(secured(clinic, ca))
    for pin in (found.certificate_sha256, found.public_key_sha256):
        written = ":".join(pin[at : at + 2] for at in range(0, 64, 2)).upper()
        assert verify.connection(secured(clinic, ca, fingerprints=[f"sha256:{written}"])) == found
    other = fingerprint(authority.issue_cert("127.0.0.1"))
    with pytest.raises(PolicyRefused, match=found.certificate_sha256):
        verify.connection(secured(clinic, ca, fingerprints=[other]))
    assert verify.connection(secured(clinic, ca, fingerprints=[other, found.public_key_sha256])) == found


def test_a_certificate_that_is_replaced_between_check_and_collection_is_noticed(
    clinic, ca, authority, tmp_path
):
    mine = authority.issue_cert("127.0.0.1")
    clinic.shows(mine)
    given = secured(clinic, ca, fingerprints=[fingerprint(mine)])
    verify.connection(given)
    clinic.shows(authority.issue_cert("127.0.0.1"))
    with pytest.raises(PolicyRefused, match="which its policy does not name"):
        count(given, tmp_path)
    assert not clinic.asked


@pytest.fixture
def mutual(authority: trustme.CA, tmp_path: Path) -> dict[str, str]:
    """Our certificate, as a block names it."""
    authority.issue_cert("me@here").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "me.pem"))
    return {"cert_file": str(tmp_path / "me.pem")}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_mutual_tls_is_proven_by_a_server_that_hangs_up_without_our_certificate(
    clinic, ca, authority, mutual, tmp_path, version
):
    clinic.tls.maximum_version = version
    clinic.demands(authority)
    given = secured(clinic, ca, mutual, client_certificate=True)
    assert verify.requirements(given) == {"factors": ["mutual TLS"]}
    assert verify.authentication(given) == {
        "without the client certificate": "handshake",
        "with all factors": 200,
    }
    assert count(given, tmp_path) == 30


def test_mutual_tls_that_is_not_offered_or_not_asked_for_is_refused(clinic, ca, mutual):
    with pytest.raises(PolicyRefused, match="the block has no client certificate"):
        verify.requirements(secured(clinic, ca, client_certificate=True))
    with pytest.raises(PolicyRefused, match="answered 200 without the client certificate: it does not ask"):
        verify.authentication(secured(clinic, ca, mutual, client_certificate=True))
    assert not clinic.asked["patients"]


def test_a_redirect_goes_to_allowed_hosts_over_https_only(clinic, ca, tmp_path):
    clinic.moved = clinic.url.replace("127.0.0.1", "localhost") + "/patients"
    with pytest.raises(PolicyRefused, match="does not allow the host localhost"):
        count(secured(clinic, ca), tmp_path)
    with plainly(Api()) as other:
        clinic.moved = f"{other.url}/listing"
        with pytest.raises(PolicyRefused, match="is not encrypted"):
            count(secured(clinic, ca), tmp_path)
        assert other.paths == []
    clinic.moved = clinic.url.replace("127.0.0.1", "localhost") + "/me"
    with pytest.raises(SourceError, match="not trusted"):  # allowed, but its certificate is for another name
        count(secured(clinic, ca, allowed_hosts=["localhost"]), tmp_path)
    assert clinic.asked == {"patients": 3}


def test_what_is_missing_is_told_at_once_and_nothing_is_asked(clinic, ca, tmp_path):
    given = secured(
        clinic,
        str(tmp_path / "none.pem"),
        mfa=True,
        client_certificate=True,
        login_url="https://elsewhere.example.org/me",
        challenge={"url": "https://elsewhere.example.org/challenge"},
    )
    with pytest.raises(PolicyRefused) as told:
        verify.requirements(given)
    for part in (
        "no file",
        "no client certificate",
        "`login_url`",
        "`challenge`",
        "first factor",
        "second factor",
    ):
        assert part in str(told.value)
    assert not clinic.asked


def test_a_policy_wants_https(clinic, ca):
    source = ApiSource.model_validate({"url": "http://127.0.0.1/patients", "security": {}})
    with pytest.raises(PolicyRefused, match="does not begin with https"):
        verify.requirements(Secured(source, SecurityPolicy(), None, ANYWHERE))


TOKEN = {"token": "tok-1"}
WRONG = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def test_two_factors_are_proven_by_a_server_that_refuses_either_alone(clinic, ca, tmp_path):
    clinic.wants = {"token", "otp"}
    given = secured(clinic, ca, TOKEN | {"totp_secret": clinic.otp}, mfa=True)
    assert verify.requirements(given) == {"factors": ["bearer token", "TOTP"]}
    assert verify.authentication(given) == {
        "without the first factor": 401,
        "without the second factor": 401,
        "with all factors": 200,
    }
    assert not clinic.asked["patients"]
    assert count(given, tmp_path) == 30


@pytest.mark.parametrize(("asks", "lacks"), [({"token"}, "second"), ({"otp"}, "first")])
def test_a_server_that_asks_for_one_factor_only_is_refused(clinic, ca, asks, lacks):
    clinic.wants = asks
    with pytest.raises(PolicyRefused, match=f"without the {lacks} factor: it does not ask for it"):
        verify.authentication(secured(clinic, ca, TOKEN | {"totp_secret": clinic.otp}, mfa=True))
    assert not clinic.asked["patients"]


def test_a_wrong_second_factor_is_told_without_it(clinic, ca):
    clinic.wants = {"token", "otp"}
    with pytest.raises(PolicyRefused, match=r"answered 401 to our login \(bearer token, TOTP\)") as told:
        verify.authentication(secured(clinic, ca, TOKEN | {"totp_secret": WRONG}, mfa=True))
    assert WRONG not in str(told.value) + repr(told.value.facts)
    assert not clinic.asked["patients"]


@pytest.mark.parametrize(
    "make", [Ed25519PrivateKey.generate, lambda: ec.generate_private_key(ec.SECP256R1())]
)
def test_a_signed_challenge_is_a_second_factor(clinic, ca, tmp_path, make):
    key = make()
    clinic.wants, clinic.public_key = {"token", "session"}, key.public_key()
    challenge = {"url": f"{clinic.url}/challenge", "key_id": "sluice"}
    given = secured(clinic, ca, TOKEN | {"challenge_key": pem(key)}, mfa=True, challenge=challenge)
    assert verify.requirements(given) == {"factors": ["bearer token", "signed challenge"]}
    assert verify.authentication(given) == {
        "without the first factor": 401,
        "without the second factor": 401,
        "with all factors": 200,
    }
    assert count(given, tmp_path) == 30
    assert len(clinic.sessions) == 2


def test_a_session_that_ends_in_the_middle_is_opened_anew(clinic, ca):
    key = Ed25519PrivateKey.generate()
    clinic.wants, clinic.public_key, clinic.good_for = {"session"}, key.public_key(), 2
    challenge = {"url": f"{clinic.url}/challenge"}
    given = secured(clinic, ca, {"challenge_key": pem(key)}, challenge=challenge)
    client = Client(ANYWHERE, given.arguments())
    with client.opened():
        assert [client.get(f"{clinic.url}/me", {}, {}).status for _ in range(5)] == [200] * 5
    assert len(clinic.sessions) == 3


def test_a_wrong_signature_and_a_nonce_that_has_ended_open_nothing(clinic, ca):
    key = Ed25519PrivateKey.generate()
    clinic.wants, clinic.public_key = {"token", "session"}, Ed25519PrivateKey.generate().public_key()
    challenge = {"url": f"{clinic.url}/challenge"}
    given = secured(clinic, ca, TOKEN | {"challenge_key": pem(key)}, mfa=True, challenge=challenge)
    with pytest.raises(PolicyRefused, match="answered 401 to our login"):
        verify.authentication(given)
    clinic.public_key, clinic.stale = key.public_key(), True
    with pytest.raises(PolicyRefused, match="answered 401 to our login"):
        verify.authentication(given)
    assert not clinic.sessions
    assert not clinic.asked["patients"]


def test_a_challenge_key_that_is_none_is_told_without_it(clinic, ca):
    with pytest.raises(SetupError, match="no private key that Sluice can sign with") as told:
        secured(clinic, ca, {"challenge_key": "hunter2"})
    assert "hunter2" not in repr(told.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tls_min": "1.1"},
        {"fingerprints": ["abc"]},
        {"allowed_hosts": ["https://h/"]},
        {"allowed_hosts": ["*.example.org"]},
        {"login_url": "http://h/me"},
        {"challenge": {"url": "http://h/challenge"}},
        {"retention_days": 0},
        {"ceiling": "secret"},
        {"unknown": 1},
    ],
)
def test_a_policy_that_means_nothing_is_not_taken(wrong):
    with pytest.raises(ValidationError):
        SecurityPolicy.model_validate(wrong)
