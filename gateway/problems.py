"""Errors as answers: the status by what the caller should do, the text by the error itself, never a secret."""

import json
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from gateway.envelope import Failure, Problem
from sluice.errors import BugError, InputError, RetryError, SetupError, SluiceError
from sluice.security.tokens import Refused
from sluice.sources.guard import Unresolved

MEDIA = "application/json"
_WHEN = {
    400: "The body is not what it says it is, or not all of it came.",
    401: "No token, or one that is not valid.",
    403: "The caller may not do this.",
    404: "There is no such thing, or it is another organization's.",
    408: "The body did not come in time.",
    409: "It stands in the way that things are; `facts` names what does.",
    410: "The upload has ended.",
    413: "More bytes or files than are allowed.",
    415: "The body is of another type than the route takes.",
    422: "A value is wrong; `errors` names each.",
    423: "Another request sends this upload now.",
    429: "Too many requests of the organization.",
    503: "A part is away for the moment; try again.",
}
Answers = dict[int | str, dict[str, Any]]


def errors(*statuses: int) -> Answers:
    """The errors that a route may answer, for the OpenAPI document."""
    return {status: {"model": Failure, "description": _WHEN[status]} for status in statuses}


GUARDED = errors(401, 422, 429, 503)  # of every route that needs a token
BODY = errors(400, 408, 413)  # of every route that takes one


class Refusal(InputError):
    """A request that is refused with a status of its own."""

    def __init__(self, status: int, message: str, *, hint: str = "", **facts: Any) -> None:
        super().__init__(message, hint=hint, **facts)
        self.status = status


def not_found(what: str) -> Refusal:
    """Nothing there, or nothing that the caller may know of."""
    return Refusal(404, f"There is no {what}.")


class Answer(JSONResponse):
    """A problem as JSON. It repeats what clients sent, which may be no Unicode at all."""

    def render(self, content: Failure) -> bytes:
        text = json.dumps(content.model_dump(), ensure_ascii=False)
        return text.encode("utf-8", "backslashreplace")


def install(app: FastAPI) -> None:
    """Answer every error with a problem."""
    app.add_exception_handler(SluiceError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)


async def respond(request: Request, error: SluiceError | HTTPException) -> JSONResponse:
    """The error as a response."""
    return await (_http if isinstance(error, HTTPException) else _ours)(request, error)


def status_of(error: SluiceError) -> int:
    """The HTTP status for an error of ours."""
    if isinstance(error, Refusal):
        return error.status
    if isinstance(error, Refused):
        return 401
    if isinstance(error, RetryError):
        # The caller named the host: most often it is misspelt.
        return 422 if isinstance(error, Unresolved) else 503
    if isinstance(error, SetupError):
        return 404 if "dataset" in error.facts else 500
    return 422 if isinstance(error, InputError) else 500


def answer(request: Request, status: int, title: str, detail: str, **more: Any) -> JSONResponse:
    """The problem as a response."""
    problem = Problem(title=title, status=status, detail=detail, instance=request.url.path, **more)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if status in (429, 503):
        headers["Retry-After"] = "1"
    return Answer(Failure(message=detail, error=problem), status, headers)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SluiceError)
    status = status_of(error)
    facts = {name: str(value) for name, value in error.facts.items()}
    kind = f"urn:sluice:{type(error).__name__}"
    return answer(
        request, status, _title(status), str(error), type=kind, category=error.category, facts=facts
    )


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    wrong = [{"field": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in error.errors()]
    detail = (
        "; ".join(f"{one['field']}: {one['message']}" for one in wrong[:3]) or "The request is not valid."
    )
    return answer(request, 422, _title(422), detail, category="VALIDATION", errors=wrong)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    answered = answer(request, error.status_code, _title(error.status_code), str(error.detail))
    answered.headers.update(error.headers or {})
    if error.status_code == 405:
        answered.headers["Allow"] = ", ".join(_allowed(request))
    return answered


def _allowed(request: Request) -> list[str]:
    """The methods of all routes with this path; the router names those of the first."""
    paths = request.app.openapi()["paths"].items()
    here = request.url.path
    fitting = [methods for path, methods in paths if path == here] or [
        methods for path, methods in paths if compile_path(path)[0].match(here)
    ]
    return sorted({method.upper() for methods in fitting for method in methods})


async def _bug(request: Request, error: Exception) -> JSONResponse:
    bug = BugError(
        f"{type(error).__name__} in the gateway.", hint="Please report it; the log has the details."
    )
    return await _ours(request, bug)


def _title(status: int) -> str:
    return HTTPStatus(status).phrase
