"""Finds the contract of a dataset: the user's folders first, then those that Sluice brings."""

from collections.abc import Iterable, Iterator, Sequence
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
        # Only the files that name it are compiled; a user's, right or wrong, hides the built-in.
        for files in (self._mine, self._built_in):
            contracts, errors = _compiled(file for file in files if dataset in file.datasets)
            if dataset in errors:
                raise errors[dataset]
            if dataset in contracts:
                return contracts[dataset]
        near = nearest(dataset, self._found[0])
        hint = f"Did you mean {near}? " if near else ""
        known = ", ".join(self.names()) or "none"
        raise SetupError(
            f"There is no dataset '{dataset}'.",
            hint=f"{hint}Known datasets: {known}. Name your contract folders in SLUICE_CONTRACTS.",
            dataset=dataset,
        )

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
    def _mine(self) -> list["_File"]:
        return [_File(path, content) for path, content in _files(self._dirs)]

    @cached_property
    def _built_in(self) -> list["_File"]:
        return [_File(path, content) for path, content in _files([self._library])]

    @cached_property
    def _found(self) -> tuple[dict[str, Contract], dict[str, ContractError]]:
        contracts, errors = _compiled(self._built_in)
        mine, wrong = _compiled(self._mine)
        # A user's broken file hides the built-in of its name: loading by other rules than asked is worse.
        errors = {name: error for name, error in errors.items() if name not in mine} | wrong
        return contracts | mine, errors


class _File:
    """A contract file, parsed and compiled at most once."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        self._content = content

    @cached_property
    def datasets(self) -> list[str]:
        """The datasets that it defines or, where it is wrong, meant to define, as far as that can be told."""
        try:
            tree = parse(self._content, self.path.name)
            names = [item.string("name") for item in tree.entries("schema")]
        except ContractError:
            names = []
        return [name for name in names if name] or [self.path.name.partition(".")[0]]

    @cached_property
    def contracts(self) -> list[Contract] | ContractError:
        """What it defines, or what is wrong with it."""
        try:
            return compile_contract(self._content, self.path)
        except ContractError as error:
            return error


def _compiled(files: Iterable[_File]) -> tuple[dict[str, Contract], dict[str, ContractError]]:
    contracts: dict[str, Contract] = {}
    errors: dict[str, ContractError] = {}
    for file in files:
        if isinstance(file.contracts, ContractError):
            errors.update(dict.fromkeys(file.datasets, file.contracts))
            continue
        for contract in file.contracts:
            other = contracts.setdefault(contract.dataset, contract)
            if other is not contract:
                errors[contract.dataset] = ContractError(
                    f"Dataset '{contract.dataset}' is defined in {other.path} and again in {file.path}.",
                    hint="Remove one, or give its schema object another name.",
                    file=str(file.path), other=str(other.path),
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
