"""The steps of an ingestion as plain functions; the Prefect tasks call these and nothing else."""

import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from contextvars import copy_context
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from psycopg import sql

from sluice.audit.anchoring import anchor_quietly
from sluice.contracts.model import Contract
from sluice.contracts.registry import Fingerprint, Registry
from sluice.errors import ContractError, SluiceError, SourceError
from sluice.jobs import (
    classified,
    erasures,
    fetching,
    ledger,
    policies,
    progress,
    references,
    repeats,
    replay,
    source_states,
)
from sluice.jobs import convert as conversion
from sluice.jobs.lease import lease
from sluice.jobs.outcome import Outcome
from sluice.jobs.publication import Publication
from sluice.jobs.publish import publish
from sluice.jobs.recovery import incoming_name
from sluice.jobs.signals import heard
from sluice.quality.audit import audit, rehearse
from sluice.quality.verdict import Verdict
from sluice.queue import outbox
from sluice.readers.base import Stage
from sluice.security import sealed
from sluice.settings import settings
from sluice.sources import acquire, warned
from sluice.sources.acquire import Item, Landed
from sluice.sources.files import disk_errors
from sluice.sources.model import ApiSource, GitHubSource, RejectsSource, stored_label
from sluice.sources.urls import masked
from sluice.warehouse import datasets, merge, sealing
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated
from sluice.warehouse.kept import kept

MANY_ROWS = 50_000
LARGE_FILE = 8_000_000  # bytes: hashing takes 20 ms or more


@dataclass(frozen=True, slots=True)
class Job:
    """What the steps of one job share. ``warehouse`` names a block; empty means the project's own.

    ``contract_sha256`` is that of the contract when the job was opened; empty where it had none.
    """

    job_id: str
    dataset: str
    mode: str
    organization_id: int = 1
    force: bool = False
    warehouse: str = ""
    flow_run_id: str | None = None
    contract_sha256: str = ""

    @property
    def directory(self) -> Path:
        """Where the job stages its files."""
        return settings().stage_dir / self.job_id

    @property
    def about(self) -> policies.About:
        """What the check of a source's policy is made for."""
        return policies.About(self.organization_id, self.dataset, self.directory, self.job_id)


def open_job(warehouse: Warehouse, request: Mapping[str, Any], flow_run_id: str | None = None) -> Job:
    """The job that the request names, or a new one. ``request``: the values of an ``IngestionRequest``."""
    sources = [_without_secrets(source) for source in request["sources"]]
    names = [stored_label(source) for source in sources]
    kinds = {Path(name).suffix.removeprefix(".").lower()[:50] for name in names}
    job_id = request["job_id"] or ledger.create(
        warehouse,
        dataset=request["dataset"],
        filename=", ".join(names),
        file_type=kinds.pop() if len(kinds) == 1 else "",
        organization_id=request["organization_id"],
        user_id=request["user_id"],
        priority=request["priority"],
        flow_run_id=flow_run_id,
        details={"request": {**request, "sources": sources}},
    )
    shared = {name: request[name] for name in ("dataset", "mode", "organization_id", "force", "warehouse")}
    sha256 = ""
    with suppress(SluiceError):  # a step will say what is wrong, when the job can note it
        sha256 = contract_of(request["dataset"]).sha256
    return Job(job_id, flow_run_id=flow_run_id, contract_sha256=sha256, **shared)


def begins(warehouse: Warehouse, job_id: str, flow_run_id: str) -> bool:
    """Whether a job that was handed over together with others is this flow run's to begin now."""
    with translated(), warehouse.connect() as connection:
        return outbox.mine(connection, job_id, flow_run_id)


def _without_secrets(source: Mapping[str, Any]) -> dict[str, Any]:
    """The source as the ledger may keep it: what is secret belongs in a block."""
    return {**source, "url": masked(source["url"])} if source.get("url") else dict(source)


def contract_of(dataset: str) -> Contract:
    """The dataset's contract as it stands now. Raises SetupError or ContractError."""
    registry = Registry.from_settings(settings())
    return _compiled(registry.fingerprint(), dataset)


def _begin(contract: Contract, job: Job) -> None:
    """What each step begins with: it seals its files where the contract wants that.

    Raises ContractError if the contract is not the one that the job began with: a load goes by one.
    """
    if contract.ceiling:
        sealed.protect(job.directory)
    if job.contract_sha256 and contract.sha256 != job.contract_sha256:
        raise ContractError(
            f"The contract of {job.dataset} changed while the load ran.",
            hint="Nothing was published. Load again.",
            dataset=job.dataset,
            file=str(contract.path),
        )


