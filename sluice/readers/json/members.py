"""What stands in a JSON file of one object: which of its lists is the records, and what is beside it."""

from collections import Counter
from pathlib import Path

from sluice.errors import ReadError
from sluice.readers.json.pattern import Run
from sluice.readers.json.values import Item, Pairs

_NAMED = 20  # other members of an object that are named
_SHOWN = 60  # characters of their values
_LISTS = 10_000  # lists in one object that may be chosen
_Path = tuple[str, ...]


class Members:
    """What stands in an object: its lists, with how many objects they hold, and the rest."""

    def __init__(self) -> None:
        self.objects: Counter[_Path] = Counter()
        self.others: dict[_Path, str] = {}
        self.lists: dict[_Path, int] = {}
        self._picked: _Path | None = None

    def see(self, path: _Path, what: str, item: Item | Run) -> None:
        if what == "element" and path in self.lists:
            self.lists[path] += len(item) if isinstance(item, Run) else 1
            self.objects[path] += _objects(item)
        elif what == "list" and len(self.lists) < _LISTS:
            self.lists.setdefault(path, 0)
        elif what == "value" and isinstance(item, Item) and len(self.others) < 10 * _NAMED:
            self.others[path] = item.raw[: _SHOWN + 1]

    @property
    def chosen(self) -> _Path | None:
        """The list with the most objects; of equals the outermost, then the first."""
        if self._picked is not None:
            return self._picked
        best = min(self.objects, key=lambda path: (-self.objects[path], len(path)), default=None)
        return best if best is not None and self.objects[best] else None

    def choose(self, wanted: str, file: Path) -> None:
        """Take the list of that dotted path."""
        names = {".".join(path): path for path in self.lists}
        if wanted not in names:
            known = ", ".join(list(names)[:_NAMED]) or "none"
            raise ReadError(
                f"{file} has no list at the path '{wanted}'.", hint=f"Lists in it: {known}.", file=file
            )
        self._picked = names[wanted]

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


def _objects(item: Item | Run) -> int:
    """How many objects with members these are."""
    if isinstance(item, Item):
        return type(item.value) is Pairs and bool(item.value)
    return sum(text is not None and '"' in text for text in item.groups[3::4])
