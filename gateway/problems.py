"""Errors as answers: the status by what the caller should do, the text by the error itself, never a secret."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from gateway.envelope import Failure, Problem
from sluice.errors import BugError, InputError, RetryError, SetupError, SluiceError
from sluice.security.tokens import Refused

MEDIA = "application/json"


class Refusal(InputError):
    """A request that is refused with a status of its own."""

    def __init__(self, status: int, message: str, *, hint: str = "", **facts: Any) -> None:
        super().__init__(message, hint=hint, **facts)
        self.status = status


def not_found(what: str) -> Refusal:
    """Nothing there, or nothing that the caller may know of."""
    return Refusal(404, f"There is no {what}.")


def install(app: FastAPI) -> None:
    """Answer every error with a problem."""
    app.add_exception_handler(SluiceError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)


def status_of(error: SluiceError) -> int:
    """The HTTP status for an error of ours."""
    if isinstance(error, Refusal):
        return error.status
    if isinstance(error, Refused):
        return 401
    if isinstance(error, RetryError):
        return 503
    if isinstance(error, SetupError):
        return 404 if "dataset" in error.facts else 500
    return 422 if isinstance(error, InputError) else 500


def answer(request: Request, status: int, title: str, detail: str, **more: Any) -> JSONResponse:
    """The problem as a response."""
    problem = Problem(title=title, status=status, detail=detail, instance=request.url.path, **more)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if status in (429, 503):
        headers["Retry-After"] = "1"
    body = Failure(message=detail, error=problem)
    return JSONResponse(body.model_dump(), status, headers, MEDIA)


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
    return answered


async def _bug(request: Request, error: Exception) -> JSONResponse:
    bug = BugError(
        f"{type(error).__name__} in the gateway.", hint="Please report it; the log has the details."
    )
    return await _ours(request, bug)


def _title(status: int) -> str:
    return HTTPStatus(status).phrase
