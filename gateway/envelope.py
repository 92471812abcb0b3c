"""What every answer looks like: ``{success, message, data}``, and in the place of data a problem where it failed."""

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field

T = TypeVar("T")


class Envelope(BaseModel, Generic[T]):
    """An answer."""

    success: Literal[True] = True
    message: str = ""
    data: T


class Problem(BaseModel):
    """Problem details, as in RFC 9457."""

    type: str = Field(default="about:blank", description="What kind of problem: `urn:sluice:` and its name.")
    title: str
    status: int
    detail: str = Field(description="What happened, and what to do.")
    instance: str = Field(default="", description="The path that was asked for.")
    category: str = Field(default="", description="VALIDATION, PARSING, NETWORK or TRANSFORMATION.")
    errors: list[dict[str, Any]] = Field(default=[], description="Each wrong field: where it is, and why.")
    facts: dict[str, str] = Field(default={}, description="What a program would want to know.")


class Failure(BaseModel):
    """An answer that tells of a problem."""

    success: Literal[False] = False
    message: str
    data: None = None
    error: Problem
