"""What came under a security policy, classified before it is stored: nothing above the ceiling stays in plain."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from sluice.contracts.model import Contract
from sluice.errors import ContractError
from sluice.jobs import ledger, policies
from sluice.jobs.policies import About
from sluice.readers import open_table
from sluice.readers.base import RawTable
from sluice.readers.header import by_column
from sluice.readers.parts import Parts
from sluice.security import sealed
from sluice.settings import settings
from sluice.sources.api.policy import LEVELS, SecurityPolicy
from sluice.warehouse.connection import Warehouse

if TYPE_CHECKING:
    from sluice.classify import Classified

FILE = "classification.json"  # beside the records
SECONDS = 120.0  # of reading; then the records that have come by then decide


@dataclass(frozen=True, slots=True)
class Landing:
    """Records on disk, as they are read."""

    path: Path
    options: dict[str, str]


def classified(warehouse: Warehouse, contract: Contract, about: About, landing: Landing) -> dict[str, Any]:
    """The class and level of each column, without any value; written to the audit log and the job's details, once.

    Raises ContractError for columns above the ceiling that would be stored in plain; ReadError.
    """
    folder = landing.path.parent
    if (folder / FILE).exists():
        found: dict[str, Any] = orjson.loads((folder / FILE).read_bytes())
        return found
    policy = SecurityPolicy.model_validate_json((folder / policies.FILE).read_bytes())
    from sluice.classify import classify  # takes a fifth of a second, which other loads do without

    given = settings()
    with (
        sealed.laid_open(landing.path, folder) as path,
        closing(_opened(path, landing.options, folder)) as table,
    ):
        result = classify(
            table,
            folder,
            contract,
            memory_limit_mb=given.memory_limit_mb,
            threads=given.threads,
            seconds=SECONDS,
        )
    ceiling = _lowest(policy.ceiling, contract)
    above = _above(result.columns, contract, ceiling)
    found = {
        "records": result.records,
        "whole": result.whole,
        "ceiling": ceiling,
        "columns": [_told(one) for one in result.columns],
        "in_plain_above": [one.column for one in above],
    }
    ledger.audit(
        warehouse,
        "classification.done",
        organization_id=about.organization_id,
        job_id=about.job_id,
        dataset=about.dataset,
        details=found,
    )
    if about.job_id:
        ledger.note(warehouse, about.job_id, "classification", {landing.path.name: found})
    if above:
        raise _refusal(contract, ceiling, above)
    (folder / FILE).write_bytes(orjson.dumps(found))
    return found


def _opened(path: Path, options: dict[str, str], work: Path) -> RawTable:
    return Parts(path, work).joined() if path.is_dir() else open_table(path, options, work=work)


def require(warehouse: Warehouse, contract: Contract, about: About, landing: Landing) -> None:
    """Classify what came under a policy and has not been. Raises as ``classified`` does."""
    if (landing.path.parent / policies.FILE).exists():
        classified(warehouse, contract, about, landing)


def _told(one: "Classified") -> dict[str, Any]:
    return {
        "column": one.column,
        "class": one.kind,
        "confidence": round(one.confidence, 2),
        "level": one.level,
        "level_by": one.by,
    }


def _rank(level: str) -> int:
    """Higher is more to be protected; what is no level of ours is taken for the highest."""
    return LEVELS.index(level.lower()) if level.lower() in LEVELS else len(LEVELS) - 1


def _ceiling(contract: Contract) -> str:
    """The level above which the contract has columns encrypted; '' where it has none encrypted."""
    return contract.ceiling or ""


def _lowest(of_policy: str | None, contract: Contract) -> str:
    """The lower of both ceilings; '' where there is none."""
    return min(filter(None, (of_policy, _ceiling(contract))), key=_rank, default="")


def _above(columns: Sequence["Classified"], contract: Contract, ceiling: str) -> list["Classified"]:
    """The columns above the ceiling, but for those that the contract has encrypted."""
    sealed_above = _ceiling(contract)
    return [
        one
        for one in columns
        if ceiling
        and _rank(one.level) > _rank(ceiling)
        and not (one.by == "contract" and sealed_above and _rank(one.level) > _rank(sealed_above))
    ]


def _refusal(contract: Contract, ceiling: str, above: Sequence["Classified"]) -> ContractError:
    names = by_column({one.column: one.column for one in above}, contract)
    known = {header: name for name, header in names.items()}
    said = "; ".join(f"{one.column} holds {one.kind} ({one.level})" for one in above)
    columns = "\n".join(f"  - {{name: {known[one.column]}, classification: {one.level}}}" for one in above)
    seal = (
        ""
        if _ceiling(contract)
        else f"\ncustomProperties:\n  - {{property: sluice.ceiling, value: {ceiling}}}"
    )
    return ContractError(
        f"{contract.dataset}: {len(above)} column{'s' * (len(above) > 1)} above the ceiling {ceiling} would be stored"
        f" in plain: {said}.",
        hint=f"Nothing was published. Add to the contract:\nproperties:\n{columns}{seal}\nor, where a column is less"
        " than that, its right classification.",
        dataset=contract.dataset,
        file=str(contract.path or ""),
        columns=[one.column for one in above],
    )
