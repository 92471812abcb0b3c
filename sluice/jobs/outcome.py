"""What a job did, in numbers: the object that ``load --json`` prints and the job row keeps."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from sluice.quality.duck import beside
from sluice.quality.verdict import Verdict
from sluice.readers.base import Stage
from sluice.security import lake


@dataclass(frozen=True, slots=True)
class Counts:
    """Records by load id and by what became of them. ``rejected`` has every kind of reject."""

    published: Counter[int] = field(default_factory=Counter)
    unchanged: Counter[int] = field(default_factory=Counter)
    superseded: Counter[int] = field(default_factory=Counter)
    rejected: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a job over ``files``: ``read`` = published + unchanged + superseded + rejected, always.

    ``seconds`` holds acquire, read, audit, publish and total. ``skipped`` names inputs whose content had been
    loaded before, each with the job that did. ``drift`` names columns the contract does not know, ``missing`` those
    of the contract that an input lacks. ``lines`` counts by kind those that hold no record, ``repairs`` by name the
    records that were mended; each load's account tells more.
    """

    job_id: str
    dataset: str
    status: str = "completed"
    mode: str = ""
    read: int = 0
    published: int = 0
    unchanged: int = 0
    superseded: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    lines: dict[str, int] = field(default_factory=dict)
    repairs: dict[str, int] = field(default_factory=dict)
    skipped: tuple[dict[str, str], ...] = ()
    quality_score: float | None = None
    warnings: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    rows_per_second: int = 0
    peak_memory_mb: int = 0
    flow_run_id: str | None = None

    @classmethod
    def of(
        cls, job_id: str, dataset: str, mode: str, counts: Counts, reasons: Mapping[str, int], **more: Any
    ) -> Self:
        """The outcome with the totals of ``counts``."""
        totals: dict[str, Any] = {
            name: getattr(counts, name).total()
            for name in ("published", "unchanged", "superseded", "rejected")
        }
        return cls(
            job_id, dataset, mode=mode, read=sum(totals.values()), reasons=dict(reasons), **totals, **more
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The outcome that ``as_dict`` gave, as JSON keeps it, perhaps beside more."""
        given: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in values.items()}
        return cls(**{one.name: given[one.name] for one in fields(cls) if one.name in given})

    def timed(self, seconds: dict[str, float], peak_memory_mb: int) -> Self:
        """The outcome with its measured times and memory."""
        total = seconds.get("total", 0.0)
        rate = round(self.read / total) if total else 0
        rounded = {name: round(value, 3) for name, value in seconds.items()}
        return replace(self, seconds=rounded, rows_per_second=rate, peak_memory_mb=peak_memory_mb)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


def reject_reasons(stages: Sequence[Stage], verdict: Verdict, clashes: int) -> dict[str, int]:
    """Rejected records by their first reason, most frequent first."""
    reasons = Counter(verdict.reasons)
    for stage in stages:
        if stage.rejects:
            reasons.update(dict(_first_reasons(stage.rejects_path)))
    if clashes:
        reasons["duplicate"] += clashes
    return dict(reasons.most_common())


def _first_reasons(path: Path) -> Iterable[tuple[str, int]]:
    with beside(path) as connection:
        return connection.execute(
            "SELECT reason, count(*) FROM (SELECT arg_min(reason, file_row_number) AS reason"
            " FROM read_parquet(?, file_row_number = true) GROUP BY record_no) GROUP BY reason ORDER BY reason",
            [lake.location(connection, path)],
        ).fetchall()


def records_by_load(path: Path) -> Counter[int]:
    """How many distinct records of each load a verdict's file lists."""
    with beside(path) as connection:
        rows = connection.execute(
            "SELECT _load_id, count(DISTINCT _record_no) FROM read_parquet(?) GROUP BY 1",
            [lake.location(connection, path)],
        ).fetchall()
    return Counter(dict(rows))


def account_total(stages: Sequence[Stage], what: str) -> dict[str, int]:
    """What the readers left out (``lines``) or mended (``repairs``), counted by kind."""
    counts: Counter[str] = Counter()
    for stage in stages:
        counts.update(stage.details.get("account", {}).get(what, {}))
    return dict(counts)


def account_warnings(stages: Sequence[Stage]) -> Iterator[str]:
    """The readers' warnings, each with its file's name where there are several."""
    for stage in stages:
        for text in stage.details.get("account", {}).get("warnings", ()):
            yield f"{stage.details['name']}: {text}" if len(stages) > 1 else text
