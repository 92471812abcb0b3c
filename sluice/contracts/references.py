"""Relationships: which columns point to which columns of which table."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sluice.contracts.columns import flag, settings_of
from sluice.contracts.model import Relationship, Severity
from sluice.contracts.odcs import Place, advice
from sluice.contracts.protection import SUBJECT
from sluice.contracts.scope import severity

if TYPE_CHECKING:
    from sluice.contracts.compile import SchemaObject

_SETTING = "sluice.severity"
_KEYS = {"id", "to", "from", "type", "description", "customProperties"}
Target = tuple[str, str, str]


@dataclass(slots=True)
class References:
    """The relationships of one schema object; problems are reported on its places."""

    owner: "SchemaObject"
    objects: "list[SchemaObject]"
    found: list[Relationship] = field(default_factory=list)

    def __post_init__(self) -> None:
        for prop, column in self.owner.properties:
            for place in prop.entries("relationships"):
                if place.get("from"):
                    place.wrong("the relationship of a property begins at it; remove 'from'", "from")
                self._add(place, (column.name,))
        for place in self.owner.place.entries("relationships"):
            columns = self._from(place)
            if columns and all(columns):
                self._add(place, columns)

    @property
    def foreign_keys(self) -> dict[str, Target]:
        """The first critical relationship of each column, as a foreign key."""
        keys: dict[str, Target] = {}
        for one in self.found:
            if one.severity == "critical" and len(one.columns) == 1:
                keys.setdefault(one.columns[0], (one.schema, one.table, one.targets[0]))
        return keys

    def _from(self, place: Place) -> tuple[str, ...]:
        """The columns where a relationship of the table begins, '' (reported) for what is none."""
        if not place.get("from") or not place.get("to"):
            place.wrong("a relationship of a table needs from: table.column and to: other_table.column")
            return ()
        if len(place.scalars("from")) != len(place.scalars("to")):
            place.wrong("'from' and 'to' must name equally many columns", "to")
            return ()
        by_id = {prop.string("id"): column.name for prop, column in self.owner.properties if prop.get("id")}
        return tuple(self._column(item, by_id) for item in place.scalars("from"))

    def _column(self, item: Place, by_id: dict[str, str]) -> str:
        parts = _parts(item.text) or [""]
        name = parts[-1]
        column = self.owner.kinds.get(name, (by_id.get(name, ""),))[0]
        if len(parts) > 2:
            self._note(item, f"from '{item.text}'")
            return ""
        if not column:
            item.wrong(f"'{name}' is no property of {self.owner.dataset}; {advice(name, self.owner.kinds)}")
        return column

    def _add(self, place: Place, columns: tuple[str, ...]) -> None:
        place.expect_keys(_KEYS)
        written = [item.text for item in place.scalars("to")]
        bad = next((text for text in written if len(_parts(text)) < 2), None)
        if bad is not None or len(written) != len(columns):
            place.wrong(
                f"to '{bad or ', '.join(written)}' names no column; write to: other_table.column", "to"
            )
            return
        targets = [target for text in written if (target := self._resolve(_parts(text), text))]
        if len(targets) < len(columns) or len({target[:2] for target in targets}) > 1:
            self._note(place, f"to '{', '.join(written)}'")
            return
        schema, table, _ = targets[0]
        relationship = Relationship(
            columns, schema, table, tuple(t[2] for t in targets), _severity(place), _follows(place)
        )
        if relationship not in self.found:
            self.found.append(relationship)

    def _note(self, place: Place, which: str) -> None:
        self.owner.notes.append(f"line {place.line}: the relationship {which} is kept but not checked")

    def _resolve(self, parts: list[str], written: str) -> Target | None:
        """The target by name or id, in another file as written; None if nested or not to be found."""
        if "#" in written:
            return None
        for item in self.objects:
            if parts[-2] in _names(item):
                columns = {key: column for key, (column, _) in item.kinds.items()}
                columns |= {
                    prop.string("id"): column.name for prop, column in item.properties if prop.get("id")
                }
                return (item.schema, item.table, columns[parts[-1]]) if parts[-1] in columns else None
        nested = len(parts) > 2 and any(parts[0] in _names(item) for item in self.objects)
        if "/" in written or nested:
            return None
        return (parts[-3] if len(parts) > 2 else "data", parts[-2], parts[-1])


def _names(item: "SchemaObject") -> set[str]:
    """What an object may be called by; its name has no point, or it would be a path."""
    return {item.dataset, item.table, item.place.string("id")} - {""}


def _parts(written: str) -> list[str]:
    """``table.column``, or ``schema/table_id/properties/column_id`` without its folder words."""
    if "/" in written:
        return [part for part in written.strip("/").split("/")[1::2] if part]
    return [part for part in written.split(".") if part]


def _severity(place: Place) -> Severity:
    for item in place.entries("customProperties"):
        if item.string("property") == _SETTING and item.string("value"):
            return severity(item, "value")
    return "critical"


def _follows(place: Place) -> bool:
    """Whether a row that refers to a person's row is about that person too."""
    return flag(settings_of(place, (SUBJECT, _SETTING)).get(SUBJECT))
