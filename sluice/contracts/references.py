"""Relationships: which column points to which column of which table."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sluice.contracts.model import Severity
from sluice.contracts.odcs import Place, advice
from sluice.contracts.scope import severity

if TYPE_CHECKING:
    from sluice.contracts.compile import SchemaObject

_SETTING = "sluice.severity"


@dataclass(slots=True)
class References:
    """The foreign keys of one schema object: column to (schema, table, column), by severity."""

    owner: "SchemaObject"
    objects: "list[SchemaObject]"
    enforced: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    reported: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for prop, column in self.owner.properties:
            for place in prop.entries("relationships"):
                self._add(place, column.name, place.get("to"))
        for place in self.owner.place.entries("relationships"):
            self._add_from_table(place)

    def _add_from_table(self, place: Place) -> None:
        source, target = place.get("from"), place.get("to")
        if not source or not target:
            place.wrong("a relationship of a table needs from: table.column and to: other_table.column")
            return
        if len(place.scalars("from")) != len(place.scalars("to")):
            place.wrong("'from' and 'to' must name equally many columns", "to")
        elif len(place.scalars("from")) > 1:
            self.owner.notes.append(
                f"line {place.line}: a relationship over several columns is kept but not checked"
            )
        else:
            name = _parts(place.scalars("from")[0].text)[-1]
            by_id = {prop.string("id"): column.name for prop, column in self.owner.properties}
            column = self.owner.kinds.get(name, (by_id.get(name, ""),))[0]
            if column:
                self._add(place, column, place.scalars("to")[0])
            else:
                place.wrong(
                    f"'{name}' is no property of {self.owner.dataset}; {advice(name, self.owner.kinds)}",
                    "from",
                )

    def _add(self, place: Place, column: str, to: Place | None) -> None:
        place.expect_keys({"to", "type", "from", "customProperties"})
        written = to.text if to and not isinstance(to.value, list) else (_only(to) if to else "")
        parts = _parts(written)
        if len(parts) < 2:
            place.wrong(f"to '{written}' names no column; write to: other_table.column", "to")
            return
        target = self._resolve(parts, written)
        if target is None:
            self.owner.notes.append(
                f"line {place.line}: the relationship to '{written}' is kept but not checked"
            )
            return
        kept = self.enforced if _severity(place) == "critical" else self.reported
        kept.setdefault(column, target)

    def _resolve(self, parts: list[str], written: str) -> tuple[str, str, str] | None:
        """The target by name or id, in another file as written; None if nested or not to be found."""
        if "#" in written:
            return None
        for item in self.objects:
            if parts[-2] in (item.dataset, item.table, item.place.string("id")):
                columns = {key: column for key, (column, _) in item.kinds.items()}
                columns |= {
                    prop.string("id"): column.name for prop, column in item.properties if prop.get("id")
                }
                return (item.schema, item.table, columns[parts[-1]]) if parts[-1] in columns else None
        if "/" in written:
            return None
        return (parts[-3] if len(parts) > 2 else "data", parts[-2], parts[-1])


def _parts(written: str) -> list[str]:
    """``table.column``, or ``schema/table_id/properties/column_id`` without its folder words."""
    if "/" in written:
        return (
            [part for part in written.split("/")[1::2] if part]
            if not written.startswith("/")
            else _parts(written[1:])
        )
    return [part for part in written.split(".") if part]


def _only(place: Place) -> str:
    texts = [child.text for child in place.children.values()]
    return texts[0] if len(texts) == 1 else ""


def _severity(place: Place) -> Severity:
    for item in place.entries("customProperties"):
        if item.string("property") == _SETTING and item.string("value"):
            return severity(item, "value")
    return "critical"
