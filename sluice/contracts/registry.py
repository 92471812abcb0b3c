"""Finds the contract of a dataset: the user's folders first, then those that Sluice brings."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

from sluice.contracts.compile import compile_contract, load_contract
from sluice.contracts.model import Contract
from sluice.contracts.odcs import nearest, parse
from sluice.errors import ContractError, SetupError
from sluice.settings import Settings

__all__ = ["LIBRARY", "Fingerprint", "Registry", "load_contract"]

Fingerprint = tuple[tuple[int, int, int, int], ...]
LIBRARY = Path(__file__).parent / "library"


class Registry:
    """All contracts, read at first use. A bad file spoils its own datasets only."""

    def __init__(self, dirs: Sequence[Path] = (), library: Path = LIBRARY) -> None:
        self._dirs = [Path(folder) for folder in dirs]
        self._library = library

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The registry over the folders that the settings name."""
        return cls(settings.contract_dirs)

    def get(self, dataset: str) -> Contract:
        """The dataset's contract.

        Raises ContractError if its file is wrong, SetupError if there is none.
        """
        contracts, errors = self._found
        if dataset in errors:
            raise errors[dataset]
        if dataset not in contracts:
            near = nearest(dataset, contracts)
            hint = f"Did you mean {near}? " if near else ""
            known = ", ".join(self.names()) or "none"
            raise SetupError(
                f"There is no dataset '{dataset}'.",
                hint=f"{hint}Known datasets: {known}. Name your contract folders in SLUICE_CONTRACTS.",
                dataset=dataset,
            )
        return contracts[dataset]

    def fingerprint(self) -> Fingerprint:
        """Which contract files there are and when each was written: equal as long as nothing has changed."""
        found = (path.stat() for path in _paths([self._library, *self._dirs]))
        return tuple((status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns) for status in found)

    def names(self) -> list[str]:
        """The datasets that can be loaded, sorted."""
        return sorted(self._found[0].keys() - self._found[1].keys())

    def problems(self) -> list[ContractError]:
        """What is wrong with the contract files, each error once."""
        return list({id(error): error for error in self._found[1].values()}.values())

    @cached_property
    def _found(self) -> tuple[dict[str, Contract], dict[str, ContractError]]:
        contracts, errors = _read([self._library])
        mine, wrong = _read(self._dirs)
        # A user's broken file hides the built-in of its name: loading by other rules than asked is worse.
        errors = {name: error for name, error in errors.items() if name not in mine} | wrong
        return contracts | mine, errors


def _read(folders: Sequence[Path]) -> tuple[dict[str, Contract], dict[str, ContractError]]:
    contracts: dict[str, Contract] = {}
    errors: dict[str, ContractError] = {}
    for path, content in _files(folders):
        try:
            compiled = compile_contract(content, path)
        except ContractError as error:
            errors.update(dict.fromkeys(_datasets(content, path), error))
            continue
        for contract in compiled:
            other = contracts.setdefault(contract.dataset, contract)
            if other is not contract:
                errors[contract.dataset] = ContractError(
                    f"Dataset '{contract.dataset}' is defined in {other.path} and again in {path}.",
                    hint="Remove one, or give its schema object another name.",
                    file=str(path), other=str(other.path),
                )  # fmt: skip
    return contracts, errors


def _files(folders: Sequence[Path]) -> Iterator[tuple[Path, bytes]]:
    for path in _paths(folders):
        content = path.read_bytes() if path.is_file() else b""
        # Other YAML may lie in the folder; a contract says what it is, in its name or its text.
        if path.stem.endswith(".odcs") or b"DataContract" in content:
            yield path, content


def _paths(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        if not folder.exists():
            raise SetupError(
                f"The contract folder {folder} does not exist.",
                hint="Create it, or correct SLUICE_CONTRACTS.", folder=str(folder),
            )  # fmt: skip
        paths = sorted(folder.iterdir()) if folder.is_dir() else [folder]
        yield from dict.fromkeys(path.resolve() for path in paths if path.suffix in (".yaml", ".yml"))


def _datasets(content: bytes, path: Path) -> list[str]:
    """The datasets that a wrong file meant to define, as far as that can be told."""
    try:
        tree = parse(content, path.name)
        names = [item.string("name") for item in tree.entries("schema")]
    except ContractError:
        names = []
    return [name for name in names if name] or [path.name.partition(".")[0]]
