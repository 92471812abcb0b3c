"""Anchoring: signs the heads of all chains that have grown, unless they no longer hold what was signed before."""

import logging
from collections.abc import Iterable
from pathlib import Path

from sluice.audit import anchors, files
from sluice.audit.anchors import Anchor
from sluice.audit.findings import Finding
from sluice.errors import SluiceError
from sluice.security.anchor_key import AnchorKeys
from sluice.settings import Settings, settings
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

_log = logging.getLogger(__name__)
_GROWN = """
SELECT organization_id FROM sluice.audit_heads h WHERE (%(organization)s::integer IS NULL
   OR organization_id = %(organization)s) AND NOT EXISTS (SELECT FROM sluice.audit_anchors a
       WHERE a.organization_id = h.organization_id AND a.seq = h.seq AND a.hash = h.hash AND a.key_id = %(key)s)
"""
_HEAD = """
SELECT h.seq, h.hash, a.hash FROM sluice.audit_heads h
  LEFT JOIN sluice.audit_log a ON a.organization_id = h.organization_id AND a.seq = %s
 WHERE h.organization_id = %s
"""


def anchor_quietly(warehouse: Warehouse, organization_id: int) -> None:
    """Anchor at the end of other work, which must not fail by it: what is wrong is logged."""
    try:
        with translated(), warehouse.connect() as connection:
            warn(anchor(connection, settings(), organization_id))
    except (SluiceError, OSError) as trouble:
        _log.warning("The audit log was not anchored: %s", trouble)


def warn(findings: Iterable[Finding]) -> None:
    """Log what is wrong."""
    for finding in findings:
        _log.error("The audit log is broken: %s", finding)


def anchor(connection: Connection, given: Settings, organization_id: int | None = None) -> list[Finding]:
    """Sign each head that is not signed. Returns the chains that were not, because they are broken.

    What another process is anchoring is left to it. Safe at any time; nothing is to do where nothing is new.
    Raises SluiceError, OSError.
    """
    keys = AnchorKeys.from_settings(given)
    with translated(), connection.transaction():
        grown = connection.execute(_GROWN, {"organization": organization_id, "key": keys.key_id}).fetchall()
        log = anchors.log_of(connection) if grown else ""
    found = [_anchor(connection, keys, log, number, given.audit_dir) for (number,) in grown]
    return [finding for finding in found if finding]


def _anchor(
    connection: Connection, keys: AnchorKeys, log: str, organization_id: int, folder: Path
) -> Finding | None:
    place = files.file_of(folder, log, organization_id)
    with place.opened() as file:
        if file is None:
            return None
        last = place.last(file)
        with translated(), connection.transaction():
            head = connection.execute(_HEAD, [last.seq if last else 0, organization_id]).fetchone()
            seq, hash, now = head or (0, b"", None)
            if finding := _gone(organization_id, last, seq, now):
                return finding
            anchors.keep(connection, anchors.signed(keys, log, organization_id, seq, hash))
        with translated(), connection.transaction():  # those too that a crash kept from the file
            new = anchors.after(connection, organization_id, keys.key_id, log, last.seq if last else 0)
        place.append(file, [one for one in new if keys.proves(one.key_id, one.signature, one.statement)])
    return None


def _gone(organization_id: int, last: Anchor | None, seq: int, now: bytes | None) -> Finding | None:
    """What of the last anchor no longer holds. ``now``: the hash of the entry that it signs."""
    if last is None:
        return None
    if seq < last.seq:
        what = (
            f"it is missing: an anchor of {last.at:%Y-%m-%d %H:%M:%S} UTC signs it, and the log ends at {seq}"
        )
        return Finding(organization_id, last.seq, what)
    if now != last.hash:
        what = f"it is not the one that an anchor of {last.at:%Y-%m-%d %H:%M:%S} UTC signs"
        return Finding(organization_id, last.seq, what)
    return None
