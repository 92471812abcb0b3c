"""The chain: how each entry is hashed together with the one before it; the same as in the migration that made it."""

import hashlib
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from psycopg import Cursor

from sluice.warehouse.connection import Connection

FIRST = bytes(32)  # what stands before an organization's first entry
PORTION = 5000
_START = struct.Struct(">iq")
_NUMBER = struct.Struct(">q")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
# PostgreSQL's own binary form of a time, because some of its times are none of Python's.
_ENTRIES = """
SELECT organization_id, seq, id, timestamptz_send(at), user_id, load_id, event, job_id, dataset, details::text,
       previous, hash FROM sluice.audit_log WHERE organization_id = %s ORDER BY seq
"""


class Entry(NamedTuple):
    """One entry as it lies in the table. ``at``: PostgreSQL's 8 bytes; ``details``: the text of the JSON."""

    organization_id: int
    seq: int
    id: int
    at: bytes
    user_id: int | None
    load_id: int | None
    event: str
    job_id: str | None
    dataset: str | None
    details: str
    previous: bytes
    hash: bytes

    def digest(self) -> bytes:
        """The hash that the entry should bear; empty where a column that must have a value has none."""
        text = (
            f"{_number(self.user_id)},{_number(self.load_id)},"
            f"{_told(self.event)}{_told(self.job_id)}{_told(self.dataset)}{self.details}"
        )
        try:
            start = (
                _START.pack(self.organization_id, self.seq) + self.previous + _NUMBER.pack(self.id) + self.at
            )
        except (struct.error, TypeError):
            return b""
        return hashlib.sha256(start + text.encode()).digest()

    @property
    def moment(self) -> datetime | None:
        """When it was written; None for a time that is none of Python's."""
        try:
            return _EPOCH + timedelta(microseconds=_NUMBER.unpack(self.at)[0])
        except (OverflowError, struct.error, TypeError):
            return None


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def _told(text: str | None) -> str:
    return "-" if text is None else f"{len(text)}:{text}"


def entries(connection: Connection, organization_id: int) -> Iterator[Entry]:
    """The organization's entries by their number, fetched in portions, in the caller's transaction."""
    with connection.cursor("sluice_entries") as cursor:
        yield from map(Entry._make, _rows(cursor, organization_id))


def _rows(cursor: Cursor[tuple[object, ...]], organization_id: int) -> Iterator[tuple[object, ...]]:
    cursor.itersize = PORTION  # type: ignore[attr-defined]
    cursor.execute(_ENTRIES, [organization_id], binary=True)
    yield from cursor
