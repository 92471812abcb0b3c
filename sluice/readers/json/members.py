"""What stands in a JSON file of one object: which of its lists is the records, and what is beside it."""

import re
from collections import Counter
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from sluice.errors import ReadError
from sluice.readers.json.pattern import Run
from sluice.readers.json.values import Item, Pairs, exactly, undecodable

_NAMED = 20  # other members of an object that are named
_SHOWN = 60  # characters of their values
_LISTS = 10_000  # lists in one object that may be chosen
_COLUMNS = 20_000  # elements of a list that may name the columns
_HEADS = re.compile("fields|columns|cols|columnheaders|headers?")
_TABLE = re.compile(
    "data|records|rows|results?|items|values?|features|hits|docs|entries|elements|content|edges|bindings"
)
_BESIDE = re.compile(
    "schema|meta|metadata|included|includes|errors|warnings|links?|facets|facetcounts|pagination|paging|sort"
    f"|extensions|shards|notes|footnotes|coordinates|{_HEADS.pattern}"
)
_ROW = re.compile(r"\[\s*[^\s\[\]]")
_Path = tuple[str, ...]


class Members:
    """What stands in an object: its lists, with how many records they hold, and the rest."""

    def __init__(self) -> None:
        self.records: Counter[_Path] = Counter()
        self.others: dict[_Path, str] = {}
        self.lists: dict[_Path, int] = {}
        self._heads: dict[_Path, list[Any]] = {}

    def see(self, path: _Path, what: str, item: Item | Run) -> None:
        if what == "element" and path in self.lists:
            self.lists[path] += len(item) if isinstance(item, Run) else 1
            self.records[path] += count_records(item, rows=not _is_beside(path))
            if _is(_HEADS, path[-1]) and self.lists[path] <= _COLUMNS:
                items = (item.item(n) for n in range(len(item))) if isinstance(item, Run) else (item,)
                self._heads.setdefault(path, []).extend(exactly(one.raw) for one in items)
        elif what == "list" and len(self.lists) < _LISTS:
            self.lists.setdefault(path, 0)
        elif what == "value" and isinstance(item, Item) and len(self.others) < 10 * _NAMED:
            self.others[path] = item.raw[: _SHOWN + 1]

    @cached_property
    def chosen(self) -> _Path | None:
        """The list of records; None if no list holds any. Names tell more than depth, and depth more than number,
        as what is beside the records may well be longer. An empty list is chosen only over what describes records.
        """
        lists = [path for path in self.lists if self.records[path] or _is(_TABLE, path[-1])]
        best = min(lists, key=self._rank, default=None)
        return best if any(self.records.values()) else None

    def _rank(self, path: _Path) -> tuple[bool, bool, bool, bool, int, int]:
        """Less is better."""
        return (
            _is_beside(path),
            not self.records[path],
            not _is(_TABLE, path[-1]),
            not _is(_TABLE, *path),
            len(path),
            -self.records[path],
        )

    def names(self, width: int) -> tuple[str, list[str]] | None:
        """The list that names so many columns, and the names; None unless there is one such list."""
        found = [
            (".".join(path), names)
            for path, heads in self._heads.items()
            if path != self.chosen and len(heads) == self.lists[path] == width and (names := _names(heads))
        ]
        return found[0] if len(found) == 1 else None

    def choose(self, wanted: str, file: Path) -> None:
        """Take the list of that dotted path."""
        names = {".".join(path): path for path in self.lists}
        if wanted not in names:
            known = ", ".join(list(names)[:_NAMED]) or "none"
            raise ReadError(
                f"{file} has no list at the path '{wanted}'.", hint=f"Lists in it: {known}.", file=file
            )
        self.chosen = names[wanted]

    def warning(self) -> str:
        """A sentence about the list that was read and what else stands beside it."""
        lists = [f"{'.'.join(p)} ({n:,} elements)" for p, n in self.lists.items() if p != self.chosen]
        values = [
            f"{'.'.join(p)} = {raw[:_SHOWN]}{'...' * (len(raw) > _SHOWN)}" for p, raw in self.others.items()
        ]
        rest = lists + values
        named = "; ".join(rest[:_NAMED]) + ("; ..." if len(rest) > _NAMED else "")
        beside = f"other members, not read: {named}" if rest else "the object has no other members"
        return f"The records are the list {'.'.join(self.chosen or ())}; {beside}."


@lru_cache
def _is(words: re.Pattern[str], *names: str) -> bool:
    """Whether one of the names is one of the words, however it is written."""
    return any(words.fullmatch(re.sub(r"[^a-z]", "", name.lower())) for name in names)


def _is_beside(path: _Path) -> bool:
    """Whether a list of that path describes records rather than holds them."""
    return _is(_BESIDE, *path)


def _names(heads: list[Any]) -> list[str]:
    """Different texts, or a member ``name`` or ``id`` of objects that is; else none."""
    choices = [heads]
    if all(type(one) is Pairs for one in heads):
        choices = [[dict(one).get(key) for one in heads] for key in ("name", "id")]
    for names in choices:
        if all(type(one) is str and one and not undecodable(one) for one in names) and len(set(names)) == len(
            names
        ):
            return names
    return []


def count_records(item: Item | Run, *, rows: bool) -> int:
    """How many objects with members these are, and ``rows``: arrays of cells. Points of a shape are none."""
    if isinstance(item, Run):
        lists = sum(text is not None and _is_row(text) for text in item.groups[2::4]) if rows else 0
        return lists + sum(text is not None and '"' in text for text in item.groups[3::4])
    if type(item.value) is Pairs:
        return bool(item.value)
    return rows and _is_row(item.raw)


def _is_row(raw: str) -> bool:
    return _ROW.match(raw) is not None
