"""Tokens: who is let in, and every known way to forge one refused."""

import base64
import hashlib
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sluice.errors import RetryError, SetupError
from sluice.security import tokens
from sluice.security.tokens import Caller, Keys, Refused, Role, local_secret, mint
from sluice.settings import Settings

SECRET = "s" * 32
CALLER = Caller(7, 3, Role.operator)
CLAIMS = {"iss": "sluice", "aud": "sluice", "sub": "7", "organization_id": 3, "role": "operator"}


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path, token_secret=SECRET)


def signed(key=SECRET, algorithm="HS256", headers=None, **claims):
    values = {**CLAIMS, "exp": int(time.time()) + 60, **claims}
    return jwt.encode({k: v for k, v in values.items() if v is not None}, key, algorithm, headers=headers)


def test_a_minted_token_tells_its_caller(settings):
    assert Keys(settings).caller(mint(settings, CALLER, 60)) == CALLER


def test_roles_include_those_below(settings):
    assert Role.viewer < Role.operator < Role.admin


def test_who_names_no_role_only_looks(settings):
    assert Keys(settings).caller(signed(role=None)).role is Role.viewer


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"exp": int(time.time()) - 60}, "expired"),
        ({"exp": None}, "exp"),
        ({"iss": "other"}, "issuer"),
        ({"aud": "other"}, "[Aa]udience"),
        ({"nbf": int(time.time()) + 86_400}, "not yet valid"),
        ({"sub": None}, "sub"),
        ({"sub": "anna"}, "names no user"),
        ({"organization_id": None}, "organization_id"),
        ({"organization_id": "all"}, "names no user"),
        ({"role": "root"}, "names no user"),
    ],
)
def test_a_token_that_lacks_something_is_refused(settings, claims, says):
    with pytest.raises(Refused, match=says):
        Keys(settings).caller(signed(**claims))


def test_another_key_is_refused(settings):
    with pytest.raises(Refused, match=r"[Ss]ignature"):
        Keys(settings).caller(signed("x" * 32))


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE"])
def test_a_token_without_signature_is_refused(settings, name):
    parts = [{"alg": name, "typ": "JWT"}, {**CLAIMS, "exp": int(time.time()) + 60}]
    token = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    for ending in (".", "", ".x"):
        with pytest.raises(Refused):
            Keys(settings).caller(token.decode() + ending)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.ü.ß", "." * 3, "a" * 100_000])
def test_garbage_is_refused(settings, token):
    with pytest.raises(Refused):
        Keys(settings).caller(token)


def test_another_algorithm_of_the_same_key_is_refused(settings):
    with pytest.raises(Refused, match="alg"):
        Keys(settings).caller(signed("s" * 64, "HS512"))


def test_the_message_holds_nothing_of_the_token(settings):
    token = signed("x" * 32)
    with pytest.raises(Refused) as refusal:
        Keys(settings).caller(token)
    assert not any(part in str(refusal.value) for part in token.split("."))


def test_a_short_secret_is_refused(tmp_path):
    with pytest.raises(SetupError, match="32 bytes"):
        Keys(Settings(home=tmp_path, token_secret="short"))


def test_a_secret_is_made_once_and_is_nobody_elses_to_read(tmp_path):
    settings = Settings(home=tmp_path)
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: local_secret(settings), range(16)))
    assert len(found) == 1
    assert len(found.pop()) >= 32
    (file,) = (tmp_path / "keys").iterdir()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


class Provider:
    """An identity provider that publishes its keys over HTTP."""

    def __init__(self) -> None:
        self.keys = {
            "rsa": (rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256"),
            "ec": (ec.generate_private_key(ec.SECP256R1()), "ES256"),
        }
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps({"keys": provider.published()}).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"

    def published(self):
        found = []
        for name, (key, algorithm) in self.keys.items():
            made = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
            found.append({**made, "kid": name, "use": "sig", "alg": algorithm})
        return found

    def public_pem(self):
        kind = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.keys["rsa"][0].public_key().public_bytes(serialization.Encoding.PEM, kind)


@pytest.fixture(scope="module")
def provider():
    made = Provider()
    yield made
    made.server.shutdown()


@pytest.fixture
def provided(tmp_path, provider):
    return Settings(home=tmp_path, token_secret=SECRET, token_jwks_url=provider.url)


@pytest.mark.parametrize("name", ["rsa", "ec"])
def test_a_providers_token_is_let_in(provided, provider, name):
    token = signed(*provider.keys[name], headers={"kid": name})
    assert Keys(provided).caller(token) == CALLER


def test_a_local_token_does_not_count_beside_a_provider(provided):
    for headers in ({}, {"kid": "rsa"}):
        with pytest.raises(Refused):
            Keys(provided).caller(signed(headers=headers))


def test_a_public_key_taken_for_a_secret_is_refused(provided, provider):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    body = part({"alg": "HS256", "kid": "rsa"}) + b"." + part({**CLAIMS, "exp": int(time.time()) + 60})
    mark = hmac.new(provider.public_pem(), body, hashlib.sha256).digest()
    token = body + b"." + base64.urlsafe_b64encode(mark).rstrip(b"=")
    with pytest.raises(Refused):
        Keys(provided).caller(token.decode())


def test_a_foreign_key_under_a_known_name_is_refused(provided):
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(Refused, match=r"[Ss]ignature"):
        Keys(provided).caller(signed(foreign, "RS256", headers={"kid": "rsa"}))


def test_a_key_that_the_provider_withdraws_counts_no_longer(tmp_path, monkeypatch):
    monkeypatch.setattr(tokens, "_KEYS", 1)
    monkeypatch.setattr(tokens, "_MEMORY", 0.2)
    own = Provider()
    try:
        keys = Keys(Settings(home=tmp_path, token_jwks_url=own.url))
        old, new = (signed(*own.keys[name], headers={"kid": name}) for name in ("rsa", "ec"))
        assert keys.caller(old) == keys.caller(new) == CALLER
        del own.keys["rsa"]
        time.sleep(1.5)
        assert keys.caller(new) == CALLER
        with pytest.raises(Refused):
            keys.caller(old)
    finally:
        own.server.shutdown()


def test_a_provider_that_does_not_answer_is_passing_trouble(tmp_path):
    settings = Settings(home=tmp_path, token_jwks_url="http://127.0.0.1:9/keys")
    with pytest.raises(RetryError, match="identity provider"):
        Keys(settings).caller(signed(headers={"kid": "rsa"}))


def test_no_token_is_minted_where_a_provider_signs(provided):
    with pytest.raises(SetupError, match="identity provider"):
        mint(provided, CALLER, 60)
