"""Authlib's authorization server, and records for who has one of its tokens. Runs where Authlib and Flask are.

Who may log in, how a secret is proven, what a token is good for and that a refresh token is good once, Authlib decides.
"""

import os
import sys
import time
from typing import Any

from authlib.common.security import generate_token
from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenGenerator, BearerTokenValidator
from flask import Flask, jsonify, request

SECRET = "s3cret-of-the-client"
SIZE, COUNT = 10, 95  # records of a page, and of all
FIRST = "refresh-first"


class Client(ClientMixin):
    """``says``: seconds that a token is told to be good for; ``lasts``: those that it is."""

    def __init__(self, name: str, method: str, says: int = 3600, lasts: float = 3600) -> None:
        self.client_id, self.method, self.says, self.lasts = name, method, says, lasts

    def get_client_id(self) -> str:
        return self.client_id

    def get_allowed_scope(self, scope: str) -> str:
        return scope if scope in ("", "read") else ""

    def check_client_secret(self, secret: str) -> bool:
        return secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.method

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("client_credentials", "refresh_token")


class Token(TokenMixin):
    def __init__(self, client: Client, told: dict[str, Any]) -> None:
        self.client, self.told, self.revoked = client, told, False
        self.until = time.monotonic() + client.lasts

    def check_client(self, client: Client) -> bool:
        return client is self.client

    def get_scope(self) -> str:
        return str(self.told.get("scope", ""))

    def is_expired(self) -> bool:
        return time.monotonic() > self.until

    def is_revoked(self) -> bool:
        return self.revoked


BASIC, POST = "client_secret_basic", "client_secret_post"
CLIENTS = {
    one.client_id: one
    for one in (
        Client("basic", BASIC),
        Client("post", POST),
        Client("brief", BASIC, says=1, lasts=1),
        Client("hasty", BASIC, says=3600, lasts=0.5),
    )
}
by_access, by_refresh = dict[str, Token](), dict[str, Token]()
refusals = list[str]()


class ClientCredentials(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = [BASIC, POST]


class Refresh(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = [BASIC, POST]
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        token = by_refresh.get(refresh_token)
        return token if token and not token.revoked else None

    def authenticate_user(self, token: Token) -> str:
        return "somebody"

    def revoke_old_credential(self, token: Token) -> None:
        token.revoked = True


class Bearer(BearerTokenValidator):
    def authenticate_token(self, token_string: str) -> Token | None:
        return by_access.get(token_string)


def save(told: dict[str, Any], asked: Any) -> None:
    token = by_access[told["access_token"]] = Token(asked.client, dict(told))
    if renewed := told.get("refresh_token"):
        by_refresh[renewed] = token


os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # a test's port of this machine has no certificate
app = Flask(__name__)
app.config["OAUTH2_SCOPES_SUPPORTED"] = ["read"]
server = AuthorizationServer(app, CLIENTS.get, save)
server.register_grant(ClientCredentials)
server.register_grant(Refresh)
server.register_token_generator(
    "default",
    BearerTokenGenerator(
        lambda **_: generate_token(42), lambda **_: generate_token(48), lambda client, _: client.says
    ),
)
protected = ResourceProtector()
protected.register_token_validator(Bearer())


@app.post("/token")
def token() -> Any:
    return server.create_token_response()


@app.get("/records")
@protected("read")
def records() -> Any:
    """By page; each takes its time."""
    time.sleep(0.15)
    begin = (int(request.args.get("page", 1)) - 1) * SIZE
    return jsonify([{"number": number} for number in range(begin, min(begin + SIZE, COUNT))])


@app.post("/first/<name>")
def first(name: str) -> Any:
    """A refresh token for the client, as a user's consent in a browser would have brought it."""
    refresh_token = f"{FIRST}-{len(by_refresh)}"
    by_refresh[refresh_token] = Token(CLIENTS[name], {"scope": "read"})
    return refresh_token


@app.get("/seen")
def seen() -> Any:
    """How many tokens there are by now, and how often one was refused."""
    return jsonify({"tokens": len(by_access), "refused": len(refusals)})


@app.after_request
def note(response: Any) -> Any:
    if request.path == "/records" and response.status_code == 401:
        refusals.append(request.path)
    return response


if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]), threaded=True)
