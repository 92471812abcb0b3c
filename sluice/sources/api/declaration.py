"""How an endpoint is read: where its records are, how its pages follow each other, and what is new since last time."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Style = Literal["none", "link", "next", "cursor", "page", "offset"]
NUMBERED: tuple[Style, ...] = ("page", "offset")
_PARAMS = {"cursor": "cursor", "page": "page", "offset": "offset"}


class Paging(BaseModel):
    """How to come to the next page. The first is the endpoint itself, or the one numbered ``start``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    style: Style = Field(
        default="none",
        description="none: one page. link: the Link header names the next. next: the body does, as a URL. cursor: the"
        " body holds a value to ask with. page, offset: counted.",
    )
    next: str = Field(
        default="",
        description="JSONPath of the next URL or cursor in the body: $.meta.next; no value there: the last page.",
    )
    param: str = Field(
        default="", description="Query parameter of cursor, page or offset; empty: named after the style."
    )
    start: int | None = Field(default=None, ge=0, description="The first page (1) or offset (0).")
    size: int | None = Field(
        default=None, ge=1, description="Records of a full page; a shorter one is the last."
    )
    size_param: str = Field(default="", description="Query parameter that asks for pages of that size.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.style in ("next", "cursor") and not self.next:
            raise ValueError(f"Paging by {self.style} needs `next`: where the body has it.")
        if self.size_param and not self.size:
            raise ValueError("`size_param` needs `size`.")
        return self

    @property
    def parameter(self) -> str:
        """The query parameter that says which page."""
        return self.param or _PARAMS.get(self.style, "")

    @property
    def first(self) -> int:
        """The number of the first page, or its offset."""
        return self.start if self.start is not None else int(self.style == "page")


class Incremental(BaseModel):
    """Ask only for what has changed. The highest value seen is kept with the rows that brought it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str = Field(
        min_length=1, description="JSONPath in a record of what rises with each change: updated_at."
    )
    param: str = Field(
        min_length=1, description="Query parameter that takes the highest value seen so far: since."
    )
    start: str = Field(default="", description="Its value at the first time; empty: everything.")
