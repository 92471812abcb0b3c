"""What the records of a JSON file look like, learned from some of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sluice.readers.json.values import Number, Pairs

Place = tuple[str, ...]
_DEEPEST = 20
_KINDS: Mapping[type, str] = {
    str: "text",
    Number: "number",
    bool: "number",
    list: "list",
    type(None): "null",
}


@dataclass(slots=True)
class Form:
    """What was seen at one place of the records: kinds of values, and the members of objects or rows in order."""

    kinds: set[str] = field(default_factory=set)
    members: dict[str, "Form"] = field(default_factory=dict)

    def see(self, value: Any, whole: Callable[[Place], bool], path: Place = ()) -> None:
        """Learn from one exact value. ``whole``: whether the object at a path stays one cell."""
        if type(value) is not Pairs:
            self.kinds.add(_KINDS[type(value)])
        elif whole(path):
            self.kinds.add("whole")
        elif path and not value:
            self.kinds.add("empty")
        elif len(path) < _DEEPEST:
            self.kinds.add("object")
            cells = dict(value)
            for name, form in self._ordered(list(cells)).items():
                form.see(cells[name], whole, (*path, name))

    def see_row(self, names: Sequence[str], value: Any) -> None:
        """Learn from an array that has a cell for each name."""
        if isinstance(value, list) and len(value) == len(names):
            self.kinds.add("row")
            for name, one in zip(names, value, strict=True):
                self.members.setdefault(name, Form()).see(one, lambda _: True, (name,))

    def _ordered(self, names: Sequence[str]) -> dict[str, "Form"]:
        """The members of these names; a new one stands after the one before it."""
        if not self.members.keys() >= set(names):
            after: dict[str | None, list[str]] = {None: []}
            place = None
            for name in names:
                if name in self.members:
                    after[place := name] = []
                else:
                    after[place].append(name)
            order = [*after[None], *(new for one in self.members for new in (one, *after.get(one, ())))]
            self.members = {name: self.members.get(name) or Form() for name in order}
        return {name: self.members[name] for name in names}

    def count(self) -> int:
        """Cells of a record."""
        return sum(one.count() for one in self.members.values()) or 1
