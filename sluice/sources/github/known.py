"""What is known of an owner's repositories from one sync to the next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, Self

from sluice.sources.github.mapping import Record


def place(url: str) -> str:
    """By what pages are compared: host and path, in lower case. An owner may have the same name on two servers."""
    return url.lower().partition("://")[2].removeprefix("www.").rstrip("/")


class Table(Protocol):
    """The rows of a dataset that stand now."""

    def rows(self, parts: Sequence[str], having: Sequence[str] = ()) -> Iterator[Record]:
        """Those whose ``github_url`` has one of the parts (lower case), and a value in one of ``having``, if any."""

    def projects(self) -> dict[str, str]:
        """The names of all projects, each with its ``github_url`` in lower case, empty for none."""


@dataclass(frozen=True, slots=True)
class Repository:
    """``name``: owner/name; ``open``: open issues and pull requests; ``issues``: whether it has any.

    ``high``: all changes of its issues up to then are known; ``asked``: the last page of issues with its ``etag``.
    """

    id: int
    name: str
    url: str
    open: int = 0
    issues: bool = True
    high: str = ""
    asked: str = ""
    etag: str = ""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """From GitHub's description of it."""
        return cls(
            int(told["id"]),
            told["full_name"],
            told["html_url"],
            int(told.get("open_issues_count") or 0),
            bool(told.get("has_issues", True)),
        )


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of the list of repositories."""

    url: str
    etag: str
    ids: list[int]


@dataclass(slots=True)
class Known:
    """``kind``: orgs or users; ``pages``: of the list; ``until``: all that changed before is known."""

    kind: str = ""
    until: str = ""
    pages: list[Listed] = field(default_factory=list)
    repositories: dict[int, Repository] = field(default_factory=dict)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Self:
        """As ``as_dict`` gave it."""
        return cls(
            kept.get("kind", ""),
            kept.get("until", ""),
            [Listed(**one) for one in kept.get("pages", [])],
            {one["id"]: Repository(**one) for one in kept.get("repositories", [])},
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "kind": self.kind,
            "until": self.until,
            "pages": [asdict(one) for one in self.pages],
            "repositories": [asdict(one) for one in self.repositories.values()],
        }
