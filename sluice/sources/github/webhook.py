"""What a webhook of GitHub's is about: one issue, or one repository."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

EVENTS = ("issues", "push", "repository")


def signed(body: bytes, secret: str, signature: str) -> bool:
    """Whether the secret made this ``X-Hub-Signature-256`` of the body."""
    right = f"sha256={hmac.digest(secret.encode(), body, hashlib.sha256).hex()}"
    return hmac.compare_digest(right.encode(), signature.encode())


def meant(event: str, told: Mapping[str, Any]) -> dict[str, Any] | None:
    """What to fetch anew, as values of a GitHubSource: what the message itself tells may be overtaken by then.

    None for a message of no concern. Raises KeyError, TypeError or AttributeError for one that is not GitHub's.
    """
    if event not in EVENTS:
        return None
    name = str(told["repository"]["full_name"])
    if event == "issues":
        return {"what": "bugs", "repository": name, "number": int(told["issue"]["number"])}
    return {"what": "projects", "repository": _before(told, name)}


def _before(told: Mapping[str, Any], name: str) -> str:
    """The name by which the repository was known: GitHub leads on from there."""
    owner, _, own = name.partition("/")
    changes = told.get("changes") or {}
    if told.get("action") == "renamed":
        return f"{owner}/{changes['repository']['name']['from']}"
    if told.get("action") == "transferred":
        came = changes["owner"]["from"]
        return f"{(came.get('organization') or came.get('user'))['login']}/{own}"
    return name