@lru_cache(maxsize=64)
def _compiled(fingerprint: Fingerprint, dataset: str) -> Contract:
    return _registry(fingerprint).get(dataset)


@lru_cache(maxsize=4)
def _registry(_fingerprint: Fingerprint) -> Registry:
    return Registry.from_settings(settings())


@contextmanager
def working(warehouse: Warehouse, job: Job, *, leased: bool = False) -> Iterator[None]:
    """Hold the job's lease in the block, unless the caller does; note a failure or an interruption, and leave nothing
    behind.
    """
    held = nullcontext() if leased else lease(warehouse, job.job_id)
    with kept().keeping(), held, heard() as stops:
        try:
            with translated(), warehouse.connect() as connection:
                erasures.wait(connection, job.organization_id)
                ledger.start(connection, job.job_id, flow_run_id=job.flow_run_id)
            yield
        except BaseException as error:
            reason = stops[0] if stops else error
            ledger.fail(warehouse, job.job_id, reason)
            clean(warehouse, job)
            if reason is not error:
                raise reason from error
            raise
    _remove(job)


def _remove(job: Job) -> None:
    shutil.rmtree(job.directory, ignore_errors=True)
    sealed.forget(job.directory)


def clean(warehouse: Warehouse, job: Job) -> None:
    """Drop the job's incoming tables and staged files."""
    with suppress(SluiceError), translated(), warehouse.connect(autocommit=True) as connection:
        connection.execute("SET lock_timeout = '5s'")
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'sluice'::regnamespace AND starts_with(relname, %s)",
            [incoming_name(job.job_id, 0).removesuffix("0")],
        ).fetchall()
        for (name,) in rows:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier("sluice", name)))
    _remove(job)


def connect(warehouse: Warehouse, contract: Contract, job: Job) -> None:
    """Reach the warehouse and bring the dataset's table in line with the contract."""
    _begin(contract, job)
    ledger.move(warehouse, job.job_id, stage="validating", progress=5, message="connecting")
    with translated(), warehouse.connect() as connection:
        diff = datasets.migrate(connection, contract)
        if diff.lines:
            ledger.audit(
                connection,
                "table.changed",
                organization_id=job.organization_id,
                job_id=job.job_id,
                dataset=job.dataset,
                details={"contract": contract.version, "changes": diff.lines},
            )


def collect(
    warehouse: Warehouse, job: Job, item: Item, number: int, secrets: Mapping[str, Any] | None = None
) -> Landed:
    """Bring one input to disk and hash it; a large file that can't be a repeat is hashed while it is read."""
    later = (item.size or 0) >= LARGE_FILE and not _may_repeat(warehouse, job, item)
    content = None
    if isinstance(item.source, RejectsSource):
        content = replay.records(warehouse, item.source, contract_of(job.dataset), job.organization_id)
    landing = job.directory / "landing" / str(number)
    if isinstance(item.source, ApiSource | GitHubSource):
        contract = contract_of(job.dataset)
        _begin(contract, job)

        def read(coming: Landed) -> Stage:
            return conversion.read(warehouse, contract, coming, **_as_read(job, number))

        with policies.held(warehouse, job.about, item.source, secrets, landing) as held:
            return fetching.land(
                warehouse,
                item.source,
                item,
                landing,
                organization_id=job.organization_id,
                contract=contract,
                whole=job.force or job.mode == "replace",
                secrets=held,
                report=progress.counter(number),
                read=None
                if held is not secrets
                else read,  # under a policy, what is read is classified first
            )
    with disk_errors(job.directory):
        return acquire.acquire(item, landing, secrets, hash_later=later, content=content)


def _may_repeat(warehouse: Warehouse, job: Job, item: Item) -> bool:
    if job.force:
        return False
    with translated(), warehouse.connect() as connection:
        return repeats.of_size(connection, job.organization_id, job.dataset, item.size or 0)


def repeated(
    warehouse: Warehouse, contract: Contract, job: Job, landed: Sequence[Landed]
) -> dict[int, dict[str, str]]:
    """Positions of inputs that this dataset has already: ``source``, ``sha256``, and the ``job_id`` that brought it."""
    _begin(contract, job)
    open_hashes = not all(one.sha256 for one in landed)
    if job.force or (open_hashes and job.mode == "replace"):  # which must know all its inputs
        return {}
    inputs = [(repeats.identity(one.uri, one.sha256), one.options) for one in landed]
    with translated(), warehouse.connect() as connection:
        seen = repeats.loaded_before(connection, job.organization_id, contract, job.mode, inputs)
    return {
        number: {"source": landed[number].uri, "sha256": landed[number].sha256, "job_id": job_id}
        for number, job_id in seen.items()
    }


