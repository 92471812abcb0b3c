"""An organization's data keys, wrapped in the warehouse: one that seals, one for blind indexes, and one a person.

Rotation of the key-encryption key wraps them anew and touches no row; ``renew`` makes a new key for what is sealed
from then on. A person's own key (``subject``) is wrapped by the organization's; with it goes what it has sealed,
wherever copies of that lie: ``forget``.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from sluice.errors import SetupError
from sluice.security.keys import SIZE, Kek, Keks

Connection = psycopg.Connection[tuple[Any, ...]]
SEAL, BLIND = "seal", "blind"
_MOST_KNOWN = 200_000  # persons whose keys are remembered
_CONFINED = "SELECT sluice.sees_one()"
_OWN = "SELECT id, purpose, wrapped, kek_id, retired_at IS NULL FROM sluice.own_data_keys() ORDER BY id"
_ALL = """
SELECT id, purpose, wrapped, kek_id, retired_at IS NULL FROM sluice.data_keys WHERE organization_id = %s ORDER BY id
"""
_MAKE = """
INSERT INTO sluice.data_keys (id, organization_id, purpose, wrapped, kek_id) OVERRIDING SYSTEM VALUE
VALUES (%s, %s, %s, %s, %s)
"""
_NEXT = "SELECT nextval(pg_get_serial_sequence('sluice.data_keys', 'id'))"
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('sluice:data_keys'), %s)"
_SUBJECTS = "SELECT subject, key_id, wrapped FROM sluice.subject_keys WHERE organization_id = %s AND subject = ANY(%s)"
_OWN_SUBJECTS = "SELECT subject, key_id, wrapped FROM sluice.own_subject_keys(%s)"
_ADD_SUBJECTS = """
INSERT INTO sluice.subject_keys (organization_id, subject, key_id, wrapped)
SELECT %s, * FROM unnest(%s::bytea[], %s::integer[], %s::bytea[]) ON CONFLICT DO NOTHING
"""


@dataclass(slots=True)
class Ring:
    """The organization's keys, unwrapped: those that seal by id, the current one's id, and that of blind indexes."""

    organization_id: int
    current: int
    seals: dict[int, bytes] = field(repr=False)
    blind: bytes = field(repr=False)
    subjects: dict[bytes, bytes] = field(default_factory=dict, repr=False)

    def seal(self, key_id: int) -> bytes:
        """The key of that id. Raises SetupError."""
        try:
            return self.seals[key_id]
        except KeyError:
            raise SetupError(
                f"The data key {key_id} of organization {self.organization_id} is not in the warehouse.",
                hint="Restore the table sluice.data_keys from a backup; without it these values are lost.",
            ) from None


def read(connection: Connection, keks: Keks, organization_id: int) -> Ring | None:
    """The organization's keys; None where it has none yet. ``connection`` may act for the organization only.

    Raises SetupError where the key that wraps them lacks.
    """
    confined = connection.execute(_CONFINED).fetchone() == (True,)
    rows = connection.execute(*((_OWN,) if confined else (_ALL, [organization_id]))).fetchall()
    seals, blind, current = dict[int, bytes](), b"", 0
    for key_id, purpose, wrapped, kek_id, in_use in rows:
        about = _about(organization_id, key_id, purpose)
        plain = keks.of(str(kek_id)).unwrap(bytes(wrapped), about)
        if purpose == BLIND:
            blind = plain
            continue
        seals[int(key_id)] = plain
        current = int(key_id) if in_use else current
    return Ring(organization_id, current, seals, blind) if blind and current else None


def ensure(connection: Connection, keks: Keks, organization_id: int) -> Ring:
    """The organization's keys, made and committed where it has none. ``connection``: an autocommit one."""
    found = read(connection, keks, organization_id)
    if found:
        return found
    with connection.transaction():
        connection.execute(_LOCK, [organization_id])
        if read(connection, keks, organization_id) is None:
            for purpose in (SEAL, BLIND):
                _make(connection, keks.current, organization_id, purpose)
    made = read(connection, keks, organization_id)
    assert made
    return made


