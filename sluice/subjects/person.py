"""A person who asks what is kept about them: the identifier, as each dataset writes it, and what stands for it."""

from dataclasses import dataclass, field
from typing import Any

from sluice.contracts.model import Column, Contract
from sluice.jobs.export import jsonable
from sluice.security import cells
from sluice.security.ring import Ring
from sluice.warehouse import sealing

_DOMAIN = "person"
_UNTYPED = ("VARCHAR", "UUID", "JSON", "TIME")


@dataclass(frozen=True, slots=True)
class Person:
    """One person of one organization. ``ring``: the organization's keys."""

    text: str = field(repr=False)
    ring: Ring

    @property
    def organization_id(self) -> int:
        """The organization whose rows are meant."""
        return self.ring.organization_id

    @property
    def token(self) -> str:
        """What stands for the person in the audit log, 32 hexadecimal digits: no one without the key can compute it."""
        return cells.token(self.ring, _DOMAIN, self.text).hex()

    def value(self, contract: Contract) -> str | None:
        """The identifier as the dataset's rows have it, as text; None where it can't be one of them."""
        column = contract.column(contract.subject)
        found = normal(self.text, column)
        if typed(column) and isinstance(cells.typed([found], column.duckdb_type)[0], str):
            return None
        return found

    def key(self, contract: Contract) -> bytes | None:
        """The token of the key that seals the person's rows of the dataset; None where there can be none."""
        value = self.value(contract)
        if not contract.ceiling or value is None:
            return None
        return cells.token(self.ring, sealing.shape(contract).subject_domain, value)


def typed(column: Column) -> bool:
    """Whether one value may be written in several ways: 7 and 007."""
    return column.duckdb_type not in _UNTYPED


def normal(value: Any, column: Column) -> str:
    """A value of the column as the text that is compared."""
    text = str(jsonable(value)).strip()
    text = text.lower() if column.duckdb_type == "UUID" or isinstance(value, bool) else text
    return cells.canonical(text, column.duckdb_type)
