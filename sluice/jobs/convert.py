"""Convert: a landed file becomes a stage on disk and, in the same pass, an incoming table in the warehouse."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from contextvars import copy_context
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from psycopg import sql

from sluice.contracts.model import Contract
from sluice.errors import InputError, ReadError, SourceError
from sluice.jobs import append, ledger
from sluice.jobs.recovery import incoming_name
from sluice.readers import open_table
from sluice.readers.base import RawTable, Sink, Stage
from sluice.readers.parts import Parts
from sluice.readers.stage import stage
from sluice.security import sealed
from sluice.settings import settings
from sluice.sources.acquire import Landed
from sluice.sources.files import hashed
from sluice.warehouse import sealing
from sluice.warehouse.columns import column_types
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated
from sluice.warehouse.incoming import IncomingTable
from sluice.warehouse.sealing import SealingSink


def convert(
    warehouse: Warehouse,
    contract: Contract,
    landed: Landed,
    *,
    job_id: str,
    number: int,
    organization_id: int,
    mode: str,
    progress: Callable[[int], None] | None = None,
) -> Stage:
    """What ``read`` makes of the file, or made of it while it came.

    Raises ReadError, SourceError, DataRefused, RetryError or SetupError; then nothing is left of it.
    """
    sha256 = _hash(landed)
    staged = _read_before(landed, stage_directory(job_id, number)) or read(
        warehouse,
        contract,
        landed,
        job_id=job_id,
        number=number,
        organization_id=organization_id,
        mode=mode,
        progress=progress,
    )
    digest = sha256()
    _unchanged(landed)
    if not staged.records:
        hint = "Nothing was loaded; check how it was written."
        raise ReadError(f"{_shown(landed)} has a header but no records.", hint=hint, file=str(landed.path))
    whole = replace(staged, source=landed.uri, sha256=digest, size=landed.size)
    whole.save()
    return whole


def _read_before(landed: Landed, directory: Path) -> Stage | None:
    """The stage of what was fetched and read at once."""
    if landed.path.is_dir() and (directory / "stage.json").exists():
        return Stage.load(directory)
    return None


def read(
    warehouse: Warehouse,
    contract: Contract,
    landed: Landed,
    *,
    job_id: str,
    number: int,
    organization_id: int,
    mode: str,
    progress: Callable[[int], None] | None = None,
) -> Stage:
    """Read the file, or the parts of it as they come, into ``stage/<job>/<number>/`` and, unless the publish copies
    from there straight into the table, into ``sluice.incoming_<job>_<number>``.

    Raises as ``convert`` does.
    """
    began, started = time.monotonic(), datetime.now(UTC)
    directory = stage_directory(job_id, number)
    directory.mkdir(parents=True, exist_ok=True)
    load_id = ledger.next_load_id(warehouse)
    constants = {"organization_id": organization_id, "_load_id": load_id}
    sink = incoming(warehouse, contract, job_id, number, constants)
    seal = sealing.sealer(warehouse, contract, organization_id)
    into: Sink = SealingSink(sink, seal) if seal else sink
    sinks = [] if append.goes_direct(warehouse, contract, mode, sink.table) else [into]
    with (
        _named(landed),
        translated(),
        sealed.laid_open(landed.path, directory) as path,
        _named(replace(landed, path=path)),
        closing(_opened(path, landed.options, directory)) as table,
    ):
        staged = stage(
            table,
            contract,
            directory,
            load_id=load_id,
            organization_id=organization_id,
            sinks=sinks,
            progress=progress,
            memory_limit_mb=settings().memory_limit_mb,
            threads=settings().threads or _threads(beside=bool(sinks)),
        )
    details = {
        **staged.details,
        "name": landed.name,
        "path": str(landed.path),
        "options": landed.options,
        "format": table.format,
        "started_at": started.isoformat(),
        "seconds": time.monotonic() - began,
    }
    done = replace(staged, details=details)
    done.save()
    return done


def _threads(*, beside: bool) -> int:
    """One per core, at most 4; ``beside``: the rows are copied meanwhile, which wants one of the cores."""
    return max(min(os.cpu_count() or 1, 4) - beside, 1)


def _opened(path: Path, options: dict[str, str], work: Path) -> RawTable | Parts:
    return Parts(path, work) if path.is_dir() else open_table(path, options, work=work)


def rehearse(contract: Contract) -> None:
    """Read a file of one record with the contract's columns, to know the way. Raises SluiceError."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "rehearsal.csv")
        names = ",".join(column.name for column in contract.columns)
        path.write_text(f"{names}\n{','.join('1' for _ in contract.columns)}\n", encoding="utf-8")
        with closing(open_table(path, {}, work=Path(folder))) as table:
            stage(table, contract, Path(folder, "stage"), load_id=0, organization_id=0, threads=1)


def _hash(landed: Landed) -> Callable[[], str]:
    """A function that gives the file's hash; where it isn't known, a thread makes it from now on.

    Nobody waits for the thread where the reading fails: of a large file it may take minutes.
    """
    if landed.sha256:
        return lambda: landed.sha256
    made: Future[str] = Future()

    def run() -> None:
        try:
            made.set_result(hashed(landed.path))
        except BaseException as error:
            made.set_exception(error)

    threading.Thread(target=copy_context().run, args=(run,), name="hash", daemon=True).start()
    return made.result


@contextmanager
def _named(landed: Landed) -> Iterator[None]:
    """Errors of the input say which one, where a load has several."""
    try:
        yield
    except InputError as error:
        shown = _shown(landed)
        message = error.message.replace(str(landed.path), shown)
        message = message if shown in message else f"{shown}: {message}"
        facts = {"file": landed.uri, **error.facts}
        raise type(error)(message, hint=error.hint, **facts) from error


def _shown(landed: Landed) -> str:
    """The input as people know it: the name of a copy, a path from where they stand."""
    here = Path.cwd()
    if landed.copied:
        return landed.name
    return str(landed.path.relative_to(here) if landed.path.is_relative_to(here) else landed.path)


def stage_directory(job_id: str, number: int) -> Path:
    """Where the job's ``number``-th source is staged."""
    return settings().stage_dir / job_id / str(number)


def incoming(
    warehouse: Warehouse, contract: Contract, job_id: str, number: int, constants: dict[str, int]
) -> IncomingTable:
    """The sink that copies a stage's rows into the warehouse while they are read."""
    target = sql.Identifier(contract.schema, contract.table)
    return IncomingTable(
        warehouse.connect, incoming_name(job_id, number), target, column_types(contract), constants
    )


def locate(staged: Stage, record_numbers: Iterable[int]) -> Iterator[tuple[int, int, str]]:
    """Number, line and raw text of a stage's records, asked for in rising order: one pass over their file."""
    options = dict(staged.details["options"])
    if encoding := staged.details.get("encoding"):
        options["encoding"] = encoding
    with (
        sealed.laid_open(Path(staged.details["path"]), staged.directory) as path,
        closing(_opened(path, options, staged.directory)) as table,
    ):
        yield from table.find(record_numbers)


def _unchanged(landed: Landed) -> None:
    if landed.copied:  # nobody else has it
        return
    status = landed.path.stat()
    if status.st_size != landed.size or (landed.modified_ns and status.st_mtime_ns != landed.modified_ns):
        raise SourceError(
            f"{_shown(landed)} changed while it was read.",
            hint="Load it when it is complete.",
            file=str(landed.path),
        )
