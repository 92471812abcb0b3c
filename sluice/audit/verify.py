"""Verifies the audit log: each link of each chain, its head, and every anchor in the warehouse and in the file."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from heapq import merge
from itertools import groupby
from typing import Any

from sluice.audit import anchors, chain, files
from sluice.audit.anchoring import anchor
from sluice.audit.anchors import Anchor
from sluice.audit.chain import Entry
from sluice.audit.findings import Finding, LogBroken
from sluice.security.anchor_key import AnchorKeys
from sluice.settings import Settings
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated

MOST = 10  # findings that are told of one organization
_ORGANIZATIONS = """
SELECT organization_id FROM sluice.audit_heads UNION SELECT organization_id FROM sluice.audit_log
UNION SELECT organization_id FROM sluice.audit_anchors
"""
_HEAD = "SELECT seq, hash FROM sluice.audit_heads WHERE organization_id = %s"


@dataclass(slots=True)
class Verified:
    """What was found of one organization. ``entries``: those whose links hold, from the first on.

    ``anchored``: the last of them that a trusted signature proves; ``foreign``: anchors by keys that are not trusted
    here, which prove nothing here; ``unfiled``: trusted ones in the warehouse that are not in this machine's file.
    """

    organization_id: int
    entries: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    last_hash: bytes = chain.FIRST
    anchors: int = 0
    anchored: int = 0
    anchored_at: datetime | None = None
    foreign: int = 0
    unfiled: int = 0
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)

    @property
    def unanchored(self) -> int:
        """Entries after the last anchor: that nobody made them anew, nothing but the chain itself says."""
        return self.entries - self.anchored

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        moments = ("first_at", "last_at", "anchored_at")
        found = {name: value for name, value in asdict(self).items() if name != "last_hash"}
        found |= {name: found[name].isoformat() if found[name] else None for name in moments}
        return found | {
            "last_hash": self.last_hash.hex(),
            "unanchored": self.unanchored,
            "findings": [finding.as_dict() for finding in self.findings],
        }

    def add(self, seq: int, what: str, entry: Entry | None = None) -> None:
        """Note what is wrong."""
        if len(self.findings) < MOST:
            known = (entry.id, entry.moment) if entry else (None, None)
            self.findings.append(Finding(self.organization_id, seq, what, *known))


def verify(warehouse: Warehouse, given: Settings, organization_id: int | None = None) -> Iterator[Verified]:
    """What is found of each organization, or of the one. Entries that come meanwhile are not looked at.

    Reads the log once, with flat memory. Raises SluiceError.
    """
    keys = AnchorKeys.from_settings(given)
    with translated(), warehouse.connect() as connection:
        log = anchors.log_of(connection)
        connection.rollback()
        # The sizes first: what the files have by then, the warehouse has when its snapshot is made.
        sizes = {
            number: files.file_of(given.audit_dir, log, number).size()
            for number in files.organizations(given.audit_dir, log)
        }
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        known = {int(number) for (number,) in connection.execute(_ORGANIZATIONS)} | set(sizes)
        for number in sorted(known if organization_id is None else {organization_id}):
            in_file = files.file_of(given.audit_dir, log, number).read(sizes.get(number, 0))
            yield _Walk(Verified(number), keys, log, _paired(anchors.kept(connection, number), in_file)).done(
                connection
            )


def verify_all(warehouse: Warehouse, given: Settings) -> int:
    """Verify each organization's chain, and anchor them; returns how many entries there are. Raises LogBroken."""
    found = list(verify(warehouse, given))
    broken = [str(one.findings[0]) for one in found if one.findings]
    if broken:
        raise LogBroken(
            f"The audit log is broken: {'; '.join(broken)}.",
            hint="`sluice audit verify` shows all that was found.",
            findings=broken,
        )
    with translated(), warehouse.connect() as connection:
        anchor(connection, given)
    return sum(one.entries for one in found)


@dataclass(frozen=True, slots=True)
class _Placed:
    """An anchor, and where it is."""

    anchor: Anchor
    in_warehouse: bool
    in_file: bool


