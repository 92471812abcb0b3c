"""Who asks: the caller of a request by its bearer token, what a role may, and how often."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from gateway.problems import Refusal
from gateway.state import Service, service
from sluice.audit import log
from sluice.security.tokens import Caller, Refused, Role

_bearer = HTTPBearer(auto_error=False, description="A token of `sluice token`, or of your identity provider.")


async def caller(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    """The caller. Raises Refused without a valid token, Refusal (429) for too many requests."""
    if given is None:
        raise Refused(
            "A token is needed.", hint="Send `Authorization: Bearer TOKEN`; `sluice token` makes one."
        )
    found = service(request).keys.caller(given.credentials)
    admit(request, found)
    return found


def admit(request: Request, who: Caller) -> Service:
    """The service that takes this request of the caller's. Raises Refusal (429) for too many."""
    served = service(request)
    if not served.rates.allow(who.organization_id):
        raise Refusal(429, "Too many requests of your organization.", hint="Wait a moment.")
    return served


def at_least(role: Role) -> Callable[[Caller], Caller]:
    """A dependency: the caller, who has this role or one above it. Raises Refusal (403)."""

    async def check(request: Request, found: Annotated[Caller, Depends(caller)]) -> Caller:
        if found.role < role:
            await _note(request, found, role)
            raise Refusal(403, f"Your role is {found.role.name}; this needs {role.name}.")
        return found

    return check  # type: ignore[return-value]


async def _note(request: Request, who: Caller, needed: Role) -> None:
    """Write to the audit log that the caller asked for what his role may not."""
    told = {"method": request.method, "path": request.url.path, "role": who.role.name, "needs": needed.name}
    entry = log.writing(
        "access.refused", organization_id=who.organization_id, user_id=who.user_id, details=told
    )
    await service(request).database.write(who.organization_id, entry)


Viewer = Annotated[Caller, Security(at_least(Role.viewer), scopes=["viewer"])]
Operator = Annotated[Caller, Security(at_least(Role.operator), scopes=["operator"])]
Admin = Annotated[Caller, Security(at_least(Role.admin), scopes=["admin"])]


async def _served(request: Request) -> Service:
    """A function that is not async would cost each request a thread."""
    return service(request)


Served = Annotated[Service, Depends(_served)]
