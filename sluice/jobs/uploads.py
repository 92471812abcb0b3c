"""Uploads: a job is announced, its bytes come in, and with the last of them it waits for its flow run.

Each function works in the caller's transaction.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from psycopg.rows import class_row

from sluice.errors import InputError
from sluice.jobs import creation, ledger
from sluice.queue import outbox
from sluice.sources.model import source_of, stored_label
from sluice.warehouse.connection import Connection, Statement

_FIND = """
SELECT u.upload_id, u.job_id, u.organization_id, u.length, u.place, u.expires_at, u.finished_at,
       j.filename, j.status, u.expires_at < clock_timestamp() AS expired
  FROM sluice.uploads u JOIN sluice.ingestion_jobs j USING (job_id) WHERE upload_id = %s
"""
_ANNOUNCE = creation.making(
    {"upload_id": "text", "length": "bigint", "place": "text", "expires_at": "timestamptz"},
    """
INSERT INTO sluice.uploads (upload_id, job_id, organization_id, length, place, expires_at)
SELECT upload_id, job_id, organization_id, length, place, expires_at FROM wanted JOIN made USING (job_id)
""",
)
_EARLIER = """
SELECT job_id FROM sluice.ingestion_jobs
 WHERE organization_id = %(organization)s AND dataset = %(dataset)s AND content_sha256 = %(sha256)s
   AND job_id <> %(job)s AND status IN ('pending', 'processing', 'retrying', 'completed') AND archived_at IS NULL
 ORDER BY id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client announces. ``options``: the reader's; ``length``: bytes, None if not known yet."""

    dataset: str
    filename: str
    length: int | None = None
    mode: str = "upsert"
    force: bool = False
    priority: str = "normal"
    options: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload and its job. ``place``: where the landing store has its bytes."""

    upload_id: str
    job_id: str
    organization_id: int
    length: int | None
    place: str
    expires_at: datetime
    finished_at: datetime | None
    filename: str
    status: str
    expired: bool


class Repeated(InputError):
    """The same content was sent for the same dataset before; ``facts`` has the job that brought it."""


def new_upload_id(organization_id: int) -> str:
    """Names the organization, so that a signed URL is all that a sender needs."""
    return f"up_{organization_id}_{secrets.token_hex(16)}"


def announce(connection: Connection, wanted: Wanted, **told: Any) -> str:
    """A pending job whose bytes are to come; ``told``: see ``announcement``. Returns its job id."""
    row = announcement(wanted, **told)
    connection.execute(*announcing([row]))
    return str(row["job_id"])


def announcement(
    wanted: Wanted,
    *,
    organization_id: int,
    user_id: int,
    upload_id: str,
    place: str,
    expires_at: datetime,
) -> dict[str, Any]:
    """A new job whose bytes are to come to ``place``, for ``announcing``; its ``job_id`` is new."""
    job_id = creation.new_job_id()
    request = {
        "job_id": job_id,
        "dataset": wanted.dataset,
        "mode": wanted.mode,
        "force": wanted.force,
        "priority": wanted.priority,
        "organization_id": organization_id,
        "user_id": user_id,
        "warehouse": "",
        "sources": [source_of(place, wanted.options).model_dump()],
    }
    return creation.row(
        job_id=job_id,
        dataset=wanted.dataset,
        filename=wanted.filename,
        file_type=PurePath(wanted.filename).suffix.removeprefix(".").lower()[:50],
        file_size=wanted.length,
        organization_id=organization_id,
        user_id=user_id,
        priority=wanted.priority,
        details={"request": request},
        upload_id=upload_id,
        length=wanted.length,
        place=place,
        expires_at=expires_at.isoformat(),
    )


def announcing(rows: list[dict[str, Any]]) -> Statement:
    """The statement that makes these jobs and their uploads."""
    return _ANNOUNCE, creation.values(rows)


def find(connection: Connection, upload_id: str) -> Upload | None:
    """The upload, if there is one that the connection may see."""
    with connection.cursor(row_factory=class_row(Upload)) as cursor:
        return cursor.execute(_FIND, [upload_id]).fetchone()


def arrived(connection: Connection, upload: Upload, size: int, sha256: str) -> None:
    """All bytes are in: the job waits for its flow run from the caller's commit on. Once is enough.

    Raises Repeated, after which the caller may ``drop`` the upload, where the content came before and is not forced.
    """
    query = "UPDATE sluice.uploads SET finished_at = clock_timestamp(), received = %s, content_sha256 = %s"
    done = connection.execute(
        query + " WHERE upload_id = %s AND finished_at IS NULL", [size, sha256, upload.upload_id]
    )
    if not done.rowcount:
        return
    job = ledger.get(connection, upload.job_id)
    request: dict[str, Any] = job["details"]["request"]
    if not request["force"] and (earlier := _earlier(connection, job, sha256)):
        raise Repeated(
            f"The same content was sent for {job['dataset']} before: {earlier}.",
            hint="Nothing will be loaded; `force` loads it again.",
            job_id=earlier,
        )
    ledger.describe(connection, upload.job_id, file_size=size, content_sha256=sha256)
    outbox.put(connection, upload.job_id, upload.organization_id, job["priority"])


def _earlier(connection: Connection, job: dict[str, Any], sha256: str) -> str | None:
    values = {
        "organization": job["organization_id"],
        "dataset": job["dataset"],
        "sha256": sha256,
        "job": job["job_id"],
    }
    # Two that send the same at once: the second waits here, and finds the first.
    lock = "SELECT pg_advisory_xact_lock(hashtextextended('sluice:content:' || %s, 0))"
    connection.execute(lock, [f"{job['organization_id']}:{job['dataset']}:{sha256}"])
    row = connection.execute(_EARLIER, values).fetchone()
    return str(row[0]) if row else None


def drop(connection: Connection, upload: Upload, message: str) -> None:
    """Cancel the job of an upload that will not be loaded."""
    connection.execute("DELETE FROM sluice.uploads WHERE upload_id = %s", [upload.upload_id])
    if upload.status == "pending":
        ledger.cancel(connection, upload.job_id, message)


def whole(
    connection: Connection,
    wanted: Wanted,
    organization_id: int,
    user_id: int,
    upload_id: str,
    place: str,
    size: int,
    sha256: str,
) -> str:
    """A job whose bytes are in already, waiting for its flow run. Returns its job id. Raises Repeated."""
    job_id = announce(
        connection,
        wanted,
        organization_id=organization_id,
        user_id=user_id,
        upload_id=upload_id,
        place=place,
        expires_at=datetime.now(UTC),
    )
    upload = find(connection, upload_id)
    assert upload is not None
    arrived(connection, upload, size, sha256)
    return job_id


def requested(
    connection: Connection, request: dict[str, Any], key: str | None = None, size: int | None = None
) -> str:
    """A job of sources elsewhere, waiting for its flow run. ``request``: the values of its flow's, but for the job;
    ``size``: bytes, where it is known to be small.

    Returns its job id; of a job that has the idempotency ``key`` already, that one's.
    """
    job_id = creation.new_job_id()
    names = [stored_label(source) for source in request["sources"]]
    made = ledger.create(
        connection,
        job_id=job_id,
        dataset=request["dataset"],
        filename=", ".join(names)[:1000],
        file_type="",
        file_size=size,
        idempotency_key=key,
        organization_id=request["organization_id"],
        user_id=request["user_id"],
        priority=request["priority"],
        details={"request": {**request, "job_id": job_id}},
    )
    if made == job_id:
        outbox.put(connection, job_id, request["organization_id"], request["priority"])
    return made
