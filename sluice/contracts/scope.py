"""What a quality rule may speak of, and how bad it is if it fails."""

from dataclasses import dataclass

from sluice.contracts.model import Severity
from sluice.contracts.odcs import Place, advice
from sluice.contracts.types import ColumnType

_WARNINGS = {"warning", "warn", "info", "information", "informational"}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a quality rule may speak of: the dataset's columns, and the names by which SQL calls its table."""

    dataset: str
    names: tuple[str, ...]
    columns: dict[str, tuple[str, ColumnType]]
    foreign_sql: bool
    notes: list[str]

    def note(self, place: Place, text: str) -> None:
        """Say that something in the file is kept but not used."""
        self.notes.append(f"line {place.line}: {text}")

    def column(self, written: str, place: Place) -> str:
        """The table's column for a property name; '' (reported) where there is none."""
        if written in self.columns:
            return self.columns[written][0]
        place.wrong(f"property '{written}' is not in {self.dataset}; {advice(written, self.columns)}")
        return ""


def severity(place: Place, key: str = "severity") -> Severity:
    """A rule's severity; critical where absent or not known as a mild one."""
    return "warning" if place.string(key).lower() in _WARNINGS else "critical"
