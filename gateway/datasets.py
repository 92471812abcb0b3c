"""Which dataset a file is meant for."""

import time
from functools import lru_cache

from anyio import to_thread

from gateway.problems import Refusal
from sluice.contracts.registry import Fingerprint, Registry
from sluice.errors import InputError
from sluice.settings import settings

FRESH = 1.0  # seconds that a dataset that was there counts as there, without a look at the contract files


class Datasets:
    """The datasets that there are."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._until = 0.0

    async def meant(self, dataset: str, filename: str) -> str:
        """The dataset of that name, or else the one that the file is named after.

        Raises InputError where none is named, Refusal (404) for an unknown one.
        """
        if dataset in self._names and time.monotonic() < self._until:
            return dataset
        self._names = names = await to_thread.run_sync(_datasets)
        self._until = time.monotonic() + FRESH
        if dataset and dataset not in names:
            raise Refusal(404, f"There is no dataset {dataset[:64]}.", hint=f"There are: {', '.join(names)}.")
        return dataset or _named_after(filename, names)


def _named_after(filename: str, names: list[str]) -> str:
    stem = filename.rpartition("/")[2].lower()
    found = [name for name in names if stem.startswith(name.lower())]
    if len(found) != 1:
        raise InputError("The dataset is not named.", hint=f"There are: {', '.join(names)}.")
    return found[0]


def _datasets() -> list[str]:
    return _named(Registry.from_settings(settings()).fingerprint())


@lru_cache(maxsize=1)
def _named(_fingerprint: Fingerprint) -> list[str]:
    """Read anew only where a contract has changed."""
    return Registry.from_settings(settings()).names()
