"""Notices columns whose values only rise: they hold no value twice, which spares the audit a search for repeats."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from sluice.contracts.model import Contract


class Rising:
    """Watches batches go by; ``names`` are the columns that have risen strictly from row to row so far."""

    def __init__(self, columns: Iterable[str]) -> None:
        self._last: dict[str, pa.Scalar | None] = dict.fromkeys(columns)

    @classmethod
    def keys_of(cls, contract: Contract) -> "Rising":
        """Watches every column that is unique or part of a key."""
        keys = [contract.primary_key, *contract.match_keys]
        unique = [column.name for column in contract.columns if column.unique]
        return cls([*unique, *(name for key in keys for name in key)])

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, last in self._last.items() if last is not None)

    def see(self, batch: pa.RecordBatch) -> None:
        """Look at the next rows."""
        if batch.num_rows:
            self._last = {
                name: values[-1]
                for name, last in self._last.items()
                if _rises(values := batch.column(name), last)
            }


def _rises(values: pa.Array, last: pa.Scalar | None) -> bool:
    if values.null_count or (last is not None and not pc.greater(values[0], last).as_py()):
        return False
    return pc.all(pc.greater(values[1:], values[:-1])).as_py() is not False  # None for a single row
