"""What a person's records have in their cells: how rejects and samples, which have no key, are told to be theirs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from sluice.contracts.model import Contract
from sluice.security.cells import ERASED
from sluice.security.keys import Keks
from sluice.subjects import search
from sluice.subjects.person import Person, normal
from sluice.subjects.search import Scope
from sluice.warehouse.connection import Connection

SHORTEST = 5  # characters of a text that means one person wherever it stands


@dataclass(frozen=True, slots=True)
class Clue:
    """Records of the dataset that have one of ``values`` in ``columns`` are the person's."""

    contract: Contract
    columns: tuple[str, ...]
    values: frozenset[tuple[str, ...]]

    @property
    def hidden(self) -> bool:
        """Whether samples show these columns as ``***``, and so do not tell whose they are."""
        return any(self.contract.column(name).sealed for name in self.columns)

    def fits(self, cells: Mapping[str, Any] | None, texts: Sequence[str | None] = ()) -> bool:
        """Whether the record is the person's: by its cells; where it lacks them, by words of these texts."""
        if cells and all(cells.get(name) is not None for name in self.columns):
            return tuple(self._normal(cells, name) for name in self.columns) in self.values
        joined = "\n".join(text for text in texts if text)
        return any(all(word(one).search(joined) for one in values) for values in self.values)

    def _normal(self, cells: Mapping[str, Any], name: str) -> str:
        return normal(cells[name], self.contract.column(name))


def word(text: str) -> re.Pattern[str]:
    """The text where it stands by itself, and not within a longer word, number or address."""
    return re.compile(rf"(?<![\w.+@-]){re.escape(text)}(?![\w@]|[.+-]\w)", re.IGNORECASE)


def telling(text: str) -> bool:
    """Whether the text means one person wherever it stands, as an address does, and a number does not."""
    return len(text) >= SHORTEST and not re.fullmatch(r"[\d.,:/ -]+", text)


def clues(connection: Connection, person: Person, scope: Scope, keks: Keks) -> list[Clue]:
    """Those of the person's datasets, and of the datasets that refer to the person's rows."""
    found = []
    for contract in scope.named:
        value = person.value(contract)
        if value is not None:
            found.append(Clue(contract, (contract.subject,), frozenset({(value,)})))
    for link in scope.links:
        values = set()
        where = search.theirs(link.target.dataset)
        for _, rows in search.opened(connection, person, link.target, keks, where):
            values |= {_values(row, link.target, link.relationship.targets) for row in rows}
        whole = frozenset(one for one in values if one and ERASED not in one)
        if whole:
            found.append(Clue(link.contract, link.relationship.columns, whole))
    return found


def _values(row: Mapping[str, Any], contract: Contract, names: Sequence[str]) -> tuple[str, ...]:
    """The row's values of these columns, () where it lacks one."""
    if any(row[name] is None for name in names):
        return ()
    return tuple(normal(row[name], contract.column(name)) for name in names)


def one_of(numbers: Sequence[tuple[int, int]]) -> tuple[sql.SQL, list[list[int]]]:
    """SQL and its values for records by load and number."""
    text = sql.SQL("(load_id, record_no) IN (SELECT * FROM unnest(%s::bigint[], %s::bigint[]))")
    return text, [[load for load, _ in numbers], [number for _, number in numbers]]
