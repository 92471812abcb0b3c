"""Anchors: the head of an organization's chain, signed by a key that is not in the warehouse.

Whoever owns the warehouse can make the whole chain anew, but not the signature of what it was. Each anchor is kept in
the warehouse and in a file outside of it, so that neither the log's end nor its anchors can go without a trace.
"""

import json
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import UTC, datetime

from psycopg.rows import class_row

from sluice.security.anchor_key import AnchorKeys
from sluice.warehouse.connection import Connection

# Neither a restored copy nor another database of the server is the same log.
_LOG = """
SELECT system_identifier || '-' || oid FROM pg_control_system(), pg_database WHERE datname = current_database()
"""
_COLUMNS = "organization_id, seq, hash, at, key_id, log, signature"


@dataclass(frozen=True, slots=True)
class Anchor:
    """What the chain was: ``hash`` of the entry ``seq``, signed ``at`` by the key that ``key_id`` names.

    ``log``: see ``log_of``; in a restored copy, that of the original.
    """

    organization_id: int
    seq: int
    hash: bytes
    at: datetime
    key_id: str
    log: str
    signature: bytes

    @property
    def statement(self) -> bytes:
        """What is signed."""
        return _statement(self.log, self.organization_id, self.seq, self.hash, self.at)

    @property
    def line(self) -> str:
        """The anchor as a line of its file."""
        values = {
            "organization": self.organization_id,
            "seq": self.seq,
            "hash": self.hash.hex(),
            "at": _text(self.at),
            "key": self.key_id,
            "log": self.log,
            "signature": self.signature.hex(),
        }
        return f"{json.dumps(values)}\n"

    @classmethod
    def of_line(cls, line: bytes) -> "Anchor":
        """The anchor of a line. Raises ValueError."""
        try:
            told = json.loads(line)
            return cls(
                int(told["organization"]),
                int(told["seq"]),
                bytes.fromhex(told["hash"]),
                datetime.fromisoformat(told["at"]),
                str(told["key"]),
                str(told["log"]),
                bytes.fromhex(told["signature"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError("not an anchor") from error


def signed(keys: AnchorKeys, log: str, organization_id: int, seq: int, hash: bytes) -> Anchor:
    """A new anchor."""
    at = datetime.now(UTC)
    signature = keys.own.sign(_statement(log, organization_id, seq, hash, at))
    return Anchor(organization_id, seq, hash, at, keys.key_id, log, signature)


def _statement(log: str, organization_id: int, seq: int, hash: bytes, at: datetime) -> bytes:
    return f"sluice audit anchor 1\n{log}\n{organization_id}\n{seq}\n{hash.hex()}\n{_text(at)}\n".encode()


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def log_of(connection: Connection) -> str:
    """Names the log: the server's identifier and the database's number."""
    row = connection.execute(_LOG).fetchone()
    assert row is not None
    return str(row[0])


def kept(connection: Connection, organization_id: int) -> Iterator[Anchor]:
    """The organization's anchors in the warehouse by ``seq``, fetched in portions, in the caller's transaction."""
    query = f"SELECT {_COLUMNS} FROM sluice.audit_anchors WHERE organization_id = %s ORDER BY seq, key_id"  # noqa: S608
    with connection.cursor("sluice_anchors", row_factory=class_row(Anchor)) as cursor:
        cursor.itersize = 1000
        cursor.execute(query.encode(), [organization_id])
        yield from cursor


def after(connection: Connection, organization_id: int, key_id: str, log: str, seq: int) -> list[Anchor]:
    """The organization's anchors of that key and log after the entry ``seq``, by ``seq``."""
    query = (
        f"SELECT {_COLUMNS} FROM sluice.audit_anchors"  # noqa: S608
        " WHERE organization_id = %s AND key_id = %s AND log = %s AND seq > %s ORDER BY seq"
    )
    with connection.cursor(row_factory=class_row(Anchor)) as cursor:
        return cursor.execute(query.encode(), [organization_id, key_id, log, seq]).fetchall()


def keep(connection: Connection, anchor: Anchor) -> None:
    """Insert the anchor, unless that head is anchored by that key."""
    connection.execute(
        f"INSERT INTO sluice.audit_anchors ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s)"  # noqa: S608
        " ON CONFLICT DO NOTHING".encode(),
        astuple(anchor),
    )