def convert(
    warehouse: Warehouse,
    contract: Contract,
    job: Job,
    landed: Landed,
    number: int,
    report: Callable[[int], None] | None = None,
) -> Stage:
    """Read one input into a stage and an incoming table."""
    _begin(contract, job)
    classified.require(warehouse, contract, job.about, classified.Landing(landed.path, dict(landed.options)))
    with disk_errors(job.directory):
        return conversion.convert(
            warehouse,
            contract,
            landed,
            progress=report or progress.counter(number),
            **_as_read(job, number),
        )


def _as_read(job: Job, number: int) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "number": number,
        "organization_id": job.organization_id,
        "mode": job.mode,
    }


def check(warehouse: Warehouse, contract: Contract, job: Job, stages: Sequence[Stage]) -> Verdict:
    """Judge the staged rows by the contract's suite; meanwhile the warehouse builds the keys of the new rows."""
    _begin(contract, job)
    if not stages:
        return Verdict(job.directory)
    given = settings()
    mode: Any = job.mode
    with disk_errors(job.directory), ThreadPoolExecutor(1) as beside:
        # In a copy of the context, so that the step's deadline ends it too.
        keys = beside.submit(copy_context().run, _build_keys, warehouse, contract, job, stages)
        verdict = audit(
            stages,
            contract,
            mode=mode,
            directory=job.directory,
            memory_limit_mb=given.memory_limit_mb,
            threads=given.threads,
            absent=references.absent(warehouse, contract, job.organization_id, job.mode),
        )
        keys.result()
    return verdict


def _build_keys(warehouse: Warehouse, contract: Contract, job: Job, stages: Sequence[Stage]) -> None:
    """Only for one large file: small ones are quicker without another connection."""
    if len(stages) > 1 or stages[0].rows < MANY_ROWS:
        return
    table = sql.Identifier("sluice", incoming_name(job.job_id, int(stages[0].directory.name)))
    with translated(), warehouse.connect() as connection:
        merge.prepare_to_replace(connection, contract, table, job.mode)


def store(
    warehouse: Warehouse,
    contract: Contract,
    job: Job,
    stages: Sequence[Stage],
    verdict: Verdict,
    skipped: Sequence[dict[str, str]],
    seconds: dict[str, float],
) -> Outcome:
    """Publish all stages in one transaction, and anchor the audit log after it."""
    _begin(contract, job)
    with disk_errors(job.directory):
        outcome = publish(
            warehouse,
            Publication(
                job_id=job.job_id,
                organization_id=job.organization_id,
                contract=contract,
                mode=job.mode,
                stages=stages,
                incoming=[incoming_name(job.job_id, int(one.directory.name)) for one in stages],
                verdict=verdict,
                locate=conversion.locate,
                force=job.force,
                flow_run_id=job.flow_run_id,
                skipped=tuple(skipped),
                seconds=seconds,
                states=tuple(source_states.laid(job.directory / "landing")),
                seal=sealing.sealer(warehouse, contract, job.organization_id),
                warnings=warned.laid(job.directory / "landing"),
            ),
        )
    anchor_quietly(warehouse, job.organization_id)
    return outcome


def warm_up() -> threading.Thread:
    """Import Great Expectations (about 4 s) beside the first steps; returns the thread that does."""
    from sluice.quality import warm_up as load

    thread = threading.Thread(target=load, name="warm-up", daemon=True)
    thread.start()
    return thread


def warm_contracts() -> None:
    """Compile the contracts and rehearse a small load by each, but for the warehouse's part, for this process and
    copies of it; never raises SluiceError.
    """
    with suppress(SluiceError):
        registry = Registry.from_settings(settings())
        for dataset in _registry(registry.fingerprint()).names():
            with suppress(SluiceError):
                contract = contract_of(dataset)
                rehearse(contract)
                conversion.rehearse(contract)


def require_items(items: Sequence[Item]) -> None:
    """Raise SourceError where there is nothing to ingest."""
    if not items:
        raise SourceError("The sources hold nothing.", hint="Check path or URL.")
