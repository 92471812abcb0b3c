"""Requests with an ``Idempotency-Key``: done once, and answered the same for a day."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar, cast

from anyio import CancelScope
from fastapi import Header
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from gateway.state import Service
from sluice.queue import answers
from sluice.queue.answers import Answer
from sluice.security.tokens import Caller

T = TypeVar("T", bound=BaseModel)
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", max_length=200, description="The same key gets the same answer for a day."
    ),
]


async def once(
    served: Service,
    who: Caller,
    key: str | None,
    status: int,
    request: list[Any],
    work: Callable[[], Awaitable[T]],
) -> T:
    """What ``work`` returns, or what it returned before for the same key; ``request``: what makes requests the same.

    Raises InputError where the key came with another request, RetryError while another request does the work.
    """
    if not key:
        return await work()
    sha256 = hashlib.sha256(repr((who.user_id, *request)).encode()).hexdigest()
    run, organization = served.database.run, who.organization_id
    if given := await run(organization, answers.begin, organization, key, sha256):
        replayed = JSONResponse(given.body, given.status, {"Idempotency-Replayed": "true"})
        return cast(T, replayed)  # the framework takes a response for the model
    try:
        found = await work()
        said = Answer(status, found.model_dump(mode="json"))
        await run(organization, answers.keep, organization, key, said)
    except BaseException:
        with CancelScope(shield=True):
            await run(organization, answers.give_up, organization, key)
        raise
    return found
