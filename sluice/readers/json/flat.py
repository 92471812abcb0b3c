"""JSON that whoever wrote it knows: an object a line, of texts, numbers, true, false and null under known names."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from sluice.readers.account import Account
from sluice.readers.base import Reject, cell
from sluice.readers.spool import quote_text
from sluice.readers.text.records import RECORD_LIMIT


class FlatTable:
    """One such file, read by DuckDB itself. Implements ``RawTable``.

    ``names``: all that its objects have, in any order, none twice, not even in other letters' case. Numbers must be
    the shortest texts of what fits into 64 bits, and have no exponent even where DuckDB writes them anew: 0, or from
    0.0001 up to 1e16.
    """

    format = "json"

    def __init__(self, path: Path, names: Sequence[str], records: int) -> None:
        self.path, self.header = path, tuple(names)
        self.account = Account()
        self.details: dict[str, Any] = {"encoding": "utf-8"}
        self.record_size = path.stat().st_size // max(records, 1)

    def expect(self, known: Callable[[str], bool]) -> None:
        """Nothing is unclear here."""

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        cells = ", ".join(f"{_quoted(name)} AS {cell(place)}" for place, name in enumerate(self.header))
        types = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in self.header)
        return (
            f"(SELECT {cells} FROM read_json({quote_text(str(self.path))}, format = 'newline_delimited',"  # noqa: S608
            f" compression = 'none', maximum_object_size = {2 * RECORD_LIMIT}, columns = {{{types}}}))"
        )

    def repair(self, error: Exception) -> bool:
        return False

    def broken(self, connection: duckdb.DuckDBPyConnection) -> Iterable[Reject]:
        return ()

    def find(self, record_numbers: Iterable[int]) -> Iterator[tuple[int, int, str]]:
        wanted = iter(record_numbers)
        number = next(wanted, None)
        with self.path.open("rb") as file:
            for place, line in enumerate(file, 1):
                if number is None:
                    return
                if place == number:
                    yield number, place, line.decode().rstrip("\n")
                    number = next(wanted, None)

    def close(self) -> None:
        """Nothing is left of reading."""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
