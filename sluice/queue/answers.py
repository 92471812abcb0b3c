"""Answers: what was said to a request with an idempotency key, so that the same request is not done twice in a day."""

from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from sluice.errors import InputError, RetryError
from sluice.warehouse.connection import Connection

_PATIENCE = "15 seconds"  # after that, who was answering has died
_BEGIN = f"""
INSERT INTO sluice.answers (organization_id, idempotency_key, request_sha256) VALUES (%(o)s, %(k)s, %(s)s)
ON CONFLICT (organization_id, idempotency_key) DO UPDATE
   SET request_sha256 = excluded.request_sha256, status = NULL, body = NULL, created_at = now()
 WHERE answers.created_at < now() - interval '1 day'
    OR answers.status IS NULL AND answers.request_sha256 = excluded.request_sha256
       AND answers.created_at < now() - interval '{_PATIENCE}'
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was given: its HTTP status and JSON body."""

    status: int
    body: dict[str, Any]


def begin(connection: Connection, organization_id: int, key: str, request_sha256: str) -> Answer | None:
    """The answer that was given, or None: the caller is the one to answer now.

    Raises InputError where the key came with another request, RetryError while another answers.
    """
    values = {"o": organization_id, "k": key, "s": request_sha256}
    if connection.execute(_BEGIN, values).rowcount:
        return None
    query = (
        "SELECT request_sha256, status, body FROM sluice.answers"
        " WHERE organization_id = %(o)s AND idempotency_key = %(k)s"
    )
    row = connection.execute(query, values).fetchone()
    if row is None:  # given up a moment ago
        raise RetryError("The same request is being answered.", hint="Ask again in a moment.")
    if row[0] != request_sha256:
        raise InputError(
            "The idempotency key came with another request.", hint="Take a new key for a new request."
        )
    if row[1] is None:
        raise RetryError("The same request is being answered.", hint="Ask again in a moment.")
    return Answer(int(row[1]), row[2])


def keep(connection: Connection, organization_id: int, key: str, answer: Answer) -> None:
    """Keep what is being said now."""
    connection.execute(
        "UPDATE sluice.answers SET status = %s, body = %s WHERE organization_id = %s AND idempotency_key = %s",
        [answer.status, Jsonb(answer.body), organization_id, key],
    )


def give_up(connection: Connection, organization_id: int, key: str) -> None:
    """Nothing was done: the next request with the key is the first."""
    connection.execute(
        "DELETE FROM sluice.answers WHERE organization_id = %s AND idempotency_key = %s",
        [organization_id, key],
    )
