"""Signed reports of the audit log: a JSON file, and beside it a JWS (RFC 7515, EdDSA) of its hash."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt

from sluice.audit import anchors, log
from sluice.audit.frameworks import Framework
from sluice.audit.verify import Verified
from sluice.errors import InputError, SetupError
from sluice.security.anchor_key import AnchorKeys
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

SUFFIX = ".jws"
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a report is about: entries from ``since`` on and before ``before``."""

    framework: Framework
    organization_id: int
    since: datetime | None = None
    before: datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "framework": self.framework.name,
            "organization_id": self.organization_id,
            "from": self.since.isoformat() if self.since else None,
            "to": self.before.isoformat() if self.before else None,
        }


class Unproven(InputError):
    """A report that is not what a trusted key signed."""


def write(warehouse: Warehouse, keys: AnchorKeys, wanted: Wanted, verified: Verified, path: Path) -> int:
    """Write the report to the file, and its signature beside it; the making is itself an entry of the log.

    Returns how many entries it lists. Raises SluiceError, OSError.
    """
    count, sha256 = 0, hashlib.sha256()
    with path.open("wb") as file, translated(), warehouse.connect() as connection:
        for piece in _pieces(connection, wanted, verified):
            sha256.update(piece)
            file.write(piece)
            count += piece.startswith(b' {"seq":')
        log.write(
            connection,
            "audit.exported",
            organization_id=wanted.organization_id,
            details={**wanted.as_dict(), "entries": count, "sha256": sha256.hexdigest()},
        )
    claims = {**wanted.as_dict(), "sha256": sha256.hexdigest(), "iat": int(datetime.now(UTC).timestamp())}
    token = jwt.encode(claims, keys.own, algorithm="EdDSA", headers={"kid": keys.key_id})
    signature_of(path).write_text(f"{token}\n")
    return count


def check(keys: AnchorKeys, path: Path) -> dict[str, Any]:
    """What was signed, with the key's name as ``kid``. Raises Unproven; SetupError where a file is not there."""
    beside = signature_of(path)
    try:
        token = beside.read_text("ascii", "replace").strip()
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise SetupError(f"There is no file {error.filename}.", hint="A report is two files.") from None
    try:
        kid = str(jwt.get_unverified_header(token).get("kid"))
        if kid not in keys.trusted:
            raise Unproven(
                f"{path}: it is signed by the key {kid}, which is not trusted here.",
                hint="Name its public key in SLUICE_AUDIT_TRUSTED_KEYS.",
            )
        claims = jwt.decode(token, keys.trusted[kid], algorithms=["EdDSA"], options={"verify_aud": False})
    except jwt.InvalidTokenError as error:
        raise Unproven(f"{beside}: the signature is not valid: {error}.") from None
    if claims.get("sha256") != sha256:
        raise Unproven(f"{path}: it was changed after it was signed.")
    return {**claims, "kid": kid}


def signature_of(path: Path) -> Path:
    """Where the signature of the report lies."""
    return path.with_name(path.name + SUFFIX)


def _pieces(connection: Connection, wanted: Wanted, verified: Verified) -> Iterator[bytes]:
    """The report as it is written, an entry a line."""
    chosen = wanted.framework
    period = log.Period(wanted.organization_id, wanted.since, wanted.before, verified.entries)
    counts = period.counts(connection)
    head = {
        "report": "sluice audit report 1",
        **wanted.as_dict(),
        "title": chosen.title,
        "made_at": datetime.now(UTC).isoformat(),
        "log": anchors.log_of(connection),
        "chain": verified.as_dict(),
        "requirements": [
            {
                "id": one.id,
                "asks": one.asks,
                "entries": {event: counts.get(event, 0) for event in one.events},
                "by": one.by,
                "not_covered": one.lacks,
            }
            for one in chosen.requirements
        ],
        "not_covered": list(chosen.lacks),
        "counts": counts,
    }
    yield _encoded(head, indent=1).removesuffix(b"\n}") + b',\n "entries": ['
    before = b"\n"
    for row in period.entries(connection, chosen.events):
        yield before
        yield b" " + _encoded({**row, "answers": chosen.answers(row["event"])})
        before = b",\n"
    yield b"\n ]\n}\n"


def _encoded(value: Any, indent: int | None = None) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=_plain, indent=indent).encode()


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else value.isoformat()
