"""Erases a person: rows, rejects, samples and the person's key in one transaction, then the files they came in."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from sluice.audit import log
from sluice.contracts.model import Contract
from sluice.errors import RetryError
from sluice.jobs import erasures
from sluice.landing.store import Store
from sluice.security import ring
from sluice.security.keys import Keks
from sluice.subjects import files, references, rejects, search, shred, traces
from sluice.subjects.clues import Clue, clues
from sluice.subjects.person import Person
from sluice.subjects.search import Scope
from sluice.warehouse.columns import table_name
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

# As a publish does, so that none comes in between; its name outlives a swap of the table.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('sluice publish ' || %s, 0))"
_SESSION = "SET LOCAL lock_timeout = '5min'; SET LOCAL client_connection_check_interval = '2s'"
_AT_WORK = """
SELECT job_id FROM sluice.ingestion_jobs WHERE organization_id = %s AND dataset = ANY(%s)
   AND (status = 'processing' OR status = 'retrying' AND stage <> 'idle') LIMIT 1
"""
_JOBS = """
SELECT DISTINCT job_id FROM sluice.loads JOIN {table} d ON d._load_id = loads.id
 WHERE d.organization_id = %s AND {theirs}
"""
_RUNS = "SELECT DISTINCT flow_run_id FROM sluice.ingestion_jobs WHERE job_id = ANY(%s) AND flow_run_id IS NOT NULL"
_DELETE = "DELETE FROM {table} d WHERE organization_id = %s AND {theirs}"


@dataclass(slots=True)
class Erased:
    """What was erased, or would be. ``rows``, ``rejects``, ``references`` (of others, emptied): by dataset;
    ``kept``: those of the rows that stay without what was encrypted.

    ``previews`` and ``texts``: how many jobs' previews, and other places of Sluice's tables, told of the person;
    ``keys``: of the person, destroyed; ``uploads``: removed; ``uploads_left``: of jobs that are not over;
    ``flow_runs``: that had these rejects, and may show them in Prefect; ``remains``: in how many rows of which of
    Sluice's tables the identifier still stands.
    """

    subject: str
    rows: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    rejects: dict[str, int] = field(default_factory=dict)
    references: dict[str, int] = field(default_factory=dict)
    previews: int = 0
    texts: int = 0
    keys: int = 0
    uploads: list[str] = field(default_factory=list)
    uploads_left: list[str] = field(default_factory=list)
    flow_runs: list[str] = field(default_factory=list)
    remains: dict[str, int] = field(default_factory=dict)

    @property
    def nothing(self) -> bool:
        """Whether nothing about the person was there."""
        return not (self.rows or self.rejects or self.previews or self.texts or self.keys or self.uploads)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


def erase(
    warehouse: Warehouse,
    person: Person,
    scope: Scope,
    keks: Keks,
    store: Store,
    *,
    user_id: int | None = None,
    keep_rows: bool = False,
    rehearse: bool = False,
) -> Erased:
    """Erase all that is kept about the person; ``rehearse``: only say what that would be, and change nothing.

    ``keep_rows``: rows that name the person by encrypted columns only stay, with all that was encrypted lost.

    Done again it finds nothing, and removes files that one which was killed has left. Raises RetryError while a job
    loads into one of the datasets, SetupError where the contracts do not say whose a row is.
    """
    with translated(), warehouse.connect() as connection:
        left = [] if rehearse else files.noted(connection, person.organization_id, person.token)
        with connection.transaction():
            told = _erase(connection, person, scope, keks, keep_rows)
            if not rehearse and not told.nothing:
                _note(connection, person, told, user_id)
            if rehearse:
                raise psycopg.Rollback
    if not rehearse:
        files.remove(store, [*left, *told.uploads])
    return told


def _erase(connection: Connection, person: Person, scope: Scope, keks: Keks, keep_rows: bool) -> Erased:
    connection.execute(_SESSION)
    erasures.begin(connection, person.organization_id)
    _lock(connection, person, scope)
    told = Erased(person.token, rows=search.find(connection, person, scope, keks))
    known = clues(connection, person, scope, keks)
    turned_away = set[str]()
    jobs = _jobs(connection, person, scope)
    kept = [one for one in scope.contracts if keep_rows and shred.keepable(scope, one)]
    connection.execute(traces.ERASING)
    connection.execute("SET CONSTRAINTS ALL DEFERRED")
    told.references = references.empty(connection, person, scope, kept)
    for contract in scope.contracts:
        if mine := [clue for clue in known if clue.contract.dataset == contract.dataset]:
            turned_away |= _forget_records(connection, person, mine, told)
    told.flow_runs = sorted(str(run) for (run,) in connection.execute(_RUNS, [list(turned_away)]))
    values = sorted({person.text, *filter(None, map(person.value, scope.named))})
    told.texts = sum(traces.texts(connection, person.organization_id, value) for value in values)
    _rows(connection, person, scope, kept, told)
    keys = {key for contract in scope.named if (key := person.key(contract))}
    told.keys = sum(ring.forget(connection, person.organization_id, key) for key in sorted(keys))
    _forget_uploads(connection, person, scope, told, jobs | turned_away, values)
    told.remains = traces.remains(connection, person.organization_id, person.text)
    return told


def _lock(connection: Connection, person: Person, scope: Scope) -> None:
    """Let no load publish meanwhile. Raises RetryError while one is at work: it may have read the person's records."""
    for contract in sorted(scope.all, key=lambda one: (one.schema, one.table)):
        connection.execute(_ONE_AT_A_TIME, [f"{contract.schema}.{contract.table}"])
        table = table_name(contract)
        connection.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(table))
    datasets = [one.dataset for one in scope.contracts]
    busy = connection.execute(_AT_WORK, [person.organization_id, datasets]).fetchone()
    if busy:
        raise RetryError(
            f"{busy[0]} is loading into a dataset that may have this person.",
            hint="Nothing was erased. Wait until it is over, or cancel it; then erase again.",
            job_id=busy[0],
        )


