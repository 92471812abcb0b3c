"""What an API or GitHub has that is new, as a file among the job's inputs."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from typing import Any

from sluice.contracts.model import Contract
from sluice.jobs import source_states
from sluice.jobs.source_states import SourceState
from sluice.jobs.standing import Standing
from sluice.readers.parts import Index
from sluice.security import sealed
from sluice.settings import settings
from sluice.sources import warned
from sluice.sources.acquire import Item, Landed
from sluice.sources.api.client import Client
from sluice.sources.api.csv_page import reader_options
from sluice.sources.api.fetch import fetch, higher
from sluice.sources.api.paging import plain
from sluice.sources.api.shifts import warnings as shift_warnings
from sluice.sources.api.spool import Spool, spooled
from sluice.sources.files import disk_errors
from sluice.sources.github.sync import sync
from sluice.sources.guard import Guard
from sluice.sources.model import ApiSource, GitHubSource
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated

TOLD = "told.json"  # what else is to be known of the records, beside them
Report = Callable[[int], None] | None


def folder() -> Path:
    """Where what is being fetched lies, on this machine."""
    return settings().root / "fetch"


def land(
    warehouse: Warehouse,
    source: ApiSource | GitHubSource,
    item: Item,
    landing: Path,
    *,
    organization_id: int,
    contract: Contract,
    whole: bool,
    secrets: Mapping[str, Any] | None = None,
    report: Report = None,
    read: Callable[[Landed], object] | None = None,
) -> Landed:
    """Fetch the pages to ``landing``, going on where a fetch of the same was stopped, but for a contract with a
    ceiling; ``whole``: all, not what is new. Of many, ``read`` is called to read the first parts, in a thread, while
    the others come.

    Beside them lies the source's new state. Raises SourceError, RetryError, SetupError, InputError (address).
    """
    given, path = settings(), landing / item.name
    if not _is_whole(path):  # of an earlier process of this job
        with translated(), warehouse.connect() as connection:
            known = source_states.read(connection, organization_id, contract.dataset, source.identity)
        client = _client(source, Guard.from_settings(given), secrets)
        declared, since = source.model_dump(mode="json"), _since(source, known, whole)
        key = json.dumps([organization_id, contract.dataset, declared, since, whole, known.loads])
        place = folder() / hashlib.sha256(key.encode()).hexdigest()[:32]
        landing.mkdir(parents=True, exist_ok=True)
        coming = Landed(path, item.name, item.uri, 0, "", True, 0, {})
        with (
            _protected(place, contract),
            spooled(place) as spool,
            client.opened() as client,
            _beside(read, coming) as begin,
        ):
            spool.follow(path, begin)
            if isinstance(source, ApiSource):
                state = _fetched(source, client, spool, known, whole, report)
            else:
                table = Standing(warehouse, contract, organization_id)
                state = _synced(source, client, spool, known, whole, table, report)
            if state is not known:
                replace(state, loads=known.loads + 1).write(landing)
            sha256 = "" if spool.at.raw else spool.at.sha256
            told = {"options": _options(source, spool), "size": spool.size, "sha256": sha256}
            (landing / TOLD).write_text(json.dumps(told))
            warned.lay(landing, [*client.warnings, *shift_warnings(spool.at.shifts)])
            spool.move(path)
    with disk_errors(path):
        told, modified = json.loads((landing / TOLD).read_text()), path.stat().st_mtime_ns
    return Landed(path, item.name, item.uri, told["size"], told["sha256"], True, modified, told["options"])


@contextmanager
def _protected(place: Path, contract: Contract) -> Iterator[None]:
    if contract.ceiling:
        sealed.protect(place)
    try:
        yield
    finally:
        sealed.forget(place)


def _is_whole(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and Index.read(path).complete)


@contextmanager
def _beside(read: Callable[[Landed], object] | None, landed: Landed) -> Iterator[Callable[[], None]]:
    """What begins to read, once, in a thread that ends with the block; what it raises, the next to read meets again."""
    begun: list[Future[object]] = []
    with ThreadPoolExecutor(1, "reading") as pool:

        def begin() -> None:
            if read and not begun:
                # In a copy of the context, so that the step's deadline ends it too.
                begun.append(pool.submit(copy_context().run, read, landed))

        try:
            yield begin
        except BaseException:
            if begun:
                replace(Index.read(landed.path), given_up=True).write(landed.path)
            raise


def _options(source: ApiSource | GitHubSource, spool: Spool) -> dict[str, str]:
    """What the reader is to know: of records nothing, for Sluice itself wrote them; of an answer as it came all."""
    if not isinstance(source, ApiSource) or not spool.at.raw:
        return {}
    where = plain(source.records)
    return ({"path": where} if where else {}) | reader_options(spool.at.headers) | source.options


def _client(source: ApiSource | GitHubSource, guard: Guard, secrets: Mapping[str, Any] | None) -> Client:
    if isinstance(source, ApiSource):
        return Client(guard, secrets, rate=source.rate, concurrency=source.concurrency)
    return Client(guard, secrets, concurrency=source.requests_at_once, reserve=source.reserve)


def _since(source: ApiSource | GitHubSource, known: SourceState, whole: bool) -> str | None:
    """The value from which on a declared API is asked; None for everything."""
    if isinstance(source, GitHubSource):
        return None
    start = source.incremental.start if source.incremental else ""
    return ((known.high or start) if not whole else start) or None


def _fetched(
    source: ApiSource, client: Client, spool: Spool, known: SourceState, whole: bool, report: Report
) -> SourceState:
    """Fetch the endpoint's pages. Returns the state that goes with them."""
    validators = {} if whole else known.validators
    fetch(source, client, spool, since=_since(source, known, whole), validators=validators, report=report)
    high = higher(spool.at.high, None if whole else known.high)
    return replace(known, high=high, validators=spool.at.validators)


def _synced(
    source: GitHubSource,
    client: Client,
    spool: Spool,
    known: SourceState,
    whole: bool,
    table: Standing,
    report: Report,
) -> SourceState:
    """Fetch what is new on GitHub. Returns the state that goes with it; of a single issue none is kept."""
    seen = sync(source, client, spool, seen=known.seen, table=table, whole=whole, report=report)
    return known if source.number else replace(known, seen=seen)
