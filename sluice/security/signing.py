"""Signed messages by Standard Webhooks: an id, a time and a signature, checked against every secret in use."""

import base64
import secrets as random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from sluice.errors import InputError


class Forged(InputError):
    """A message that nobody with a secret of ours has signed, or not in the last five minutes."""


def new_secret() -> str:
    """``whsec_`` and 32 random bytes."""

    return "whsec_" + base64.b64encode(random.token_bytes(32)).decode()


def signed(secrets: Sequence[str], message_id: str, body: str) -> dict[str, str]:
    """The headers of a message, signed with each secret, so that a receiver may change to the new one when it likes."""
    now = datetime.now(UTC)
    marks = [Webhook(secret).sign(message_id, now, body) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(marks),
    }


def check(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> str:
    """The message's id, if one of the secrets has signed it in the last five minutes. Raises Forged."""
    reason = "no secret is set"
    for secret in secrets:
        try:
            Webhook(secret).verify(body, dict(headers), json_parse=False)
        except WebhookVerificationError as error:
            reason = str(error)
        except ValueError:
            reason = "Invalid signature headers"
        else:
            return headers["webhook-id"]
    raise Forged(f"The message is not signed as it should be: {reason}.")