def _jobs(connection: Connection, person: Person, scope: Scope) -> set[str]:
    """The jobs that brought the person's rows."""
    found = set[str]()
    for contract in scope.contracts:
        query = sql.SQL(_JOBS).format(table=table_name(contract), theirs=search.theirs(contract.dataset))
        found |= {str(job_id) for (job_id,) in connection.execute(query, [person.organization_id])}
    return found


def _forget_records(connection: Connection, person: Person, mine: Sequence[Clue], told: Erased) -> set[str]:
    """Rejects and samples of one dataset; returns the jobs that the rejects came from."""
    dataset = mine[0].contract.dataset
    found = rejects.find(connection, person, mine)
    if count := rejects.delete(connection, found):
        told.rejects[dataset] = count
    if found or dataset in told.rows or not any(clue.hidden for clue in mine):
        told.previews += traces.previews(connection, person.organization_id, mine)
    return {str(row["job_id"]) for row in found}


def _rows(
    connection: Connection, person: Person, scope: Scope, kept: Sequence[Contract], told: Erased
) -> None:
    salt = secrets.token_bytes(32)
    for contract in scope.contracts:
        if contract in kept:
            if count := shred.shred(connection, person.organization_id, scope, contract, salt):
                told.kept[contract.dataset] = count
            continue
        query = sql.SQL(_DELETE).format(table=table_name(contract), theirs=search.theirs(contract.dataset))
        connection.execute(query, [person.organization_id])


def _forget_uploads(
    connection: Connection,
    person: Person,
    scope: Scope,
    told: Erased,
    jobs: set[str],
    values: Sequence[str],
) -> None:
    """The uploads go from the list now, and their bytes after the commit."""
    datasets = {
        one.dataset: one.dataset in told.rows or one.dataset in told.rejects for one in scope.contracts
    }
    found = files.find(connection, person.organization_id, datasets, jobs, values)
    told.uploads, told.uploads_left = found.gone, found.left
    connection.execute("DELETE FROM sluice.uploads WHERE upload_id = ANY(%s)", [told.uploads])


def _note(connection: Connection, person: Person, told: Erased, user_id: int | None) -> None:
    log.write(
        connection,
        "subject.erased",
        organization_id=person.organization_id,
        user_id=user_id,
        details=told.as_dict(),
    )