def _paired(kept: Iterable[Anchor], filed: Iterable[Anchor]) -> Iterator[_Placed]:
    """All anchors by ``seq``, each once."""
    both = merge(((one, 0) for one in kept), ((one, 1) for one in filed), key=_place)
    for _, group in groupby(both, key=_place):
        found = list(group)
        for each in {one: None for one, _ in found}:
            places = {place for one, place in found if one == each}
            yield _Placed(each, 0 in places, 1 in places)


def _place(placed: tuple[Anchor, int]) -> tuple[int, str]:
    return placed[0].seq, placed[0].key_id


class _Walk:
    """Goes along one chain, and the anchors beside it."""

    def __init__(self, found: Verified, keys: AnchorKeys, log: str, placed: Iterator[_Placed]) -> None:
        self._found, self._keys, self._log = found, keys, log
        self._placed = placed
        self._next = next(placed, None)

    def done(self, connection: Connection) -> Verified:
        """What was found, after the whole chain or up to its first broken link."""
        began, found = time.monotonic(), self._found
        for entry in chain.entries(connection, found.organization_id):
            if what := self._wrong(entry):
                found.add(found.entries + 1 if entry.seq != found.entries + 1 else entry.seq, what, entry)
                break
            found.entries, found.last_hash, last = entry.seq, entry.hash, entry
            if entry.seq == 1:
                found.first_at = entry.moment
            self._pass_anchors(entry)
        else:
            self._end(connection)
        if found.entries:
            found.last_at = last.moment
        found.seconds = time.monotonic() - began
        return found

    def _wrong(self, entry: Entry) -> str:
        """What is wrong with the next entry."""
        found = self._found
        if entry.seq != found.entries + 1:
            return f"it is missing; the next that is there has the number {entry.seq}"
        if entry.previous != found.last_hash:
            return "it does not follow the entry before it: that was replaced, or this one was"
        return "" if entry.hash == entry.digest() else "it was changed: its hash is not that of its content"

    def _pass_anchors(self, entry: Entry) -> None:
        """Compare the anchors of this entry with it."""
        while self._next and self._next.anchor.seq <= entry.seq:
            if self._counts(self._next):
                anchor = self._next.anchor
                if anchor.hash == entry.hash:
                    self._found.anchors += 1
                    self._found.anchored, self._found.anchored_at = anchor.seq, anchor.at
                else:
                    self._found.add(entry.seq, self._rewritten(anchor), entry)
            self._next = next(self._placed, None)

    def _rewritten(self, anchor: Anchor) -> str:
        since = self._found.anchored
        first = f"between the entries {since + 1} and {anchor.seq}" if anchor.seq > since + 1 else "there"
        return f"the log was made anew {first}: an anchor of {anchor.at:%Y-%m-%d %H:%M:%S} UTC signs another hash"

    def _counts(self, placed: _Placed) -> bool:
        """Whether the anchor proves anything; what is wrong with it is noted."""
        anchor = placed.anchor
        if anchor.key_id not in self._keys.trusted:
            self._found.foreign += 1
            return False
        if not self._keys.proves(anchor.key_id, anchor.signature, anchor.statement):
            self._found.add(anchor.seq, f"its anchor of {anchor.at:%Y-%m-%d %H:%M:%S} UTC was changed")
            return False
        if not placed.in_warehouse:
            when = f"{anchor.at:%Y-%m-%d %H:%M:%S} UTC"
            self._found.add(
                anchor.seq, f"its anchor of {when} was removed from the warehouse; the file has it"
            )
        self._found.unfiled += anchor.log == self._log and not placed.in_file
        return True

    def _end(self, connection: Connection) -> None:
        """What should come after the last entry that is there."""
        found = self._found
        seq, hash = connection.execute(_HEAD, [found.organization_id]).fetchone() or (0, chain.FIRST)
        if (seq, hash) != (found.entries, found.last_hash):
            found.add(
                min(seq, found.entries) + 1, f"the log ends at {found.entries}, and its head says {seq}"
            )
        while self._next:
            if self._counts(self._next):
                anchor = self._next.anchor
                what = f"it is missing: an anchor of {anchor.at:%Y-%m-%d %H:%M:%S} UTC signs it, and the log ends at"
                found.add(anchor.seq, f"{what} {found.entries}")
            self._next = next(self._placed, None)
