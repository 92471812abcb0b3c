"""Where records stand in a file, as a table tells it."""

from collections.abc import Iterable

from sluice.readers.base import RawTable


def located(table: RawTable, numbers: Iterable[int]) -> dict[int, tuple[int, str]]:
    """Line (from 1) and raw text of the records with these rising numbers."""
    return {number: (line, raw) for number, line, raw in table.find(numbers)}
