"""Uploads of finished jobs that hold a person's records: which they are, and their removal."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sluice.landing.store import Store
from sluice.subjects.clues import telling
from sluice.warehouse.connection import Connection

_UPLOADS = """
SELECT u.upload_id, u.place, u.job_id, j.status, j.dataset
  FROM sluice.uploads u JOIN sluice.ingestion_jobs j USING (job_id)
 WHERE u.organization_id = %s AND j.dataset = ANY(%s) ORDER BY u.created_at
"""
_NOTED = """
SELECT DISTINCT jsonb_array_elements_text(details -> 'uploads') FROM sluice.audit_log
 WHERE organization_id = %s AND event = 'subject.erased' AND details ->> 'subject' = %s
"""
_OVER = ("completed", "cancelled")
_JSON = (".json", ".ndjson", ".jsonl")
_TEXTS = (".csv", ".tsv", ".txt", *_JSON)
_CODINGS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Uploads:
    """``gone``: to be removed; ``left``: of jobs that are not over, which may still read them."""

    gone: list[str]
    left: list[str]


def find(
    connection: Connection,
    organization_id: int,
    datasets: Mapping[str, bool],
    jobs: set[str],
    texts: Sequence[str],
) -> Uploads:
    """The uploads of these jobs, and those of other jobs of these datasets that hold one of the texts.

    ``datasets``: with whether the person was found there; then an upload that can't be searched counts too.
    """
    gone, left = list[str](), list[str]()
    for upload_id, place, job_id, status, dataset in connection.execute(
        _UPLOADS, [organization_id, list(datasets)]
    ):
        if job_id in jobs or holds(place, texts, doubtful=datasets[dataset]):
            (gone if status in _OVER else left).append(str(upload_id))
    return Uploads(gone, left)


def holds(place: str, texts: Sequence[str], *, doubtful: bool) -> bool:
    """Whether the file has one of the texts; ``doubtful`` where that can't be told: of what is packed, a workbook,
    elsewhere, or of a text that may be written in other ways.
    """
    path = Path(place)
    kind = path.suffix.lower()
    sure = kind in _TEXTS and all(map(telling, texts)) and (kind not in _JSON or "".join(texts).isascii())
    if "://" in place or not sure:
        return doubtful
    wanted = [text.encode(coding, "replace") for text in texts for coding in _CODINGS]
    longest, before = max(map(len, wanted), default=0), b""
    with suppress(FileNotFoundError), path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            piece = before + chunk
            if any(one in piece for one in wanted):
                return True
            before = piece[-longest:]
    return False


def noted(connection: Connection, organization_id: int, token: str) -> list[str]:
    """The uploads that erasures of this person were to remove: one that was killed may have left some."""
    return [str(upload_id) for (upload_id,) in connection.execute(_NOTED, [organization_id, token])]


def remove(store: Store, uploads: Iterable[str]) -> None:
    """Remove the uploads' bytes; one that is gone already does no harm."""
    for upload_id in uploads:
        store.remove(upload_id)
