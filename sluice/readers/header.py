"""Which header cell means which column of the contract."""

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sluice.contracts.model import Contract
from sluice.errors import DataRefused, ReadError


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which header position feeds which contract column; ``drift`` and ``missing`` as in ``Stage``."""

    positions: dict[str, int]
    unknown: tuple[int, ...]
    drift: tuple[str, ...]
    missing: tuple[str, ...]


def normalised(name: str) -> str:
    """A header cell as lower snake case: 'GitHub URL', 'githubUrl' and 'github-url' are 'github_url'."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.strip())
    return re.sub(r"[\W_]+", "_", spaced).strip("_").lower()


def match_header(header: Sequence[str], contract: Contract) -> Mapping:
    """Find the contract's columns in the header.

    Raises ReadError if none or a required one is missing, or two header cells mean the same column;
    DataRefused for unknown columns where the contract's drift policy is ``refuse``.
    """
    spellings = _spellings(contract)
    positions: dict[str, int] = {}
    unknown: list[int] = []
    for position, text in enumerate(header):
        if text.startswith("_sluice_"):
            continue
        column = spellings.get(text) or spellings.get(plain(text))
        if column is None:
            unknown.append(position)
        elif column in positions:
            raise _ambiguous(column, header[positions[column]], text, contract)
        else:
            positions[column] = position
    absent = [c.name for c in contract.columns if c.name not in positions]
    _refuse_mismatch(header, contract, positions, absent)
    drift = tuple(header[i] for i in unknown)
    if drift and contract.drift == "refuse":
        raise DataRefused(
            f"The input has columns that {contract.dataset} does not know: {', '.join(drift)}.",
            hint="Add them to the contract, remove them from the input, or set the drift policy to 'keep'.",
            dataset=contract.dataset,
            columns=list(drift),
        )
    return Mapping(positions, tuple(unknown), drift, tuple(absent))


def known_names(contract: Contract) -> Callable[[str], bool]:
    """Tells whether a name means one of the contract's columns."""
    spellings = _spellings(contract)
    return lambda name: name in spellings or plain(name) in spellings


def by_column(cells: dict[str, str | None], contract: Contract) -> dict[str, str | None]:
    """A record's cells under the contract's names; those of unknown columns keep their own."""
    spellings = _spellings(contract)
    return {spellings.get(name) or spellings.get(plain(name)) or name: text for name, text in cells.items()}


def plain(text: str) -> str:
    """By which a header cell finds its column: capitals, spaces and signs do not count."""
    return normalised(text).replace("_", "")


def _spellings(contract: Contract) -> dict[str, str]:
    """Exact names win over normalised ones; underscores do not count ('github_url' is 'GithubURL')."""
    found: dict[str, str] = {}
    for column in contract.columns:
        for text in (column.name, *column.aliases):
            found.setdefault(plain(text), column.name)
    for column in contract.columns:
        for text in (*column.aliases, column.name):
            found[text] = column.name
    return found


def _ambiguous(column: str, first: str, second: str, contract: Contract) -> ReadError:
    return ReadError(
        f"The header cells '{first}' and '{second}' both mean the column {column}.",
        hint="Rename or remove one of them.",
        dataset=contract.dataset,
        column=column,
    )


def _refuse_mismatch(
    header: Sequence[str], contract: Contract, positions: dict[str, int], absent: Sequence[str]
) -> None:
    found = ", ".join(header[:20]) + (", ..." if len(header) > 20 else "")
    if not positions:
        raise ReadError(
            f"None of the input's columns belongs to {contract.dataset}; found: {found}.",
            hint=f"Is this the right dataset? `sluice datasets show {contract.dataset}` lists its columns.",
            dataset=contract.dataset,
            header=list(header),
        )
    required = [name for name in absent if name in contract.required]
    if required:
        near = [m for n in required for m in difflib.get_close_matches(n, [normalised(h) for h in header], 1)]
        meant = f" Did you mean {', '.join(near)}?" if near else ""
        raise ReadError(
            f"Contract mismatch: {contract.dataset} requires {', '.join(required)}, found: {found}.{meant}",
            hint="Add the missing columns to the input, or their spelling as an alias to the contract.",
            dataset=contract.dataset,
            missing=required,
            header=list(header),
        )


def unique_names(header: Sequence[str]) -> list[str]:
    """Header cells as distinct names: an empty one becomes ``column_3``, a repeated one gets a number."""
    taken: set[str] = set()
    names = []
    for position, text in enumerate(header, 1):
        name = base = text or f"column_{position}"
        count = 1
        while name.lower() in taken:
            count += 1
            name = f"{base}_{count}"
        taken.add(name.lower())
        names.append(name)
    return names