def renew(connection: Connection, keks: Keks, organization_id: int) -> int:
    """Make a new key for what is sealed from now on; returns its id. What stands is read with the old one."""
    with connection.transaction():
        connection.execute(_LOCK, [organization_id])
        connection.execute(
            "UPDATE sluice.data_keys SET retired_at = now()"
            " WHERE organization_id = %s AND purpose = %s AND retired_at IS NULL",
            [organization_id, SEAL],
        )
        return _make(connection, keks.current, organization_id, SEAL)


def rewrap(connection: Connection, keks: Keks) -> int:
    """Wrap the data keys of all organizations with the current key; returns how many were wrapped by others.

    Raises SetupError, with nothing changed, where one of those others lacks.
    """
    with connection.transaction():
        rows = connection.execute(
            "SELECT id, organization_id, purpose, wrapped, kek_id FROM sluice.data_keys"
            " WHERE kek_id <> %s ORDER BY id FOR UPDATE",
            [keks.current.id],
        ).fetchall()
        for key_id, organization_id, purpose, wrapped, kek_id in rows:
            about = _about(organization_id, key_id, purpose)
            plain = keks.of(str(kek_id)).unwrap(bytes(wrapped), about)
            connection.execute(
                "UPDATE sluice.data_keys SET wrapped = %s, kek_id = %s WHERE id = %s",
                [keks.current.wrap(plain, about), keks.current.id, key_id],
            )
    return len(rows)


def _make(connection: Connection, kek: Kek, organization_id: int, purpose: str) -> int:
    row = connection.execute(_NEXT).fetchone()
    assert row
    key_id = int(row[0])
    wrapped = kek.wrap(secrets.token_bytes(SIZE), _about(organization_id, key_id, purpose))
    connection.execute(_MAKE, [key_id, organization_id, purpose, wrapped, kek.id])
    return key_id


def _about(organization_id: object, key_id: object, purpose: object) -> str:
    return f"organization {organization_id}, data key {key_id} ({purpose})"


def subjects(connection: Connection, ring: Ring, tokens: Iterable[bytes]) -> dict[bytes, bytes]:
    """The keys of these persons by token, of those that have one."""
    wanted = set(tokens)
    known = {token: ring.subjects[token] for token in wanted & ring.subjects.keys()}
    lacking = list(wanted - known.keys())
    if lacking:
        confined = connection.execute(_CONFINED).fetchone() == (True,)
        query = (_OWN_SUBJECTS, [lacking]) if confined else (_SUBJECTS, [ring.organization_id, lacking])
        for token, key_id, wrapped in connection.execute(*query):
            kek = Kek(ring.seal(int(key_id)))
            token = bytes(token)
            known[token] = kek.unwrap(bytes(wrapped), _of_subject(token))
        if len(ring.subjects) > _MOST_KNOWN:
            ring.subjects.clear()
        ring.subjects.update(known)
    return known


def ensure_subjects(connection: Connection, ring: Ring, tokens: Sequence[bytes]) -> dict[bytes, bytes]:
    """The keys of these persons by token, made and committed where one has none. ``connection``: an autocommit one."""
    known = subjects(connection, ring, tokens)
    new = sorted(set(tokens) - known.keys())
    if not new:
        return known
    kek = Kek(ring.seal(ring.current))
    wrapped = [kek.wrap(secrets.token_bytes(SIZE), _of_subject(token)) for token in new]
    connection.execute(_ADD_SUBJECTS, [ring.organization_id, new, [ring.current] * len(new), wrapped])
    return known | subjects(connection, ring, new)


def forget(connection: Connection, organization_id: int, token: bytes) -> bool:
    """Destroy the person's key: no copy of what it has sealed can be read again. Returns whether there was one.

    In the caller's transaction. Rows that come after it get a new key.
    """
    done = connection.execute(
        "DELETE FROM sluice.subject_keys WHERE organization_id = %s AND subject = %s",
        [organization_id, token],
    )
    return done.rowcount > 0


def _of_subject(token: bytes) -> str:
    return f"subject {token.hex()}"
